"""The secrets of tasks, as far as the store knows them: references into the key store, and when they are released.

A task that failed may be restarted, and needs its secrets for that: they stay until it is forgotten or purged. All
others are let go when the task ends. What is let go is noted in the transaction that does so, and removed from the key
store later: a process that dies in between leaves nothing behind.
"""

from collections.abc import Collection, Iterable, Sequence

import sqlalchemy as sa

from enamel.model.task import State, Task
from enamel.store import rows
from enamel.store.schema import spent_secrets, tasks
from enamel.store.transaction import Tx

_REVERT = "task.revert"
_OPEN = (State.WAITING, State.RUNNING)
_FAILED = (State.ABORTED, State.TIMED_OUT)


def sweep(tx: Tx, *, limit: int = 100) -> int:
    """Release the secrets of tasks that no longer need them, and return the number of tasks."""
    child = tasks.alias()
    reverted = sa.exists().where(
        child.c.parent == tasks.c.id, child.c.type == _REVERT, child.c.state == State.COMPLETED
    )
    failed = sa.and_(tasks.c.state.in_(_FAILED), reverted)
    query = sa.select(tasks).where(
        tasks.c.secrets.is_not(None), sa.or_(tasks.c.state == State.COMPLETED, failed)
    )
    ended = [rows.task_of(row) for row in tx.rows(query.limit(limit).with_for_update(skip_locked=True))]
    let_go(tx, ended)
    tx.execute(sa.update(tasks).where(tasks.c.id.in_([known.id for known in ended])).values(secrets=None))
    return len(ended)


def let_go(tx: Tx, ended: Iterable[Task]) -> None:
    """Release the secrets of tasks, except those that a restart of one of them still needs."""
    for known in ended:
        if known.secrets:
            needed = _needed(tx, known)
            tx.insert_new(spent_secrets, [{"ref": ref} for ref in known.secrets if ref not in needed])


def left(tx: Tx, *, limit: int = 1000) -> tuple[str, ...]:
    """Return references to released secrets, which are to be removed from the key store."""
    return tuple(row["ref"] for row in tx.rows(sa.select(spent_secrets.c.ref).limit(limit)))


def gone(tx: Tx, refs: Collection[str]) -> None:
    """Record that secrets were removed from the key store."""
    tx.execute(sa.delete(spent_secrets).where(spent_secrets.c.ref.in_(refs)))


def hand_on(tx: Tx, task: str) -> None:
    """Record that a task's secrets belong to the task that restarts it."""
    tx.execute(sa.update(tasks).where(tasks.c.id == task).values(secrets=None))


def _needed(tx: Tx, known: Task) -> frozenset[str]:
    """Return the secrets that the task which this one reverts, or one that reverts it, still needs.

    A completed task needs nothing of the failed tasks that it restarted.
    """
    states: Sequence[State] = _OPEN if known.state is State.COMPLETED else (*_OPEN, *_FAILED)
    related = sa.or_(tasks.c.id == known.parent, tasks.c.parent == known.id)
    query = sa.select(tasks.c.secrets).where(related, tasks.c.state.in_(states), tasks.c.secrets.is_not(None))
    return frozenset(ref for row in tx.rows(query) for ref in row["secrets"])
