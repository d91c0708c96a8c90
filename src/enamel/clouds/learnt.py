"""What waits have taught: how long things of a kind take until they are there.

A kind is what makes the difference, such as type and image of a server. What one process has learnt it leaves on the
board, so that a process that has just started knows it, too.
"""

from collections.abc import Mapping
from datetime import timedelta

import msgspec
from msgspec import Struct

from enamel.clouds.shared.board import Board

REMEMBERED = 32
"""How many waits of a kind are remembered."""
KINDS = 500
"""How many kinds are remembered: those that were last learnt of."""
NEARLY_ALL = 0.9
KEPT_FOR = timedelta(days=7)
TOLD_EVERY = 5.0
"""Seconds between two notes on the board."""

_NOTE = msgspec.msgpack.Decoder(dict[str, list[float]])


class Distribution(Struct, frozen=True, kw_only=True):
    """How long waits of a kind took, in seconds."""

    quickest: float
    nearly_all: float
    """No more than one in ten took longer: one that took ages once teaches nothing."""


class Learnt:
    """How long waits of each kind took."""

    def __init__(self) -> None:
        self._times: dict[str, list[float]] = {}
        self._fresh: dict[str, list[float]] = {}
        """What was learnt here since the board was last told."""
        self._told_at: float | None = None

    def of(self, kind: str) -> Distribution | None:
        """Return what is known of a kind."""
        times = sorted(self._times.get(kind, ()))
        if not times:
            return None
        return Distribution(quickest=times[0], nearly_all=times[int((len(times) - 1) * NEARLY_ALL)])

    def quickest(self) -> float | None:
        """Return how long the quickest of all kinds took."""
        return min((min(times) for times in self._times.values()), default=None)

    def add(self, kind: str, *, seconds: float) -> None:
        """Take note of how long a wait took."""
        self._keep(kind, [*self._times.get(kind, ()), seconds])
        self._fresh.setdefault(kind, []).append(seconds)

    async def recall(self, board: Board, key: str) -> None:
        """Take over what other processes have learnt."""
        for kind, times in (await _read(board, key)).items():
            self._keep(kind, [*times, *self._fresh.get(kind, ())])

    async def tell(self, board: Board, key: str, *, now: float) -> None:
        """Leave what was learnt here for the other processes, now and then."""
        if not self._fresh or (self._told_at is not None and now - self._told_at < TOLD_EVERY):
            return
        self._told_at = now
        # Two who tell at once may lose a few of each other's: there will be others.
        await self.recall(board, key)
        self._fresh.clear()
        await board.write(key, msgspec.msgpack.encode(self._times), keep=KEPT_FOR)

    def _keep(self, kind: str, times: list[float]) -> None:
        self._times.pop(kind, None)
        self._times[kind] = times[-REMEMBERED:]
        while len(self._times) > KINDS:
            del self._times[next(iter(self._times))]


async def _read(board: Board, key: str) -> Mapping[str, list[float]]:
    note = (await board.read(key)).get(key)
    try:
        return {} if note is None else _NOTE.decode(note)
    except msgspec.DecodeError:
        return {}
