"""The undoing of an earlier task's steps, as steps of a new one; and who else has taken that task up."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from enamel.flow import evaluation, task_view
from enamel.flow import plan as plans
from enamel.flow.draft import Draft, Handle
from enamel.flow.graph import Graph
from enamel.flow.plan import Node, Plan
from enamel.model import item, task
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.steps import KINDS
from enamel.steps.revert import Revert

REVERT = "task.revert"
_FAILED = frozenset({item.State.ABORTED, item.State.TIMED_OUT})


def owner(children: Sequence[Task]) -> Task | None:
    """Return the task that has what an earlier one made: one that restarted or reverted it, or is about to.

    A revert that waits for its time, or that failed, leaves the matter open.
    """
    return next((child for child in children if child.type != REVERT or _reverts(child)), None)


def disturber(children: Sequence[Task]) -> Task | None:
    """Return a revert that failed half-way: nobody can say in one word what is left of the earlier task."""
    return next(
        (child for child in children if child.type == REVERT and child.attempt and not _reverts(child)), None
    )


def _reverts(child: Task) -> bool:
    if child.state is task.State.WAITING:
        return child.not_before is None or child.attempt > 0
    return child.state in {task.State.RUNNING, task.State.COMPLETED}


def undo(
    draft: Draft,
    before: Plan,
    items: Mapping[str, Item],
    *,
    of: Task,
    among: Collection[str],
    places: Mapping[str, Collection[int]] | None = None,
) -> dict[str, Node]:
    """Add the undoing of steps to a draft, each as soon as all that build on it are undone.

    Return the steps that are undone, by the names of those that undo them.

    Args:
        draft: The plan that is being written.
        before: The plan of the earlier task.
        items: Its items.
        of: The earlier task.
        among: The steps that may be undone; those that have left nothing are passed over.
        places: Of other steps, which made several things: the places of those that may go.
    """
    graph = Graph(before)
    handles: dict[str, list[Handle]] = {}
    added: dict[str, Node] = {}
    for node in reversed(before.nodes):
        later = [handle for other in graph.dependents[node.name] for handle in handles[other]]
        handles[node.name] = later
        step_item = items.get(node.name)
        if step_item is None:
            continue
        remaining = left(step_item)
        may = remaining if node.name in among else (places or {}).get(node.name, ())
        going = tuple(place for place in remaining if place in may)
        if not going and not (node.name in among and _may_have_left(step_item)):
            continue
        step = Revert(
            of=step_item.kind,
            step=task_view.inputs_of(before, items, node.name, of.groups),
            outputs=step_item.outputs if going else {},
            only=going if going and len(going) < _total(step_item) else None,
            mark=plans.mark(of.id, node.name, alternative=graph.placement(node, of.groups)),
        )
        handle = draft.add(
            step, name=f"undo-{node.name}", after=later, cloud=node.cloud, project=node.project
        )
        handles[node.name] = [handle]
        added[handle.name] = node
    return added


def outstanding(draft: Draft, before: Plan, items: Mapping[str, Item]) -> dict[str, Node]:
    """Add what an earlier task was to undo, of a still earlier one, and has not; return these steps by their names."""
    handles: dict[str, Handle] = {}
    added: dict[str, Node] = {}
    for node in before.nodes:
        if is_undoing(node) and items[node.name].state is not item.State.COMPLETED:
            after = [handles[name] for name in node.after if name in handles]
            step = msgspec.convert(evaluation.resolve(node.inputs, evaluation.LITERALS), Revert)
            handles[node.name] = draft.add(
                step, name=node.name, after=after, cloud=node.cloud, project=node.project
            )
            added[node.name] = node
    return added


def is_undoing(node: Node) -> bool:
    """Tell whether a step undoes one of an earlier task."""
    return node.kind == Revert.kind


def left(step: Item) -> tuple[int, ...]:
    """Return the places of the things that a step has made and that are still there."""
    if step.state is not item.State.COMPLETED or not KINDS[step.kind].undoable:
        return ()
    gone = set(step.outputs.get("undone", ()))
    return tuple(place for place in range(_total(step)) if place not in gone)


def _total(step: Item) -> int:
    """Return how many things a step has made; most make one."""
    many = KINDS[step.kind].list_output
    return len(step.outputs[many]) if many else 1


def _may_have_left(step: Item) -> bool:
    """Tell whether a step failed, was not undone, and may have made something all the same."""
    return KINDS[step.kind].undoable and step.state in _FAILED and step.attempt > 0
