"""`task.revert`: what an ended task has made goes again, and nothing else."""

from datetime import timedelta

from enamel.commands.command import Planned, Want
from enamel.commands.facts import Ask, Facts
from enamel.flow import plan as plans
from enamel.flow import view
from enamel.flow.graph import Graph
from enamel.flow.plan import Draft, Handle
from enamel.model import item, task
from enamel.model.errors import WrongState
from enamel.steps import KINDS
from enamel.steps.revert import Revert


def ask(want: Want) -> Ask:
    """Return what has to be known: the task's items."""
    return Ask(task=want.params["task"])


def plan(want: Want, facts: Facts) -> Planned:
    """Return the plan that undoes a task's steps, each as soon as all that build on it are undone.

    Raises:
        WrongState: The task has not ended, was reverted before, or has left nothing to undo.
    """
    old = facts.task
    if old is None:
        raise AssertionError("the facts of a revert have the task")
    _refuse(old, facts)
    before = plans.read(old.plan)
    graph = Graph(before)
    items = {one.name: one for one in facts.items}
    draft = Draft()
    undone: dict[str, list[Handle]] = {}
    for node in reversed(before.nodes):
        later = [handle for other in graph.dependents[node.name] for handle in undone[other]]
        one = items[node.name]
        if one.state is not item.State.COMPLETED or not KINDS[one.kind].undoable:
            undone[node.name] = later
            continue
        step = Revert(
            of=one.kind,
            step=view.inputs_of(before, items, node.name, old.groups),
            outputs=one.outputs,
            only=_left(one),
        )
        undone[node.name] = [draft.add(step, name=f"undo-{node.name}", after=later)]
    made = draft.plan(on_failure="keep")
    if not made.nodes:
        raise WrongState(f"Task {old.id} has left nothing to undo.", state=old.state.value)
    return Planned(plan=made, give_up_after=timedelta(hours=1))


def _refuse(old: task.Task, facts: Facts) -> None:
    """Raise WrongState where the task cannot be reverted."""
    if old.state not in task.ENDED:
        raise WrongState(
            f"Task {old.id} is {old.state.value}; cancel it instead.",
            state=old.state.value,
            remedy="Cancel the task: it undoes what it has made.",
        )
    if old.type == "server.terminate" or old.type == "task.revert":
        raise WrongState(f"A {old.type} cannot be undone.", state=old.state.value)
    if facts.reverted_by is not None:
        raise WrongState(
            f"Task {old.id} was reverted already, by task {facts.reverted_by}.",
            state="REVERTED",
            reverted_by=facts.reverted_by,
        )


def _left(one: item.Item) -> tuple[int, ...] | None:
    """Return the places of the things that are still there; None where all are."""
    gone = set(one.outputs.get("undone", ()))
    if not gone:
        return None
    return tuple(place for place, _ in enumerate(KINDS[one.kind].made(one.outputs)) if place not in gone)
