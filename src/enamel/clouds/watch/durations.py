"""What waits have taught: how long things of a kind take until they are there.

A kind is what makes the difference, such as type and image of a server. What one process has learnt it leaves on the
board, so that a process that has just started knows it, too.
"""

from collections.abc import Mapping
from datetime import timedelta

import msgspec
from msgspec import Struct

from enamel.clouds.shared.store import SharedStore

REMEMBERED = 64
"""How many waits of a kind are remembered."""
KINDS = 500
"""How many kinds are remembered: those that were last learnt of."""
NEARLY_ALL = 0.9
KEPT_FOR = timedelta(days=7)
TOLD_EVERY = 5.0
"""Seconds between two notes on the board."""

Wait = tuple[float, float]
"""After how many seconds it was not there yet, and after how many it was."""
_NOTE = msgspec.msgpack.Decoder(dict[str, list[Wait]])


class Distribution(Struct, frozen=True, kw_only=True):
    """How long waits of a kind took, in seconds."""

    quickest: float
    """No wait took less: it was not over yet at a poll after this time."""
    nearly_all: float
    """No more than one in ten took longer: one that took ages once teaches nothing."""


class Durations:
    """How long waits of each kind took."""

    def __init__(self) -> None:
        self._waits: dict[str, list[Wait]] = {}
        self._fresh: dict[str, list[Wait]] = {}
        """What was learnt here since it was last shared."""
        self._told_at: float | None = None

    def of(self, kind: str) -> Distribution | None:
        """Return what is known of a kind."""
        waits = self._waits.get(kind)
        if not waits:
            return None
        waited = sorted(seen for _, seen in waits)
        return Distribution(
            quickest=min(before for before, _ in waits),
            nearly_all=waited[int((len(waited) - 1) * NEARLY_ALL)],
        )

    def quickest(self) -> float | None:
        """Return how long the quickest of all kinds took."""
        return min((before for waits in self._waits.values() for before, _ in waits), default=None)

    def add(self, kind: str, *, seconds: float, before: float) -> None:
        """Record a wait: it was over after this many seconds, and not yet at the poll before.

        What was seen last is later than what happened: to look first when others were seen would never find out that
        they were quicker.
        """
        wait = (before, seconds)
        self._keep(kind, [*self._waits.get(kind, ()), wait])
        self._fresh.setdefault(kind, []).append(wait)

    async def recall(self, board: SharedStore, key: str) -> None:
        """Take over what other processes have learnt."""
        for kind, waits in (await _read(board, key)).items():
            self._keep(kind, [*waits, *self._fresh.get(kind, ())])

    async def tell(self, board: SharedStore, key: str, *, now: float) -> None:
        """Leave what was learnt here for the other processes, now and then."""
        if not self._fresh or (self._told_at is not None and now - self._told_at < TOLD_EVERY):
            return
        self._told_at = now
        # Two who tell at once may lose a few of each other's: there will be others.
        await self.recall(board, key)
        self._fresh.clear()
        await board.write(key, msgspec.msgpack.encode(self._waits), keep=KEPT_FOR)

    def _keep(self, kind: str, waits: list[Wait]) -> None:
        self._waits.pop(kind, None)
        self._waits[kind] = waits[-REMEMBERED:]
        while len(self._waits) > KINDS:
            del self._waits[next(iter(self._waits))]


async def _read(board: SharedStore, key: str) -> Mapping[str, list[Wait]]:
    note = (await board.read(key)).get(key)
    try:
        return {} if note is None else _NOTE.decode(note)
    except msgspec.DecodeError:
        return {}
