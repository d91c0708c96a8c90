"""A board's backend in memory, which two registries of one test share as two processes would share a server."""

import asyncio
import time
from collections.abc import Callable, Mapping


class Shelf:
    """Keeps values for their time; can be taken away, and can be slow."""

    name = "a shelf"

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.kept: dict[str, bytes] = {}
        self._until: dict[str, float] = {}
        self.asked: list[str] = []
        self.away: Exception | None = None
        self.slow = 0.0
        self.closed = 0

    async def read(self, keys: tuple[str, ...]) -> Mapping[str, bytes]:
        await self._arrive("read")
        return {key: self.kept[key] for key in keys if key in self.kept}

    async def write(self, key: str, value: bytes, *, seconds: int) -> bool:
        await self._arrive("write")
        self.kept[key] = value
        self._until[key] = self._now() + seconds
        return True

    async def claim(self, key: str, value: bytes, *, seconds: int) -> bool:
        await self._arrive("claim")
        if key in self.kept:
            return False
        self.kept[key] = value
        self._until[key] = self._now() + seconds
        return True

    async def count(self, key: str, by: int, *, seconds: int) -> int:
        await self._arrive("count")
        self._until.setdefault(key, self._now() + seconds)
        self.kept[key] = str(int(self.kept.get(key, b"0")) + by).encode()
        return int(self.kept[key])

    async def erase(self, keys: tuple[str, ...]) -> None:
        await self._arrive("erase")
        for key in keys:
            self.kept.pop(key, None)
            self._until.pop(key, None)

    async def close(self) -> None:
        self.closed += 1

    async def _arrive(self, what: str) -> None:
        self.asked.append(what)
        await asyncio.sleep(self.slow)
        if self.away is not None:
            raise self.away
        now = self._now()
        for key in [key for key, until in self._until.items() if until <= now]:
            del self._until[key]
            self.kept.pop(key, None)
