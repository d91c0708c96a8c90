"""What every service of one sandbox shares: its settings and era, its clock, its random numbers and its timers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from enamel.sandbox import era, kernel


class Core:
    """A cloud without its services, so that a service can be built on it without knowing the others."""

    def __init__(self, settings: kernel.Settings) -> None:
        """Start the clock and seed the random numbers."""
        self.settings = settings
        self.era = era.ERAS[settings.era]
        self.url = f"http://{settings.host}:{settings.port}"
        self.rng = random.Random(settings.seed)
        self._pending: set[asyncio.TimerHandle] = set()

    def now(self) -> datetime:
        """Return the cloud's time."""
        return datetime.now(UTC)

    def ago(self, seconds: float) -> datetime:
        """Return the time that many seconds before now."""
        return self.now() - timedelta(seconds=seconds)

    def new_id(self) -> str:
        """Return a new UUID with dashes, drawn from the seed."""
        bare = self.new_hex()
        return f"{bare[:8]}-{bare[8:12]}-{bare[12:16]}-{bare[16:20]}-{bare[20:]}"

    def new_hex(self) -> str:
        """Return a new version 4 UUID without dashes, drawn from the seed."""
        bits = self.rng.getrandbits(128)
        bits = bits & ~(0xF << 76) & ~(0x3 << 62) | (0x4 << 76) | (0x2 << 62)
        return f"{bits:032x}"

    def between(self, low: float, high: float) -> float:
        """Return a duration in seconds from that range, scaled by the cloud's pace."""
        return self.rng.uniform(low, high) * self.settings.pace

    def later(self, delay: float, act: Callable[[], None]) -> None:
        """Call a function after a delay in seconds; `close` cancels it."""

        def fire() -> None:
            self._pending.discard(handle)
            act()

        handle = asyncio.get_running_loop().call_later(delay, fire)
        self._pending.add(handle)

    def quota(self, name: str, *, default: int) -> int:
        """Return the cloud-wide limit of that name; services keep what an admin set per project."""
        return self.settings.quotas.get(name, default)

    def close(self) -> None:
        """Cancel all timers."""
        for handle in self._pending:
            handle.cancel()
        self._pending.clear()
