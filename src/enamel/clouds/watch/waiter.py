"""Those who wait for a resource, and what they have been shown of it."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Generic, TypeVar

from enamel.clouds.watch import schedule

T = TypeVar("T")


class Waiter(Generic[T]):
    """Somebody who waits for a resource."""

    def __init__(
        self,
        done: Callable[[T | None], bool],
        *,
        seen: Callable[[T], None] | None,
        expected: schedule.Expectation,
    ) -> None:
        self._done = done
        self._seen = seen
        self.expected = expected
        self.result: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self.context = contextvars.copy_context()
        self.kind: str | None = None
        """What the resource has in common with others, as first seen while it was being made."""

    def show(self, value: T | None) -> None:
        """Show a fresh poll, which may end the wait."""
        if self.result.done():
            return
        try:
            if value is not None and self._seen is not None:
                self._seen(value)
            if self._done(value):
                self.result.set_result(value)
        except Exception as exc:
            self.result.set_exception(exc)


class Subject(Generic[T]):
    """A resource that somebody waits for."""

    def __init__(self) -> None:
        self.waiters: list[Waiter[T]] = []
        self.looked = False
        """Whether it was shown since the newest waiter came."""
        self.misses = 0
        """In how many lists of everything it was missing since it was last seen."""
        self.last: T | None = None
        """How it was last seen."""

    def add(self, waiter: Waiter[T]) -> None:
        """Let somebody wait."""
        self.waiters.append(waiter)
        self.looked = False

    def show(self, value: T | None, *, began: float) -> list[Waiter[T]]:
        """Record a poll, and return the waiters that came before it was begun."""
        self.misses = 0
        self.last = value
        fresh = [waiter for waiter in self.waiters if waiter.expected.since <= began]
        self.looked = len(fresh) == len(self.waiters)
        return fresh

    def miss(self, *, full: bool, began: float) -> bool:
        """Record a list that does not show it, and return whether that means something."""
        # A list of changes need not show what has not changed since everybody was shown it.
        if (self.looked and not full) or all(waiter.expected.since > began for waiter in self.waiters):
            return False
        self.misses += full
        return True
