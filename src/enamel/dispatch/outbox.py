"""The outbox: what waits for being sent, never more than fits, and news of one task only once."""

import threading
import time
from collections.abc import Callable

from msgspec import Struct

from enamel import telemetry
from enamel.dispatch.hint import Hint

_AT_MOST = 10_000
"""Most hints in the box. More are dropped: a worker that polls the store finds all tasks."""
_NEWS_EVERY = 0.05


class Post(Struct, frozen=True, kw_only=True):
    """What is sent in one go."""

    hints: tuple[Hint, ...] = ()
    changed: tuple[str, ...] = ()
    """The ids of tasks that have new events."""


class Outbox:
    """Takes hints from the loop, without ever waiting, and gives them to the thread that sends them.

    A hint goes out at once. News goes out at once after a silence, and is then held back for a moment, so that a
    thousand steps per second make twenty messages.
    """

    def __init__(
        self,
        *,
        at_most: int = _AT_MOST,
        news_every: float = _NEWS_EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._at_most = at_most
        self._news_every = news_every
        self._clock = clock
        self._filled = threading.Condition()
        self._hints: list[Hint] = []
        self._changed: set[str] = set()
        self._news_at = clock()
        self._closed = False

    def hint(self, hint: Hint) -> None:
        """Add a hint, or drop it if the box is full."""
        with self._filled:
            if len(self._hints) >= self._at_most:
                telemetry.HINTS.labels(outcome="dropped").inc()
                return
            self._hints.append(hint)
            if len(self._hints) == 1:
                self._filled.notify()

    def changed(self, task: str) -> None:
        """Add the news that a task has new events."""
        with self._filled:
            if task in self._changed:
                return
            if len(self._changed) >= self._at_most:
                telemetry.HINTS.labels(outcome="dropped").inc()
                return
            self._changed.add(task)
            if len(self._changed) == 1:
                self._filled.notify()

    def take(self, *, within: float) -> Post | None:
        """Return what is to be sent now, or None if nothing comes within the seconds given."""
        with self._filled:
            now = self._clock()
            until = now + within
            while not (self._closed or self._hints or now >= until):
                due = self._news_at if self._changed else until
                if self._changed and now >= due:
                    break
                self._filled.wait(min(due, until) - now)
                now = self._clock()
            hints, self._hints = self._hints, []
            changed: set[str] = set()
            if self._changed and (now >= self._news_at or self._closed):
                changed, self._changed = self._changed, changed
                self._news_at = now + self._news_every
            return Post(hints=tuple(hints), changed=tuple(changed)) if hints or changed else None

    def close(self) -> None:
        """End all waits; what is in the box can still be removed."""
        with self._filled:
            self._closed = True
            self._filled.notify()
