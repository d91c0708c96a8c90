"""Signals in the store: the messages that arrived for tasks, whether a step waits for them yet or not."""

from typing import Any

import sqlalchemy as sa

from enamel.model.signal import Signal
from enamel.model.task import State
from enamel.store.schema import signals, tasks
from enamel.store.transaction import Tx


def insert(tx: Tx, signal: Signal) -> None:
    """Store a message."""
    tx.insert_new(signals, [_row(signal)])


def list(tx: Tx, task: str, name: str) -> tuple[Signal, ...]:
    """Return the messages of a name that have arrived for a task, in the order of their arrival."""
    query = sa.select(signals).where(signals.c.task == task, signals.c.name == name)
    return tuple(map(_signal, tx.rows(query.order_by(signals.c.id))))


def counts(tx: Tx, worker: str) -> dict[str, int]:
    """Return how many messages have arrived for each of a worker's tasks that has any."""
    number = sa.func.count().label("number")
    query = (
        sa.select(signals.c.task, number)
        .join(tasks, tasks.c.id == signals.c.task)
        .where(tasks.c.worker == worker, tasks.c.state == State.RUNNING)
        .group_by(signals.c.task)
    )
    return {row["task"]: row["number"] for row in tx.rows(query)}


def hand_on(tx: Tx, task: str, *, to: str) -> None:
    """Make a task's messages another's: of the one that restarts it."""
    tx.execute(sa.update(signals).where(signals.c.task == task).values(task=to))


def _row(signal: Signal) -> dict[str, Any]:
    return {
        "id": signal.id,
        "task": signal.task,
        "project_id": signal.project_id,
        "name": signal.name,
        "data": signal.data,
        "received_at": signal.received_at,
    }


def _signal(row: sa.RowMapping) -> Signal:
    return Signal(
        id=row["id"],
        task=row["task"],
        project_id=row["project_id"],
        name=row["name"],
        data=row["data"],
        received_at=row["received_at"],
    )
