"""The timeline of a task that somebody follows, for any number of followers.

It keeps what has happened since the first of them came; what was before, each reads for itself.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Sequence

from enamel.model.errors import EnamelError
from enamel.model.event import FINAL, Event

PAGE = 500
KEPT = 2000
"""How many events are kept; who is further behind reads them in the store."""


class Timeline:
    """What is known of one task."""

    def __init__(self) -> None:
        self.followers = 0
        self.known = asyncio.Event()
        """Set after the first read."""
        self.over = False
        """Whether nothing happens any more."""
        self.last = 0
        """The number of the last event that is known."""
        self._recent: deque[Event] = deque(maxlen=KEPT)
        self._error: EnamelError | None = None
        self._news = asyncio.Event()

    def begin(self, last: int) -> None:
        """Take the number of the last event at the first read."""
        self.last = last
        self.known.set()

    def add(self, news: Sequence[Event]) -> None:
        """Take events that follow the last one."""
        self._recent.extend(news)
        self.last = news[-1].seq
        self.over = news[-1].type in FINAL
        self.wake()

    def end(self, error: EnamelError | None = None) -> None:
        """Tell everybody that nothing happens any more, or that it cannot be known."""
        self.over = True
        self._error = error
        self.known.set()
        self.wake()

    def wake(self) -> None:
        """Wake all who wait."""
        self._news.set()
        self._news = asyncio.Event()

    @property
    def start(self) -> int:
        """Return the number of the event after which everything is kept."""
        return self._recent[0].seq - 1 if self._recent else self.last

    def since(self, after: int) -> Sequence[Event]:
        """Return the events after a number. Raises the error that ended the polling."""
        if self._error is not None:
            raise self._error
        return tuple(itertools.islice(self._recent, max(0, after - self.start), None))

    async def news(self) -> None:
        """Wait until something happens."""
        if not self.over:
            await self._news.wait()
