"""Retention: tasks that ended long ago are removed with their items and events; what they made stays."""

from datetime import timedelta

import sqlalchemy as sa

from enamel.model.task import State
from enamel.store import rows
from enamel.store import tasks as records
from enamel.store.columns import aside
from enamel.store.schema import tasks
from enamel.store.transaction import Tx

AT_ONCE = 200


def purge(tx: Tx, *, older_than: timedelta, limit: int = AT_ONCE) -> int:
    """Remove the oldest of the tasks that ended before a time, and return their number; repeat until it is 0.

    A task stays while another task that has not ended refers to it, such as a scheduled revert.
    """
    child = tasks.alias()
    needed = sa.exists().where(
        child.c.parent == tasks.c.id, aside(child.c.state).in_([State.WAITING, State.RUNNING])
    )
    old = (
        sa.select(tasks)
        .where(tasks.c.ended_at < tx.now - older_than, sa.not_(needed))
        .order_by(tasks.c.ended_at)
        .limit(limit)
        # Another process removes the rows that it has locked.
        .with_for_update(skip_locked=True, of=tasks)
    )
    ended = [rows.task_of(row) for row in tx.rows(old)]
    if ended:
        records.remove(tx, ended)
    return len(ended)


def waiting(tx: Tx, *, older_than: timedelta) -> int:
    """Return how many tasks ended before a time."""
    old = tasks.c.ended_at < tx.now - older_than
    return int(tx.scalar(sa.select(sa.func.count()).select_from(tasks).where(old)) or 0)
