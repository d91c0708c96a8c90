"""Tasks, items and events as the store's tests need them, and a clock that they turn themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from enamel.model import ids, item, task
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.store import tasks
from enamel.store.engine import Store

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
LEASE = timedelta(seconds=5)


class Clock:
    """The database's clock, moved by hand."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time

    def tick(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def a_task(**fields: Any) -> Task:
    plain: dict[str, Any] = {
        "id": ids.new_id(),
        "type": "server.create",
        "action": "CREATE",
        "created_at": NOON,
        "created_by": "user-1",
        "project_id": "project-1",
        "request_id": "req-1",
        "cloud": "lab",
    }
    return Task(**{**plain, **fields})


def an_item(of: Task, name: str = "boot-web-1", **fields: Any) -> Item:
    return Item(**{"task": of.id, "name": name, "kind": "server.boot", "action": "SPAWNING", **fields})


def an_event(of: Task, seq: int, type: str = "item.started", **fields: Any) -> Event:
    return Event(task=of.id, seq=seq, time=NOON, type=type, **fields)


async def accept(store: Store, *, steps: tuple[str, ...] = ("boot-web-1",), **fields: Any) -> Task:
    """Store a new task with its items and first event."""
    new = a_task(**fields)
    return await store.run(
        tasks.insert, new, [an_item(new, name) for name in steps], an_event(new, 1, "task.accepted")
    )


def ended(known: Task, state: task.State = task.State.COMPLETED) -> Task:
    return msgspec.structs.replace(known, state=state, ended_at=NOON)


def done(step: Item, **fields: Any) -> Item:
    return msgspec.structs.replace(step, state=item.State.COMPLETED, ended_at=NOON, **fields)


def running(step: Item) -> Item:
    return msgspec.structs.replace(step, state=item.State.RUNNING, attempt=1, started_at=NOON)
