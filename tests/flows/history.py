"""What must be so of a task's history, whatever has happened to it."""

from collections.abc import Sequence

from enamel.model import item, task
from enamel.model.event import TYPES, Event
from enamel.model.item import Item
from enamel.model.task import Task

FINAL = frozenset(item.State) - {item.State.WAITING, item.State.RUNNING}

TOLD = {
    "item.started": item.State.RUNNING,
    "item.completed": item.State.COMPLETED,
    "item.failed": item.State.ABORTED,
    "item.reverted": item.State.REVERTED,
}
"""Where events say that a step has gone."""


def check(found: Task, items: Sequence[Item], events: Sequence[Event]) -> None:
    """Hold an ended task to its invariants."""
    numbers = [one.seq for one in events]
    assert numbers == list(range(1, len(events) + 1)), f"the events have gaps: {numbers}"
    assert found.events == len(events)
    assert {one.type for one in events} <= TYPES.keys()
    assert events[0].type == "task.accepted"
    assert events[-1].type == f"task.{found.state.value.lower()}"
    assert sum(one.type in _ENDS for one in events) == 1, "a task ends once"
    assert {one.name for one in items if one.state not in FINAL} == set(), "no step is left in the middle"
    assert not found.reverting
    assert found.reserves == {}
    if found.state is task.State.COMPLETED:
        assert found.error is None
        assert {one.state for one in items} <= {item.State.COMPLETED}
        assert found.progress.done == found.progress.total == len(items)
    else:
        assert found.error is not None
        assert found.error.detail
    for one in items:
        _check_moves(one, [told for told in events if told.item == one.name])


_ENDS = {"task.completed", "task.aborted", "task.timed_out"}


def _check_moves(one: Item, events: Sequence[Event]) -> None:
    """Follow a step along its events: each must be a move that an item may make."""
    at = item.State.WAITING
    for told in events:
        to = TOLD.get(told.type)
        if to is None or to is at:
            continue
        assert to in _reach(at), f"{one.name} went from {at.value} to {to.value}"
        at = to


def _reach(at: item.State) -> set[item.State]:
    """Return where a step may be next: on the way it may silently be broken off, or taken back to its beginning."""
    silent = {item.State.ABORTED, item.State.WAITING, item.State.RUNNING}
    ways, open_ = {at}, [at]
    while open_:
        further = item.MOVES[open_.pop()]
        open_ += [one for one in further & silent if one not in ways]
        ways |= further
    return ways
