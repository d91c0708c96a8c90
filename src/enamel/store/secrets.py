"""The secrets of tasks, as far as the store knows them: references into the key store, and when they are released.

A task that failed may be restarted, and needs its secrets for that: they stay until it is forgotten or purged. All
others are released when the task ends. What is released is noted in the transaction that does so, and removed from the
key store later: a process that dies in between leaves nothing behind.

A table of its own lists the tasks that hold secrets, so that the cost of a sweep does not grow with the tasks of the past.
"""

from collections.abc import Collection, Iterable, Sequence

import sqlalchemy as sa

from enamel.model.task import State, Task
from enamel.store import rows
from enamel.store.columns import aside
from enamel.store.schema import spent_secrets, task_secrets, tasks
from enamel.store.transaction import Tx

_REVERT = "task.revert"
_OPEN = (State.WAITING, State.RUNNING)
_FAILED = (State.ABORTED, State.TIMED_OUT)


def hold(tx: Tx, task: Task) -> None:
    """Note that a task holds secrets, if it does."""
    if task.secrets:
        tx.insert_new(task_secrets, [{"task": task.id}])


def release(tx: Tx, ended: Task) -> None:
    """Release what the end of a task has made needless: its own secrets, and those of the task that it has reverted."""
    reverted = (ended.parent,) if ended.parent and ended.type == _REVERT else ()
    _release(tx, (ended.id, *reverted))


def sweep(tx: Tx, *, after: str = "", limit: int = 100) -> str:
    """Release the secrets of ended tasks whose worker died before it could; look at some of the tasks that hold any.

    Args:
        tx: The transaction.
        after: The id of the last task that was looked at; empty to begin.
        limit: How many tasks to look at.

    Returns:
        The id of the last task looked at, to go on from; empty when all have been.

    """
    query = (
        sa.select(task_secrets.c.task)
        .where(task_secrets.c.task > after)
        .order_by(task_secrets.c.task)
        .limit(limit)
    )
    holders = [row["task"] for row in tx.rows(query)]
    _release(tx, holders)
    return holders[-1] if len(holders) == limit else ""


def let_go(tx: Tx, ended: Iterable[Task]) -> None:
    """Note that some tasks no longer need their secrets; what a restart of one of them still needs is kept."""
    for task in ended:
        if task.secrets:
            needed = _needed(tx, task)
            tx.insert_new(spent_secrets, [{"ref": ref} for ref in task.secrets if ref not in needed])


def left(tx: Tx, *, limit: int = 1000) -> tuple[str, ...]:
    """Return references to released secrets, which are to be removed from the key store."""
    return tuple(row["ref"] for row in tx.rows(sa.select(spent_secrets.c.ref).limit(limit)))


def gone(tx: Tx, refs: Collection[str]) -> None:
    """Record that secrets were removed from the key store."""
    tx.execute(sa.delete(spent_secrets).where(spent_secrets.c.ref.in_(refs)))


def hand_on(tx: Tx, task: str) -> None:
    """Record that a task's secrets belong to the task that restarts it."""
    _forget(tx, [task])


def _release(tx: Tx, ids: Collection[str]) -> None:
    """Release the secrets of those of some tasks that cannot need them any more."""
    # Asked for by their parent alone: SQLite would else go through all tasks that are COMPLETED.
    children = tx.rows(sa.select(tasks.c.parent, tasks.c.type, tasks.c.state).where(tasks.c.parent.in_(ids)))
    reverted = {
        row["parent"] for row in children if row["type"] == _REVERT and row["state"] is State.COMPLETED
    }
    query = sa.select(tasks).where(tasks.c.id.in_(ids), tasks.c.secrets.is_not(None))
    holders = [rows.task_of(row) for row in tx.rows(query.with_for_update(skip_locked=True))]
    spent = [
        task
        for task in holders
        if task.state is State.COMPLETED or (task.state in _FAILED and task.id in reverted)
    ]
    let_go(tx, spent)
    _forget(tx, [task.id for task in spent])


def _forget(tx: Tx, ids: Collection[str]) -> None:
    """Note that some tasks hold no secrets any more."""
    tx.execute(sa.update(tasks).where(tasks.c.id.in_(ids)).values(secrets=None))
    tx.execute(sa.delete(task_secrets).where(task_secrets.c.task.in_(ids)))


def _needed(tx: Tx, task: Task) -> frozenset[str]:
    """Return the secrets that the task which this one reverts, or one that reverts it, still needs.

    A completed task needs nothing of the failed tasks that it restarted.
    """
    states: Sequence[State] = _OPEN if task.state is State.COMPLETED else (*_OPEN, *_FAILED)
    related = sa.or_(tasks.c.id == task.parent, tasks.c.parent == task.id)
    query = sa.select(tasks.c.secrets).where(
        related, aside(tasks.c.state).in_(states), tasks.c.secrets.is_not(None)
    )
    return frozenset(ref for row in tx.rows(query) for ref in row["secrets"])
