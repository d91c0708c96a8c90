"""The capacity of a worker: how many tasks it can carry, found out by how far it is behind.

Its lag is how late its event loop and its writes are. While that is small, the capacity grows as it is used; when it is
large, the worker claims nothing until it has caught up, and then goes on with fewer tasks.
"""

import asyncio

from enamel import telemetry

FIRST = 200
LEAST = 10
_PORTION = 100
"""Most tasks in one claim, so that other writes are not delayed."""
_QUICK = 0.1
_SLOW = 0.5
"""Seconds of lag below which the capacity grows, and above which it shrinks."""
_GROWTH = 1.25
_SHRINKING = 0.7
_TICK = 0.1


class Capacity:
    """How many tasks one worker has at a time."""

    def __init__(self, most: int) -> None:
        """Begin with a moderate number.

        Args:
            most: How many tasks it may have at most.

        """
        self._most = most
        self._now = float(min(most, FIRST))
        self._lag = 0.0
        self._note()

    @property
    def tasks(self) -> int:
        """Return how many tasks the worker can carry now."""
        return int(self._now)

    def room(self, held: int) -> int:
        """Return how many tasks to claim now, for a worker that has some."""
        if self._lag > _SLOW:
            return 0
        return max(0, min(_PORTION, self.tasks - held))

    def lagged(self, seconds: float, *, held: int) -> None:
        """Take how late the worker was, and how many tasks it had."""
        # What is late once is forgotten slowly: one quick moment says little.
        self._lag = max(seconds, self._lag * _SHRINKING)
        if self._lag > _SLOW and seconds > _SLOW:
            floor = min(LEAST, self._most)
            self._now = max(floor, min(self._now, held) * _SHRINKING)
        elif self._lag < _QUICK and held >= self.tasks * _SHRINKING:
            self._now = min(self._most, self._now * _GROWTH + 1)
        self._note()

    async def watch(self, held: "dict[str, asyncio.Task[None]]") -> None:
        """Measure the event loop until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _TICK
            await asyncio.sleep(_TICK)
            self.lagged(max(0.0, loop.time() - due), held=len(held))

    def _note(self) -> None:
        telemetry.CAPACITY.set(self.tasks)
        telemetry.LAG.set(self._lag)
