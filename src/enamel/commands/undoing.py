"""The undoing of an earlier task's steps, as steps of a new one."""

from collections.abc import Collection, Mapping

from enamel.flow import view
from enamel.flow.graph import Graph
from enamel.flow.plan import Draft, Handle, Plan
from enamel.model import item
from enamel.model.item import Item
from enamel.steps import KINDS
from enamel.steps.revert import Revert


def undo(
    draft: Draft,
    before: Plan,
    items: Mapping[str, Item],
    *,
    groups: Mapping[str, int],
    among: Collection[str],
) -> list[Handle]:
    """Add the undoing of steps to a draft, each as soon as all that build on it are undone; return the handles.

    Args:
        draft: The plan that is being written.
        before: The plan of the earlier task.
        items: Its items.
        groups: The placements that its servers were tried in last.
        among: The steps that may be undone; those that have left nothing are passed over.
    """
    graph = Graph(before)
    handles: dict[str, list[Handle]] = {}
    added = []
    for node in reversed(before.nodes):
        later = [handle for other in graph.dependents[node.name] for handle in handles[other]]
        handles[node.name] = later
        if node.name in among and leaves_something(items[node.name]):
            one = items[node.name]
            step = Revert(
                of=one.kind,
                step=view.inputs_of(before, items, node.name, groups),
                outputs=one.outputs,
                only=_left(one),
            )
            handle = draft.add(step, name=f"undo-{node.name}", after=later)
            handles[node.name] = [handle]
            added.append(handle)
    return added


def leaves_something(one: Item) -> bool:
    """Tell whether a step has made something that is still there."""
    return one.state is item.State.COMPLETED and KINDS[one.kind].undoable


def _left(one: Item) -> tuple[int, ...] | None:
    """Return the places of the things that are still there; None where all are."""
    gone = set(one.outputs.get("undone", ()))
    if not gone:
        return None
    return tuple(place for place, _ in enumerate(KINDS[one.kind].made(one.outputs)) if place not in gone)
