"""The timeline of a task that somebody follows: one poll of the store for any number of followers.

It keeps what has happened since the first of them came; what was before, each reads for itself.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

import structlog

from enamel.dispatch import base
from enamel.model import task
from enamel.model.errors import EnamelError, ServiceError
from enamel.model.event import FINAL, Event
from enamel.store import engine, events, tasks

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PAGE = 500
KEPT = 2000
"""How many events are kept; who is further behind reads them in the store."""


class Timeline:
    """What is known of one task."""

    def __init__(
        self, store: engine.Store, id: str, *, dispatch: base.Dispatch, poll_interval: timedelta
    ) -> None:
        self.followers = 0
        self.known = asyncio.Event()
        """Set after the first read."""
        self.over = False
        """Whether nothing happens any more."""
        self._store = store
        self._id = id
        self._dispatch = dispatch
        self._poll_interval = poll_interval.total_seconds()
        self._recent: deque[Event] = deque(maxlen=KEPT)
        self._last = 0
        self._error: EnamelError | None = None
        self._news = asyncio.Event()
        self._keeping_up = asyncio.create_task(self._keep_up())

    def close(self) -> None:
        """Stop polling."""
        self._keeping_up.cancel()

    def wake(self) -> None:
        """Wake all who wait."""
        self._news.set()
        self._news = asyncio.Event()

    @property
    def start(self) -> int:
        """Return the number of the event after which everything is kept."""
        return self._recent[0].seq - 1 if self._recent else self._last

    def since(self, after: int) -> Sequence[Event]:
        """Return the events after a number. Raises the error that ended the polling."""
        if self._error is not None:
            raise self._error
        return tuple(itertools.islice(self._recent, max(0, after - self.start), None))

    async def news(self) -> None:
        """Wait until something happens."""
        if not self.over:
            await self._news.wait()

    async def _keep_up(self) -> None:
        """Poll whenever the bell rings and at the poll interval, until the task has ended or the store fails."""
        try:
            # The bell is hung up before the first read, so that nothing that comes after it is missed.
            with self._dispatch.following(self._id) as bell:
                row = await self._store.read(tasks.get, self._id)
                self._last, self.over = row.events, row.state in task.ENDED
                self.known.set()
                while not self.over:
                    await self._poll()
                    if not self.over:
                        await bell.wait(timeout=self._poll_interval)
        except EnamelError as exc:
            self._error = exc
            self.over = True
        except Exception:
            log.exception("timeline.broke", task=self._id)
            self._error = ServiceError(remedy="Read the log of this process; the task goes on.")
            self.over = True
        finally:
            self.known.set()
            self.wake()

    async def _poll(self) -> None:
        """Take what is new; if there is nothing, check that the task still exists and goes on."""
        news = await self._store.read(events.list, self._id, after=self._last, limit=PAGE)
        if not news:
            row = await self._store.read(tasks.get, self._id)
            self.over = row.state in task.ENDED and self._last >= row.events
        while news:
            self._recent.extend(news)
            self._last = news[-1].seq
            self.over = news[-1].type in FINAL
            self.wake()
            full = len(news) == PAGE
            news = await self._store.read(events.list, self._id, after=self._last, limit=PAGE) if full else ()
