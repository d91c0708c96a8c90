"""The queue: in which order waiting tasks are claimed.

Within a priority, every task has a turn: after the waiting tasks of its own project, level with the head of the queue (this
is start-time fair queueing). So a project that sends a hundred tasks does not delay the tasks of others. A scheduled task
has no turn until its time comes; then it goes to the head of the queue.
"""

import sqlalchemy as sa

from enamel.model.task import Priority, State, Task
from enamel.store.schema import tasks
from enamel.store.transaction import Tx

_AT_ONCE = 1000

ORDER = (tasks.c.priority, tasks.c.turn, tasks.c.created_at)
"""The order of the queue."""

IN_LINE = sa.and_(tasks.c.state == State.WAITING, tasks.c.turn >= 0)
"""The condition that a task can be claimed."""


def turn(tx: Tx, accepted: Task) -> int | None:
    """Return the turn of a new task."""
    if accepted.not_before is not None and accepted.not_before > tx.now:
        return None
    own = sa.select(sa.func.max(tasks.c.turn)).where(
        IN_LINE, tasks.c.priority == accepted.priority, tasks.c.project_id == accepted.project_id
    )
    last = tx.scalar(own)
    head = _head(tx, accepted.priority)
    return head if last is None else max(last + 1, head)


def join(tx: Tx) -> None:
    """Give scheduled tasks a turn whose time has come."""
    due = sa.select(tasks.c.id, tasks.c.priority).where(
        tasks.c.state == State.WAITING, tasks.c.turn.is_(None), tasks.c.not_before <= tx.now
    )
    # Another worker handles the rows that it has locked.
    waiting = tx.rows(due.order_by(tasks.c.not_before).limit(_AT_ONCE).with_for_update(skip_locked=True))
    for priority in {row["priority"] for row in waiting}:
        ids = [row["id"] for row in waiting if row["priority"] is priority]
        tx.execute(sa.update(tasks).where(tasks.c.id.in_(ids)).values(turn=_head(tx, priority)))


def cancel(tx: Tx, id: str) -> None:
    """Record that a task was cancelled; a scheduled one can be claimed for its roll-back at once."""
    asked = sa.update(tasks).where(tasks.c.id == id)
    turn = sa.func.coalesce(tasks.c.turn, 0)
    tx.execute(asked.values(cancel_requested=True, not_before=None, turn=turn))


def _head(tx: Tx, priority: Priority) -> int:
    head = tx.scalar(sa.select(sa.func.min(tasks.c.turn)).where(IN_LINE, tasks.c.priority == priority))
    return int(head or 0)
