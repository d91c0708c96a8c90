"""The journal: what a worker writes about its tasks.

Everything that is queued is written with a few bulk statements in one transaction, which first locks the worker's lease:
without a lease nothing is written. Every statement can be repeated, because the acknowledgement of a commit may be lost.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct

from enamel import telemetry
from enamel.model import task as tasks_model
from enamel.model import task_key
from enamel.model.errors import LeaseLost
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.model.task_key import TaskKey
from enamel.store import events, items, task_index, tasks
from enamel.store.lease import Lease
from enamel.store.transaction import Tx

_ENDS = {"item.completed": "completed", "item.failed": "failed", "item.reverted": "reverted"}
"""The events with which a step ends, and what the metrics call that."""


class Entry(Struct, frozen=True):
    """What is written together: all of it, or nothing."""

    task: Task | None
    items: tuple[Item, ...]
    events: tuple[Event, ...]
    keys: frozenset[TaskKey]
    """Servers that the task was not known to be about."""


class Journal:
    """The journal of one worker. It belongs to the event loop, like the store."""

    def __init__(self, lease: Lease, *, changed: Callable[[str], None] = lambda _task: None) -> None:
        """Prepare a journal.

        Args:
            lease: The lease under which everything is written.
            changed: Called with the id of a task whose events were written.

        """
        self._lease = lease
        self._changed = changed
        self._keys: dict[str, set[TaskKey]] = {}

    def alive(self) -> bool:
        """Return whether calls may still be started under the worker's lease."""
        return self._lease.alive()

    def save(
        self, task: Task | None = None, items: Sequence[Item] = (), events: Sequence[Event] = ()
    ) -> asyncio.Future[None]:
        """Write a task, items and events as they are now, in the order of the calls.

        The owner of a task numbers its events. Await the future only where what follows must not happen before this
        is safe: before a call that changes something on a cloud.

        Args:
            task: The task, where more than its items changed.
            items: Items that changed.
            events: New events.

        Returns:
            A future that is done when it is committed. It fails with LeaseLost when the worker has lost its lease.

        """
        try:
            self._lease.check()
        except LeaseLost as error:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.set_exception(error)
        else:
            entry = Entry(task, tuple(items), tuple(events), self._new_keys(task))
            future = self._lease.store.save(_write, entry, worker=self._lease.id)
        self._count(items, events)
        # A caller that does not await it learns about a lost lease from the lease.
        future.add_done_callback(partial(self._saved, events[-1].task if events else None))
        return future

    @staticmethod
    def _count(items: Sequence[Item], events: Sequence[Event]) -> None:
        kinds = {step.name: step.kind for step in items}
        for event in events:
            if event.type in _ENDS and event.item in kinds:
                telemetry.STEPS.labels(kind=kinds[event.item], outcome=_ENDS[event.type]).inc()

    def _saved(self, changed: str | None, future: asyncio.Future[None]) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if isinstance(error, LeaseLost):
            self._lease.over.set()
        elif error is None and changed is not None:
            self._changed(changed)

    def _new_keys(self, task: Task | None) -> frozenset[TaskKey]:
        """Return the keys of a task's servers that were not written before, and remember them."""
        if task is None:
            return frozenset()
        known = self._keys.setdefault(task.id, set())
        new = task_key.servers(task) - known
        known |= new
        if task.state in tasks_model.ENDED:
            del self._keys[task.id]
        return new


def _write(tx: Tx, entries: Sequence[Entry]) -> None:
    """Write entries with one statement per table; of several versions of a row, the last one is written."""
    tasks.save(tx, tuple({entry.task.id: entry.task for entry in entries if entry.task}.values()))
    items.save(tx, {(step.task, step.name): step for entry in entries for step in entry.items}.values())
    events.insert(tx, [line for entry in entries for line in entry.events])
    task_index.add(tx, {key for entry in entries for key in entry.keys})
