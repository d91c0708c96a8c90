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
    return next((one for one in children if one.type != REVERT or _reverts(one)), None)


def disturber(children: Sequence[Task]) -> Task | None:
    """Return a revert that failed half-way: nobody can say in one word what is left of the earlier task."""
    return next((one for one in children if one.type == REVERT and one.attempt and not _reverts(one)), None)


def _reverts(one: Task) -> bool:
    if one.state is task.State.WAITING:
        return one.not_before is None or one.attempt > 0
    return one.state in {task.State.RUNNING, task.State.COMPLETED}


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
        one = items.get(node.name)
        if one is None:
            continue
        there = left(one)
        may = there if node.name in among else (places or {}).get(node.name, ())
        going = tuple(place for place in there if place in may)
        if not going and not (node.name in among and _may_have_left(one)):
            continue
        step = Revert(
            of=one.kind,
            step=task_view.inputs_of(before, items, node.name, of.groups),
            outputs=one.outputs if going else {},
            only=going if going and len(going) < _total(one) else None,
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


def left(one: Item) -> tuple[int, ...]:
    """Return the places of the things that a step has made and that are still there."""
    if one.state is not item.State.COMPLETED or not KINDS[one.kind].undoable:
        return ()
    gone = set(one.outputs.get("undone", ()))
    return tuple(place for place in range(_total(one)) if place not in gone)


def _total(one: Item) -> int:
    """Return how many things a step has made; most make one."""
    many = KINDS[one.kind].list_output
    return len(one.outputs[many]) if many else 1


def _may_have_left(one: Item) -> bool:
    """Tell whether a step failed, was not undone, and may have made something all the same."""
    return KINDS[one.kind].undoable and one.state in _FAILED and one.attempt > 0
