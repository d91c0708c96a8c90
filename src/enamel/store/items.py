"""Items in the store: the records of a task's steps."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from enamel.model import item
from enamel.model.item import Item
from enamel.store import reservations
from enamel.store.schema import items
from enamel.store.transaction import Tx

_IN_PLAN_ORDER = (items.c.position.is_(None), items.c.position, items.c.name)
_KEYS = frozenset({"task", "name", "position"})
_UPDATED = tuple(column for column in items.c if column.name not in _KEYS)


def insert(tx: Tx, records: Sequence[Item]) -> None:
    """Store the items of a new task, in the order of its plan."""
    tx.insert_new(items, [{**_row(record), "position": place} for place, record in enumerate(records)])


def list(tx: Tx, task: str) -> tuple[Item, ...]:
    """Return a task's items in the order of its plan."""
    return tuple(map(_item, tx.rows(sa.select(items).where(items.c.task == task).order_by(*_IN_PLAN_ORDER))))


def of_tasks(tx: Tx, tasks: Sequence[str]) -> dict[str, tuple[Item, ...]]:
    """Return the items of several tasks, by task."""
    by_task: dict[str, Any] = {task: [] for task in tasks}
    query = sa.select(items).where(items.c.task.in_(tasks)).order_by(items.c.task, *_IN_PLAN_ORDER)
    for row in tx.rows(query):
        by_task[row["task"]].append(_item(row))
    return {task: tuple(records) for task, records in by_task.items()}


def save(tx: Tx, records: Iterable[Item]) -> None:
    """Write items as they are now, whether they are new or known."""
    records = tuple(records)
    reservations.use(tx, records)
    tx.upsert(items, [{**_row(record), "position": None} for record in records], update=_UPDATED)


def doubt(tx: Tx, tasks: Sequence[str]) -> None:
    """Mark the running items of tasks as uncertain: no worker knows how they ended."""
    running = sa.update(items).where(items.c.task.in_(tasks), items.c.state == item.State.RUNNING)
    tx.execute(running.values(uncertain=True))


def abort_open(tx: Tx, task: str) -> None:
    """End the items of a task that have not ended."""
    opened = items.c.state.in_([item.State.WAITING, item.State.RUNNING])
    ended = sa.update(items).where(items.c.task == task, opened)
    tx.execute(ended.values(state=item.State.ABORTED, ended_at=tx.now))


def _row(record: Item) -> dict[str, Any]:
    return {
        "task": record.task,
        "name": record.name,
        "kind": record.kind,
        "action": record.action,
        "server": record.group,
        "state": record.state,
        "uncertain": record.uncertain,
        "attempt": record.attempt,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "outputs": record.outputs or None,
        "error": record.error,
        "calls": record.calls or None,
        "note": record.note,
    }


def _item(row: sa.RowMapping) -> Item:
    return Item(
        task=row["task"],
        name=row["name"],
        kind=row["kind"],
        action=row["action"],
        group=row["server"],
        state=row["state"],
        uncertain=row["uncertain"],
        attempt=row["attempt"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        outputs=row["outputs"] or {},
        error=row["error"],
        calls=row["calls"] or (),
        note=row["note"],
    )
