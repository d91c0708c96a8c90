"""The cache of what a cloud offers: one request for any number of equal reads at once, kept for a while.

The first to ask makes the request, in its own record; all who ask meanwhile wait for the same answer. Nobody who
gives up waiting takes the answer from the others. Failures are told to all who waited, and are not kept.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from datetime import timedelta
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Flights:
    """Requests under way, each shared by all who asked for the same."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}

    async def join(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Return what the request under way for this key answers; start it if there is none."""
        task = self._under_way.get(key)
        if task is None or task.done():
            task = asyncio.ensure_future(_carried_out(make))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        return cast(T, await asyncio.shield(task))

    def forget(self, key: Hashable) -> None:
        """Let the next one who asks start a request of its own."""
        self._under_way.pop(key, None)

    async def close(self) -> None:
        """Cancel what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _landed(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        if self._under_way.get(key) is task:
            del self._under_way[key]
        if not task.cancelled():
            # Where everybody has given up waiting, nobody else would retrieve the exception.
            task.exception()


class Cache:
    """Answers kept for as long as their kind allows."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._flights = Flights()
        self._kept: dict[Hashable, tuple[float, Any]] = {}

    async def get(self, key: Hashable, fetch: Callable[[], Awaitable[T]], *, keep: timedelta) -> T:
        """Return what is kept under a key, or fetch it."""
        found = self.peek(key)
        if found is not None:
            return cast(T, found)

        async def fetched() -> T:
            own = asyncio.current_task()
            value = await fetch()
            # A write that came in between has thrown this flight out: its answer may be from before the write.
            if self._flights._under_way.get(key) is own:
                self._kept[key] = (self._now() + keep.total_seconds(), value)
            return value

        return await self._flights.join(key, fetched)

    def peek(self, key: Hashable) -> Any:
        """Return what is kept under a key, or None; nothing is fetched."""
        until, value = self._kept.get(key, (0.0, None))
        return value if self._now() < until else None

    def kinds(self) -> list[tuple[str, float]]:
        """Return what is kept, and for how many seconds still."""
        left = ((key, until - self._now()) for key, (until, _) in self._kept.items())
        return sorted((str(key), seconds) for key, seconds in left if seconds > 0)

    def forget(self, *keys: Hashable) -> None:
        """Throw away what is kept under the keys; under all of them when none is named."""
        for key in keys or {*self._kept, *self._flights._under_way}:
            self._kept.pop(key, None)
            self._flights.forget(key)

    async def close(self) -> None:
        """Cancel what is under way."""
        await self._flights.close()


async def _carried_out(make: Callable[[], Awaitable[T]]) -> T:
    return await make()
