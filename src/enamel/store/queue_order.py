"""The queue: in which order waiting tasks are claimed.

Within a priority, every task has a turn: after the waiting tasks of its own project, level with the head of the queue (this
is start-time fair queueing). So a project that sends a hundred tasks does not delay the tasks of others. A scheduled task
has no turn until its time comes; then it goes to the head of the queue.

Turns only go up, and where the queue begins is written down now and then: databases keep the index entries of claimed tasks
for as long as anybody reads an old snapshot, and whoever searched for the beginning would pass all of them.
"""

import sqlalchemy as sa

from enamel.model.task import RANK, Priority, State, Task
from enamel.store import lanes
from enamel.store.schema import queue_heads, tasks
from enamel.store.transaction import Tx

_AT_ONCE = 1000

ORDER = (tasks.c.turn, tasks.c.created_at)
"""The order of the queue within a priority."""
PRIORITIES = tuple(sorted(RANK, key=lambda priority: RANK[priority]))
"""The priorities, the most urgent first."""


def begins(tx: Tx) -> dict[Priority, int]:
    """Return the turn from which on tasks wait, for each priority."""
    known = {row["priority"]: row["turn"] for row in tx.rows(sa.select(queue_heads))}
    return {priority: known.get(priority, 0) for priority in PRIORITIES}


def in_line(priority: Priority, *, since: int) -> sa.ColumnElement[bool]:
    """Return the condition that a task of a priority can be claimed, where the queue begins at a turn."""
    return sa.and_(tasks.c.state == State.WAITING, tasks.c.priority == priority, tasks.c.turn >= since)


def turn(tx: Tx, accepted: Task) -> int | None:
    """Return the turn of a new task."""
    if accepted.not_before is not None and accepted.not_before > tx.now:
        return None
    head = _head(tx, accepted.priority)
    own = sa.select(sa.func.max(tasks.c.turn)).where(
        in_line(accepted.priority, since=head), tasks.c.project_id == accepted.project_id
    )
    last = tx.scalar(own)
    return head if last is None else int(last) + 1


def join(tx: Tx) -> None:
    """Give scheduled tasks a turn whose time has come, and a lane to tasks without one."""
    due = sa.select(tasks.c.id, tasks.c.priority).where(
        tasks.c.state == State.WAITING, tasks.c.turn.is_(None), tasks.c.not_before <= tx.now
    )
    # Another worker handles the rows that it has locked.
    waiting = tx.rows(due.order_by(tasks.c.not_before).limit(_AT_ONCE).with_for_update(skip_locked=True))
    for priority in {row["priority"] for row in waiting}:
        ids = [row["id"] for row in waiting if row["priority"] is priority]
        tx.execute(sa.update(tasks).where(tasks.c.id.in_(ids)).values(turn=_head(tx, priority)))
    lanes.sort_in(tx)


def cancel(tx: Tx, id: str) -> None:
    """Record that a task was cancelled; a scheduled one can be claimed for its roll-back at once."""
    asked = sa.update(tasks).where(tasks.c.id == id)
    turn = sa.func.coalesce(tasks.c.turn, _begin(), 0)
    tx.execute(asked.values(cancel_requested=True, not_before=None, turn=turn))


def again() -> sa.ColumnElement[int]:
    """Return the turn of a task that was claimed and waits again: its own, unless the queue begins behind that."""
    begin = sa.func.coalesce(_begin(), 0)
    return sa.case((tasks.c.turn < begin, begin), else_=tasks.c.turn)


def advance(tx: Tx, *, thorough: bool) -> None:
    """Write down where the queue begins, and move tasks there that were accepted with an earlier turn.

    Args:
        tx: The transaction.
        thorough: Whether to search for such tasks among all turns, not only the latest.

    """
    fresh = [{"priority": priority, "turn": 0, "before": 0} for priority in PRIORITIES]
    tx.insert_new(queue_heads, fresh)
    # One process is enough.
    for row in tx.rows(sa.select(queue_heads).with_for_update(skip_locked=True)):
        priority, turn = row["priority"], row["turn"]
        head = _first(tx, priority, since=turn)
        # An empty queue moves on as well: the tasks that were claimed last all had its turn.
        begin = turn + 1 if head is None else head
        moved = sa.update(queue_heads).where(queue_heads.c.priority == priority)
        tx.execute(moved.values(turn=begin, before=turn))
        late = in_line(priority, since=0 if thorough else row["before"])
        tx.execute(sa.update(tasks).where(late, tasks.c.turn < begin).values(turn=begin))


def _head(tx: Tx, priority: Priority) -> int:
    """Return the turn of the first task that waits; where none does, the turn from which on tasks wait."""
    begin = begins(tx)[priority]
    head = _first(tx, priority, since=begin)
    return begin if head is None else head


def _first(tx: Tx, priority: Priority, *, since: int) -> int | None:
    head = tx.scalar(sa.select(sa.func.min(tasks.c.turn)).where(in_line(priority, since=since)))
    return None if head is None else int(head)


def _begin() -> sa.ScalarSelect[int]:
    return (
        sa.select(queue_heads.c.turn)
        .where(queue_heads.c.priority == tasks.c.priority)
        .correlate(tasks)
        .scalar_subquery()
    )
