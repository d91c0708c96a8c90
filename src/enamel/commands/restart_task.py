"""`task.restart`: a task that failed is taken up again, from where it failed or from a step that is named.

The new task has the old one's plan. What the old one made and did not undo becomes the new one's; what it made in
steps that are to be done again is undone first. Of a step that made something for each of several servers, only the
things that were undone are made again.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from enamel.commands import undoing
from enamel.commands.command import Planned, Want
from enamel.commands.facts import Ask, Facts
from enamel.flow import plan as plans
from enamel.flow.graph import Graph
from enamel.flow.plan import Draft, Node, Plan
from enamel.model import item, task
from enamel.model.errors import Fault, WrongState
from enamel.model.item import Item
from enamel.steps import KINDS

RESTARTABLE = frozenset({task.State.ABORTED, task.State.TIMED_OUT})


def ask(want: Want) -> Ask:
    """Return what has to be known: the task's items."""
    return Ask(task=want.params["task"])


def plan(want: Want, facts: Facts) -> Planned:
    """Return the old task's plan with the items that stay done, and before it the undoing of those that do not.

    Raises:
        WrongState: The task has not failed, or was reverted or restarted before.
    """
    old = facts.task
    if old is None:
        raise AssertionError("the facts of a restart have the task")
    _refuse(old, facts)
    before = plans.read(old.plan)
    items = {one.name: one for one in facts.items}
    start = want.body.start if want.body else None
    if start is not None and start not in items:
        detail = f"The task has no item '{start}'; it has {', '.join(items)}."
        return Planned(plan=before, faults=(Fault(pointer="/from", code="unknown", detail=detail),))
    again = _again(before, items, start=start)
    draft = Draft()
    undone = undoing.undo(draft, before, items, task=old.id, groups=old.groups, among=again)
    first = tuple(handle.name for handle in undone)
    nodes = [*draft.plan().nodes]
    renamed: dict[str, str] = {}
    for node in before.nodes:
        kept = node.name not in again
        nodes.append(node if kept else _redone(node, first, renamed))
        if kept and node.members:
            nodes += _pieces(node, items[node.name], renamed)
    return Planned(
        plan=msgspec.structs.replace(before, nodes=tuple(nodes)),
        kept=tuple(
            msgspec.structs.replace(one, task=want.task_id, calls=(), attempt=0)
            for name, one in items.items()
            if name not in again
        ),
        type=old.type,
        action=old.action,
        give_up_after=timedelta(hours=1),
    )


def _refuse(old: task.Task, facts: Facts) -> None:
    """Raise WrongState where the task cannot be restarted."""
    if old.state not in RESTARTABLE:
        raise WrongState(
            f"Task {old.id} is {old.state.value}; only tasks that failed can be restarted.",
            state=old.state.value,
            possible=sorted(state.value for state in RESTARTABLE),
        )
    if facts.taken_up_by is not None:
        raise WrongState(
            f"Task {old.id} was taken up already, by task {facts.taken_up_by}.",
            state=old.state.value,
            taken_up_by=facts.taken_up_by,
        )


def _again(before: Plan, items: Mapping[str, Item], *, start: str | None) -> set[str]:
    """Return the steps that are done again: all that are not done, the named one, and all that build on it."""
    open_ = {name for name, one in items.items() if one.state is not item.State.COMPLETED}
    named = Graph(before).closure([start] if start else [], within=set(items))
    return open_ | set(named)


def _redone(node: Node, first: Sequence[str], renamed: Mapping[str, str]) -> Node:
    """Return a step that waits until all is undone, and looks for its inputs where they will be."""
    inputs = _repointed(node.inputs, renamed)
    needed = {*node.after, *first, *(path.split(".")[0] for path in plans.references(inputs))}
    return msgspec.structs.replace(node, inputs=inputs, after=tuple(sorted(needed)))


def _pieces(node: Node, one: Item, renamed: dict[str, str]) -> list[Node]:
    """Return a step for each thing of a step for several servers that was undone, and note its new name."""
    kind = KINDS[node.kind]
    found = []
    for place in one.outputs.get("undone", ()):
        name = f"{node.name}-{place + 1}"
        inputs = {**node.inputs, kind.each: [node.inputs[kind.each][place]]}
        renamed[f"{node.name}.{kind.many}.{place}"] = f"{name}.{kind.many}.0"
        found.append(
            msgspec.structs.replace(node, name=name, inputs=inputs, group=node.members[place], members=())
        )
    return found


def _repointed(value: Any, renamed: Mapping[str, str]) -> Any:
    """Return inputs in which references to things that are made again lead to their new steps."""
    if isinstance(value, list | tuple):
        return [_repointed(part, renamed) for part in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"ref"}:
        for old, new in renamed.items():
            if value["ref"] == old or value["ref"].startswith(old + "."):
                return {"ref": new + value["ref"].removeprefix(old)}
    return {key: _repointed(part, renamed) for key, part in value.items()}
