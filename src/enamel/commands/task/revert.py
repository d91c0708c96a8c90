"""`task.revert`: undo what an ended task has made, and nothing else."""

from collections.abc import Sequence
from datetime import timedelta

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.commands.task import undo_steps
from enamel.flow import plan as plans
from enamel.flow.draft import Draft
from enamel.flow.plan import Plan
from enamel.model import task
from enamel.model.errors import WrongState
from enamel.model.item import Item
from enamel.steps import KINDS


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the task's items."""
    return FactsNeeded(task=request.params["task"])


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the plan that undoes a task's steps, each as soon as all that build on it are undone.

    Raises:
        WrongState: The task has not ended, was reverted before, or has left nothing to undo.
    """
    old = facts.task
    if old is None:
        raise AssertionError("the facts of a revert have the task")
    return Planned(plan=undo(old, facts.items, children=facts.children), timeout=timedelta(hours=1))


def undo(old: task.Task, items: Sequence[Item], *, children: Sequence[task.Task] = ()) -> Plan:
    """Return the plan that undoes a task.

    Args:
        old: The task.
        items: Its items.
        children: The tasks that have reverted or restarted it.

    Raises:
        WrongState: The task has not ended, was reverted before, or has left nothing to undo.
    """
    _refuse(old, items, children)
    before = plans.read(old.plan)
    by_name = {item.name: item for item in items}
    draft = Draft()
    undo_steps.outstanding(draft, before, by_name)
    undo_steps.undo(draft, before, by_name, of=old, among=by_name)
    plan = draft.plan(on_failure="keep", keep_going=True)
    if not plan.nodes:
        raise WrongState(f"Task {old.id} has left nothing to undo.", state=old.state.value)
    return plan


def _refuse(old: task.Task, items: Sequence[Item], children: Sequence[task.Task]) -> None:
    """Raise WrongState where the task cannot be reverted."""
    if old.state not in task.ENDED:
        raise WrongState(
            f"Task {old.id} is {old.state.value}; cancel it instead.",
            state=old.state.value,
            remedy="Cancel the task: it undoes what it has made.",
        )
    if old.type == "server.terminate" or old.type == "task.revert":
        raise WrongState(f"A {old.type} cannot be undone.", state=old.state.value)
    if any(KINDS[item.kind].final and item.attempt for item in items):
        raise WrongState(
            f"Task {old.id} is past its point of no return.",
            state=old.state.value,
            remedy="Do the opposite: a server that was transferred can be transferred back.",
        )
    owner = undo_steps.owner(children)
    if owner is not None:
        raise WrongState(
            f"Task {old.id} was reverted already, by task {owner.id}."
            if owner.type == undo_steps.REVERT
            else f"What task {old.id} made belongs to task {owner.id} now, which has restarted it.",
            state=old.state.value,
            taken_up_by=owner.id,
        )
