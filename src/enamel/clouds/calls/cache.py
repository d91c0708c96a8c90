"""The cache of what a cloud offers: one request for any number of equal reads at once, kept for a while.

The first to ask makes the request, in its own record; all who ask meanwhile wait for the same answer. Nobody who
gives up waiting takes the answer from the others. Failures reach all who waited, and are not kept.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from datetime import timedelta
from typing import Any, TypeVar, cast

from msgspec import Struct

from enamel.clouds.calls import context
from enamel.clouds.shared.shared_cache import Given, SharedCache

T = TypeVar("T")

A_WHILE = 5.0
"""Seconds after which it is worth asking again for something that was not there: many names are typing errors."""
A_MOMENT = 1.0
"""Seconds for which an answer is fresh enough for anybody, and another process's write may go unnoticed."""


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

    @property
    def under_way(self) -> bool:
        """Whether there are any."""
        return bool(self._under_way)

    def keys(self) -> set[Hashable]:
        """Return the requests that are under way."""
        return set(self._under_way)

    def carries(self, key: Hashable, task: asyncio.Task[Any] | None) -> bool:
        """Tell whether a request is still the one that everybody waits for."""
        return self._under_way.get(key) is task

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


class _Kept(Struct, frozen=True):
    """An answer that is kept."""

    value: Any
    since: float
    until: float
    mark: bytes | None
    """What the kind was marked with when it was asked for, which each write of any process changes; None where the
    answer is this process's own."""


class Cache:
    """Answers kept for as long as their kind allows."""

    def __init__(
        self, *, shared: SharedCache | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Take what answers are shared with other processes; None where there are no others."""
        self._now = now
        self._shared = shared
        self._flights = Flights()
        self._kept: dict[Hashable, _Kept] = {}
        self._checked = float("-inf")

    async def get(
        self, key: Hashable, fetch: Callable[[], Awaitable[T]], *, keep: timedelta, answer: Any = None
    ) -> T:
        """Return what is kept under a key, or fetch it.

        Args:
            key: What is asked.
            fetch: Asks it.
            keep: How long the answer is good.
            answer: The type of the answer; with it, the answer is shared with other processes.
        """
        if context.current().fresh and (known := self._kept.get(key)) and self._age(known) > A_MOMENT:
            await self.forget(key)
        await self._check()
        kept = self.peek(key)
        if kept is not None:
            return cast(T, kept)

        async def fetched() -> T:
            own = asyncio.current_task()
            if self._shared is None or answer is None:
                given = Given(value=await fetch(), age=0.0, mark=None)
            else:
                given = await self._shared.get(key, fetch, keep=keep, answer=answer)
            # A write that came in between has dropped this flight: its answer may be from before the write.
            if self._flights.carries(key, own):
                since = self._now() - given.age
                until = since + keep.total_seconds()
                self._kept[key] = _Kept(given.value, since, until, given.mark)
            return cast(T, given.value)

        return await self._flights.join(key, fetched)

    @property
    def in_use(self) -> bool:
        """Whether somebody waits for an answer."""
        return self._flights.under_way

    def peek(self, key: Hashable) -> Any:
        """Return what is kept under a key, or None; nothing is fetched."""
        kept = self._kept.get(key)
        return kept.value if kept is not None and self._now() < kept.until else None

    def kinds(self) -> list[tuple[str, float]]:
        """Return what is kept, and for how many seconds still."""
        left = ((key, kept.until - self._now()) for key, kept in self._kept.items())
        return sorted((str(key), seconds) for key, seconds in left if seconds > 0)

    async def forget(self, *keys: Hashable) -> None:
        """Throw away what is kept under the keys, here and in the other processes; everything when none is named."""
        for key in keys or {*self._kept, *self._flights.keys()}:
            self._kept.pop(key, None)
            self._flights.forget(key)
        if self._shared is not None:
            await self._shared.changed(keys)

    async def refresh(self) -> bool:
        """Throw away what has been kept for a while, and tell whether there was such a thing."""
        old = [key for key, kept in self._kept.items() if self._age(kept) > A_WHILE]
        if old:
            await self.forget(*old)
        return bool(old)

    async def close(self) -> None:
        """Cancel what is under way."""
        await self._flights.close()

    def _age(self, kept: _Kept) -> float:
        return self._now() - kept.since

    async def _check(self) -> None:
        """Drop what other processes have changed, checked now and then."""
        if self._shared is None or self._now() - self._checked < A_MOMENT or not self._kept:
            return
        self._checked = self._now()
        before = {key: kept for key, kept in self._kept.items() if kept.mark is not None}
        marks = await self._shared.marks(before)
        for key, kept in before.items():
            if marks is not None and kept.mark != marks[key] and self._kept.get(key) is kept:
                del self._kept[key]


async def _carried_out(make: Callable[[], Awaitable[T]]) -> T:
    return await make()
