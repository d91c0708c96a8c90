"""The timelines of all tasks that somebody follows in this process: one poll of the store for all of them.

A hint has its task polled at once; without hints, all are polled now and then, in a few queries that read no plan.
"""

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import structlog

from enamel.dispatch import base
from enamel.model import task
from enamel.model.errors import EnamelError, NotFound
from enamel.service.tasks.timeline import PAGE, Timeline
from enamel.store import engine, events, tasks

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

T = TypeVar("T")

_AT_ONCE = 1000
"""Most tasks in one query for their progress …"""
_NEWS_AT_ONCE = 50
"""… and for their events."""
_PAUSE = 0.02
"""Seconds between two polls at least: hints that come together are one poll."""
_SPARED = 1000
"""For each of this number of tasks, the interval is added once more: hints are what is prompt."""
_HINT_TIMEOUT = 3600.0


class Timelines:
    """What is known of the tasks that are followed."""

    def __init__(self, store: engine.Store, *, dispatch: base.Dispatch, poll_interval: timedelta) -> None:
        """Prepare it; nothing is polled while nobody follows a task.

        Args:
            store: Where the events are.
            dispatch: Brings hints.
            poll_interval: How often all tasks are polled without hints, where they are few.

        """
        self._store = store
        self._dispatch = dispatch
        self._poll_interval = poll_interval.total_seconds()
        self._timelines: dict[str, Timeline] = {}
        self._listening: dict[str, asyncio.Task[None]] = {}
        self._asked: set[str] = set()
        self._bell = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Wake everybody who waits."""
        for timeline in self._timelines.values():
            timeline.wake()

    @contextmanager
    def following(self, id: str) -> Iterator[Timeline]:
        """Return the timeline of a task, kept up for as long as anybody follows it."""
        if id not in self._timelines:
            self._timelines[id] = Timeline()
            self._listening[id] = asyncio.create_task(self._listen(id))
        timeline = self._timelines[id]
        timeline.followers += 1
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll_for_ever())
        try:
            yield timeline
        finally:
            timeline.followers -= 1
            if not timeline.followers:
                del self._timelines[id]
                self._listening.pop(id).cancel()
            if not self._timelines and self._polling is not None:
                self._polling.cancel()
                self._polling = None

    async def _listen(self, id: str) -> None:
        """Have a task polled whenever there is a hint about it."""
        # The bell is hung up before the first read, so that nothing that comes after it is missed.
        with self._dispatch.following(id) as bell:
            while True:
                self._asked.add(id)
                self._bell.set()
                while not await bell.wait(timeout=_HINT_TIMEOUT):
                    pass

    async def _poll_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        everything_at = loop.time() + self._interval
        while True:
            try:
                async with asyncio.timeout_at(everything_at):
                    await self._bell.wait()
            except TimeoutError:
                pass
            self._bell.clear()
            asked, self._asked = self._asked, set()
            if loop.time() >= everything_at:
                asked = set(self._timelines)
                everything_at = loop.time() + self._interval
            for some in _parts(sorted(asked), _AT_ONCE):
                await self._poll(some)
            await asyncio.sleep(_PAUSE)

    @property
    def _interval(self) -> float:
        return self._poll_interval * (1 + len(self._timelines) / _SPARED)

    async def _poll(self, ids: Iterable[str]) -> None:
        """Take what is new of some tasks."""
        some = {id: timeline for id in ids if (timeline := self._timelines.get(id)) and not timeline.over}
        try:
            progress = await self._store.read(tasks.progress, list(some))
            news = {}
            for id, timeline in some.items():
                state, last = progress.get(id, (None, 0))
                if state is None:
                    timeline.end(NotFound(f"There is no task {id}."))
                    continue
                if not timeline.known.is_set():
                    # The last event is read: it may be the final one.
                    timeline.begin(max(0, last - 1))
                if last > timeline.last:
                    news[id] = timeline
                elif state in task.ENDED:
                    timeline.end()
            for part in _parts(list(news.items()), _NEWS_AT_ONCE):
                await self._take(dict(part))
        except EnamelError as error:
            for timeline in some.values():
                timeline.end(error)
        except Exception:
            # Whoever waits goes on waiting; the next poll may succeed.
            log.exception("follow.failed", tasks=len(some))

    async def _take(self, waiting: dict[str, Timeline]) -> None:
        """Read the new events of tasks that have some."""
        while waiting:
            after = {id: timeline.last for id, timeline in waiting.items()}
            page = await self._store.read(events.after, after, limit=PAGE)
            for id, news in itertools.groupby(page, key=lambda event: event.task):
                waiting[id].add(tuple(news))
            if len(page) < PAGE:
                return


def _parts(all: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield a sequence in parts of a size."""
    for start in range(0, len(all), size):
        yield all[start : start + size]
