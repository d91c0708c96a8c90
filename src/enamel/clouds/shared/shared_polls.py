"""Looks that processes share: of all who are about to make the same list, one makes it.

Clocks of several machines prove nothing, so looks are numbered by the board. Whoever reads the number before a wait knows
that each look with a higher number was begun after it, and may be shown to those who wait.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec import Struct

from enamel.clouds.shared import store
from enamel.clouds.shared.store import SharedStore
from enamel.clouds.watch.snapshot import Poll

T = TypeVar("T")

KEPT_FOR = timedelta(seconds=2)
"""How long a look is good for others: a little more than the shortest interval, as the servers count whole seconds."""
HELD_FOR = timedelta(seconds=3)
"""How long others wait for one who looks; if that one dies, somebody else does it."""
NUMBERS_FOR = timedelta(days=1)
_READINGS = 16


class Note(Struct, Generic[T], frozen=True, kw_only=True):
    """A look on the board."""

    number: int
    since: datetime | None
    """What it goes back to; None where it shows everything."""
    writes: int
    """How many writes were known of when it was begun."""
    look: Poll[T]


class Glance(Struct, Generic[T], frozen=True, kw_only=True):
    """What the board says."""

    note: Note[T] | None
    """The last look, as long as it is good."""
    writes: int
    """How many writes are known of."""


class SharedPolls(Generic[T]):
    """The looks of one kind in one project."""

    def __init__(
        self, shared: SharedStore, *, of: tuple[str, ...], answer: type[T], now: Callable[[], float]
    ) -> None:
        """Take what they are of.

        Args:
            shared: The shared store.
            of: What sets them apart: the cloud, the project, the kind.
            answer: What a resource is.
            now: The clock of this process.
        """
        self._board = shared
        self._now = now
        form = store.form(answer)
        self._last = store.key("look", form, *of)
        self._lock = store.key("look-lock", form, *of)
        self._numbers = store.key("look-number", *of)
        self._writes = store.key("look-writes", *of)
        # mypy cannot know which kind of note this is.
        self._decoder = msgspec.msgpack.Decoder(cast(Any, Note)[answer])
        self._readings: list[tuple[float, int]] = []
        """When we read which number; the later in front."""

    async def glance(self) -> Glance[T] | None:
        """Return what the board says; None where there is none."""
        at = self._now()
        values = await self._board.read(self._last, self._numbers, self._writes)
        if self._board.trouble is not None:
            return None
        number = store.number(values.get(self._numbers))
        self._remember(at, number)
        return Glance(
            note=self._decoded(values.get(self._last), below=number),
            writes=store.number(values.get(self._writes)),
        )

    def began(self, number: int) -> float | None:
        """Return a time of our clock at which a look had certainly not been begun."""
        return next((at for at, read in self._readings if read < number), None)

    async def claim(self) -> int | None:
        """Return the number of a look that is ours to make now; 0 where another makes one; None without a board."""
        claimed = await self._board.claim(self._lock, keep=HELD_FOR)
        if not claimed:
            return None if claimed is None else 0
        return await self._board.count(self._numbers, keep=NUMBERS_FOR)

    async def leave(self, note: Note[T] | None) -> None:
        """Leave a look for the others, or let them look themselves."""
        if note is not None:
            await self._board.write(self._last, msgspec.msgpack.encode(note), keep=KEPT_FOR)
        await self._board.erase(self._lock)

    async def written(self) -> None:
        """Tell the others of a write."""
        await self._board.count(self._writes, keep=NUMBERS_FOR)

    def _remember(self, at: float, number: int) -> None:
        if self._readings and self._readings[0][1] == number:
            self._readings[0] = (at, number)
            return
        if self._readings and self._readings[0][1] > number:
            # The board has forgotten how far it had counted.
            self._readings.clear()
        self._readings = [(at, number), *self._readings[: _READINGS - 1]]

    def _decoded(self, data: bytes | None, *, below: int) -> Note[T] | None:
        if data is None:
            return None
        try:
            note = cast(Note[T], self._decoder.decode(data))
        except msgspec.DecodeError:
            return None
        # A number that was never given out is one from before the board forgot.
        return note if note.number <= below else None
