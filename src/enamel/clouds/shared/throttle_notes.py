"""The notes before one service: what the processes of a deployment tell each other about calling it.

A process that was told to leave a service alone says so to the others; and each says now and then that it calls there at
all, so that they know by how many to divide what an operator allows.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import msgspec
from msgspec import Struct

from enamel.clouds.shared import store
from enamel.clouds.shared.store import SharedStore

LOOK_EVERY = 0.25
"""Seconds that may pass until a process heeds what another one was told."""
WINDOW = 5.0
"""Who has called within one of two such windows counts."""


class Truce(Struct, frozen=True, kw_only=True):
    """A pause that a service has asked for."""

    until: float
    """Seconds since the epoch. Clocks of one deployment's machines agree well enough for that."""


class ThrottleNotes:
    """What is known of other processes that call the same service."""

    def __init__(
        self, on: SharedStore, site: str, service: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._board = on
        self._place = site, service
        self._clock = clock
        self._looked = 0.0
        self._window = 0
        self._here = self._before = 1
        """How many have signed the roll of this window, and of the one before."""
        self.processes = 1
        """How many call, this one included."""

    @property
    def due(self) -> bool:
        """Whether it is time for another look."""
        return self._board.there and self._clock() - self._looked > LOOK_EVERY

    async def look(self) -> float:
        """Return for how many seconds the service is to be left alone; 0 where nobody was told so."""
        now = self._looked = self._clock()
        window = int(now // WINDOW)
        begins = window != self._window
        if begins:
            # The roll of a window that has just begun is short.
            self._before, self._window = self._here if window - self._window == 1 else 1, window
        here = await self._board.count(
            store.key("roll", *self._place, window), by=int(begins), keep=timedelta(seconds=2 * WINDOW)
        )
        self._here = here or 1
        self.processes = max(1, self._before, self._here)
        return await self._pause()

    async def _pause(self) -> float:
        values = await self._board.read(self._truce)
        if self._truce not in values:
            return 0.0
        try:
            truce = msgspec.json.decode(values[self._truce], type=Truce)
        except msgspec.DecodeError:
            return 0.0
        return max(0.0, truce.until - self._clock())

    async def tell(self, pause: float) -> None:
        """Let the others know for how many seconds the service is to be left alone."""
        note = msgspec.json.encode(Truce(until=self._clock() + pause))
        await self._board.write(self._truce, note, keep=timedelta(seconds=pause + 1))

    @property
    def _truce(self) -> str:
        return store.key("truce", *self._place)
