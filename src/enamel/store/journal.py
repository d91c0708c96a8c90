"""The journal: what a worker writes about its tasks.

Everything that is queued is written with a few bulk statements in one transaction, which first locks the worker's lease:
without a lease nothing is written. Every statement can be repeated, because the acknowledgement of a commit may be lost.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog
from msgspec import Struct

from enamel import telemetry
from enamel.model import task as tasks_model
from enamel.model import task_key
from enamel.model.errors import LeaseLost, StoreUnavailable
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.model.task_key import TaskKey
from enamel.store import dialects, events, items, task_index, tasks
from enamel.store.lease import Lease
from enamel.store.transaction import Tx
from enamel.store.writer import Series

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

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
        self._series: dict[str, Series] = {}
        """By task, as long as a write of it is under way."""

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
            A future that is done when it is committed. It fails with LeaseLost when the worker has lost its lease, and
            with what the database said when it refuses the write: then later ones of the task, which build on it, fail
            as well, until nothing of it is under way any more.

        """
        id = _task(task, items, events)
        series = self._series.setdefault(id, Series())
        series.pending += 1
        try:
            self._lease.check()
            entry = Entry(task, tuple(items), tuple(events), self._new_keys(task))
            future: asyncio.Future[None] = self._lease.store.save(
                _write, entry, worker=self._lease.id, series=series
            )
        except (LeaseLost, StoreUnavailable) as error:
            future = _failed(error)
        self._count(items, events)
        # A caller that does not await it learns about a lost lease from the lease.
        future.add_done_callback(partial(self._saved, id, bool(events)))
        return future

    @staticmethod
    def _count(items: Sequence[Item], events: Sequence[Event]) -> None:
        kinds = {step.name: step.kind for step in items}
        for event in events:
            if event.type in _ENDS and event.item in kinds:
                telemetry.STEPS.labels(kind=kinds[event.item], outcome=_ENDS[event.type]).inc()

    def _saved(self, task: str, changed: bool, future: asyncio.Future[None]) -> None:
        """Draw the conclusions from the end of a write."""
        series = self._series[task]
        series.pending -= 1
        if not series.pending:
            del self._series[task]
        if future.cancelled():
            return
        error = future.exception()
        if isinstance(error, LeaseLost):
            self._lease.over.set()
        elif error is not None:
            telemetry.JOURNAL_REFUSED.inc()
            log.error("journal.refused", task=task, error=dialects.reason(error), kind=type(error).__name__)
            self._keys.pop(task, None)
        elif changed:
            self._changed(task)

    def _new_keys(self, task: Task | None) -> frozenset[TaskKey]:
        """Return the keys of a task's servers that were not written before, and remember them."""
        if task is None:
            return frozenset()
        known = self._keys.setdefault(task.id, set())
        new = task_key.servers(task) - known
        known |= new
        if task.state in tasks_model.ENDED:
            self._keys.pop(task.id, None)
        return new


def _failed(error: Exception) -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    return future


def _task(task: Task | None, items: Sequence[Item], events: Sequence[Event]) -> str:
    """Return the id of the task to which everything that is written together belongs; empty if that is nothing."""
    if task is not None:
        return task.id
    return next(iter([step.task for step in items[:1]] + [event.task for event in events[:1]]), "")


def _write(tx: Tx, entries: Sequence[Entry]) -> None:
    """Write entries with one statement per table; of several versions of a row, the last one is written."""
    tasks.save(tx, tuple({entry.task.id: entry.task for entry in entries if entry.task}.values()))
    items.save(tx, {(step.task, step.name): step for entry in entries for step in entry.items}.values())
    events.insert(tx, [line for entry in entries for line in entry.events])
    task_index.add(tx, {key for entry in entries for key in entry.keys})
