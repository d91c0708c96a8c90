"""The undoing of an earlier task's steps, as steps of a new one; and who else has taken that task up."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from enamel.flow import evaluation, leftover, task_view, undo_order
from enamel.flow import plan as plans
from enamel.flow.draft import Draft, Handle
from enamel.flow.graph import Graph
from enamel.flow.plan import Node, Plan
from enamel.flow.undo_order import Part
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

    Of what a step made for each of several servers, each thing is undone by a step of its own. Return the steps that are
    undone, by the names of those that undo them.

    Args:
        draft: The plan that is being written.
        before: The plan of the earlier task.
        items: Its items.
        of: The earlier task.
        among: The steps that may be undone; those that have left nothing are passed over.
        places: Of other steps, which made several things: the places of those that may go.
    """
    graph = Graph(before)
    going: list[Part] = []
    for name, step_item in items.items():
        if name in among and name in graph.nodes and _may_have_left(step_item):
            going.append(Part(name))
        elif name in graph.nodes:
            may = None if name in among else (places or {}).get(name, ())
            going += [part for part in _remaining(step_item) if may is None or (part.place or 0) in may]
    inputs = {
        name: task_view.inputs_of(before, items, name, of.groups) for name in {part.step for part in going}
    }
    handles: dict[Part, Handle] = {}
    added: dict[str, Node] = {}
    for part, earlier in undo_order.order(graph, going).items():
        node = graph.nodes[part.step]
        mark = plans.mark(of.id, node.name, alternative=graph.placement(node, of.groups))
        handles[part] = draft.add(
            _revert(items[node.name], part, inputs=inputs[node.name], mark=mark),
            name=_name(items[node.name], part),
            after=[handles[other] for other in earlier],
            cloud=node.cloud,
            project=node.project,
        )
        added[handles[part].name] = _owned(node, part)
    return added


def _name(step: Item, part: Part) -> str:
    """Return the name of the step that undoes a part of an earlier one."""
    several = part.place is not None and len(step.outputs[KINDS[step.kind].list_output]) > 1
    return f"undo-{part.step}" + (f"-{(part.place or 0) + 1}" if several else "")


def _revert(step: Item, part: Part, *, inputs: dict[str, Any], mark: str) -> Revert:
    """Return the step that undoes a part of an earlier one; it holds no more of that than it needs."""
    kind, outputs = KINDS[step.kind], step.outputs if step.state is item.State.COMPLETED else {}
    if part.place is None:
        return Revert(of=step.kind, step=inputs, outputs=outputs, mark=mark)
    each, several = kind.per_item_input, kind.list_output
    if not each:
        return Revert(of=step.kind, step=inputs, outputs=outputs, only=(part.place,), mark=mark)
    return Revert(
        of=step.kind,
        step={**inputs, each: [inputs[each][part.place]]},
        outputs={several: [outputs[several][part.place]]},
        mark=mark,
    )


def _owned(node: Node, part: Part) -> Node:
    """Return a node as the one server's that a part of it was made for."""
    if part.place is None or not node.members:
        return node
    return msgspec.structs.replace(node, group=node.members[part.place])


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
    return leftover.is_revert(node)


def _remaining(step: Item) -> list[Part]:
    """Return the parts that a step has made and that are still there."""
    if step.state is not item.State.COMPLETED or not KINDS[step.kind].undoable:
        return []
    return undo_order.parts(step)


def _may_have_left(step: Item) -> bool:
    """Tell whether a step failed, was not undone, and may have made something all the same."""
    return KINDS[step.kind].undoable and step.state in _FAILED and step.attempt > 0
