"""The cloud itself: its clock, its dice, its future, and the state of each service."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from enamel.sandbox import control, era, faults, kernel, seams

if TYPE_CHECKING:
    from enamel.sandbox import guests
    from enamel.sandbox.compute import state as compute_state
    from enamel.sandbox.identity import state as identity_state


class Cloud:
    """Everything that exists in one sandbox.

    The services' states hang on it (`cloud.network`, `cloud.compute` …); `app.build` puts them there.
    """

    identity: identity_state.Identity
    network: seams.Network
    image: seams.Images
    volume: seams.Volumes
    secret: seams.Inventory
    compute: compute_state.Compute
    guests: guests.Guests

    def __init__(self, settings: kernel.Settings) -> None:
        """Start an empty cloud."""
        self.settings = settings
        self.era = era.ERAS[settings.era]
        self.url = f"http://{settings.host}:{settings.port}"
        self.rng = random.Random(settings.seed)
        self.faults = faults.Faults(random.Random(settings.seed + 1))
        self.calls = control.Calls()
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
        """Do something after a delay in seconds; dropped when the cloud closes first."""

        def fire() -> None:
            self._pending.discard(handle)
            act()

        handle = asyncio.get_running_loop().call_later(delay, fire)
        self._pending.add(handle)

    def quota(self, name: str, *, default: int) -> int:
        """Return the cloud-wide limit of that name; services keep what an admin set per project."""
        return self.settings.quotas.get(name, default)

    def touch(self, server_id: str) -> None:
        """Report that what reaches a server may have changed: its public addresses, groups or rules."""
        self.guests.touch(server_id)

    def close(self) -> None:
        """Forget everything that was to happen."""
        for handle in self._pending:
            handle.cancel()
        self._pending.clear()
