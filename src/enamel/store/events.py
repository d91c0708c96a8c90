"""Events in the store: the timeline of a task, numbered from 1 without gaps by the owner of the task."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from enamel.model import webhook
from enamel.model.event import Event
from enamel.store.columns import aside
from enamel.store.schema import events, webhooks
from enamel.store.transaction import Tx


def insert(tx: Tx, records: Iterable[Event]) -> None:
    """Store events, and note that their tasks' webhooks have something to send; an event that is stored stays as it is."""
    rows = [_row(record) for record in records]
    tx.insert_new(events, rows)
    tasks = {row["task"] for row in rows}
    hooks = sa.select(webhooks.c.id, webhooks.c.next_at).where(
        webhooks.c.task.in_(tasks), aside(webhooks.c.state) == webhook.State.ACTIVE
    )
    # All of them are locked: one that is being released now would else rest, and miss what is not committed yet.
    locked = tx.rows(hooks.order_by(webhooks.c.id).with_for_update()) if tasks else ()
    quiet = [row["id"] for row in locked if row["next_at"] is None]
    if quiet:
        tx.execute(sa.update(webhooks).where(webhooks.c.id.in_(quiet)).values(next_at=tx.now))


def list(tx: Tx, task: str, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
    """Return the events of a task that follow a number, in order."""
    query = sa.select(events).where(events.c.task == task, events.c.seq > after)
    return tuple(map(_event, tx.rows(query.order_by(events.c.seq).limit(limit))))


def after(tx: Tx, known: Mapping[str, int], *, limit: int) -> tuple[Event, ...]:
    """Return the events of several tasks that follow a number of each, in order, task by task."""
    later = (sa.and_(events.c.task == task, events.c.seq > seq) for task, seq in known.items())
    query = sa.select(events).where(sa.or_(sa.false(), *later))
    return tuple(map(_event, tx.rows(query.order_by(events.c.task, events.c.seq).limit(limit))))


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
