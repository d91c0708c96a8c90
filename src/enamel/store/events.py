"""Events in the store: the timeline of a task, numbered from 1 without gaps by the owner of the task."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from enamel.model.event import Event
from enamel.store.schema import events
from enamel.store.transaction import Tx


def insert(tx: Tx, records: Iterable[Event]) -> None:
    """Store events; one that is stored already stays as it is."""
    tx.insert_new(events, [_row(record) for record in records])


def list(tx: Tx, task: str, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
    """Return the events of a task that follow a number, in order."""
    query = sa.select(events).where(events.c.task == task, events.c.seq > after)
    return tuple(map(_event, tx.rows(query.order_by(events.c.seq).limit(limit))))


def last(tx: Tx, tasks: Sequence[str]) -> dict[str, int]:
    """Return the number of the last event of each of the tasks that have any."""
    number = sa.func.max(events.c.seq).label("number")
    query = sa.select(events.c.task, number).where(events.c.task.in_(tasks)).group_by(events.c.task)
    return {row["task"]: row["number"] for row in tx.rows(query)}


def _row(record: Event) -> dict[str, Any]:
    return {
        "task": record.task,
        "seq": record.seq,
        "time": record.time,
        "type": record.type,
        "item": record.item,
        "data": record.data or None,
    }


def _event(row: sa.RowMapping) -> Event:
    return Event(
        task=row["task"],
        seq=row["seq"],
        time=row["time"],
        type=row["type"],
        item=row["item"],
        data=row["data"] or {},
    )
