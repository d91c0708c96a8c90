"""Throttle notes: what the processes of a deployment share about calling one service.

A process whose calls a service has paused shares the pause with the others. Each process also registers itself now and
then, so that the limits that an operator sets are divided by the number of processes.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import msgspec
from msgspec import Struct

from enamel.clouds.shared import store
from enamel.clouds.shared.store import SharedStore

LOOK_EVERY = 0.25
"""Most seconds until a process obeys a pause that another one was asked for."""
WINDOW = 5.0
"""Seconds of a window; processes that called in the last two windows are counted."""


class Truce(Struct, frozen=True, kw_only=True):
    """A pause that a service has asked for."""

    until: float
    """Seconds since the epoch. The clocks of one deployment agree well enough for that."""
    pause: float = 60.0
    """Seconds of the whole pause: no clock that was set back makes it longer."""


class ThrottleNotes:
    """What is known about other processes that call the same service."""

    def __init__(
        self, on: SharedStore, site: str, service: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._board = on
        self._place = site, service
        self._clock = clock
        self._looked = 0.0
        self._window = 0
        self._here = self._before = 1
        """How many processes have registered in this window, and in the one before."""
        self.processes = 1
        """How many processes call the service, including this one."""

    @property
    def due(self) -> bool:
        """Whether it is time to read the notes again."""
        # Less than nothing where the clock was set back.
        return self._board.there and not 0 <= self._clock() - self._looked <= LOOK_EVERY

    async def look(self) -> float:
        """Return for how many seconds calls are paused; 0 if they are not."""
        now = self._looked = self._clock()
        window = int(now // WINDOW)
        begins = window != self._window
        if begins:
            # In a window that has just begun, few processes have registered.
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
        return max(0.0, min(truce.until - self._clock(), truce.pause))

    async def tell(self, pause: float) -> None:
        """Share for how many seconds calls are paused."""
        note = msgspec.json.encode(Truce(until=self._clock() + pause, pause=pause))
        await self._board.write(self._truce, note, keep=timedelta(seconds=pause + 1))

    @property
    def _truce(self) -> str:
        return store.key("truce", *self._place)
