"""Shared polls: of all processes that are about to make the same list, one makes it.

The clocks of several machines differ, so the shared store numbers the polls. A process that reads the number before a wait
knows that each poll with a higher number began after it, and may be shown to those who wait.
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
"""How long others may use a poll: a little more than the shortest interval, as cache servers count whole seconds."""
HELD_FOR = timedelta(seconds=3)
"""How long others wait for a process that polls; after that, another one polls."""
NUMBERS_FOR = timedelta(days=1)
_READINGS = 16


class Note(Struct, Generic[T], frozen=True, kw_only=True):
    """A poll in the shared store."""

    number: int
    since: datetime | None
    """The time from which on it shows changes; None if it shows everything."""
    writes: int
    """How many writes were known when it began."""
    look: Poll[T]


class Glance(Struct, Generic[T], frozen=True, kw_only=True):
    """What the shared store holds."""

    note: Note[T] | None
    """The last poll, while it may be used."""
    writes: int
    """How many writes are known."""


class SharedPolls(Generic[T]):
    """The polls of one kind in one project."""

    def __init__(
        self, shared: SharedStore, *, of: tuple[str, ...], answer: type[T], now: Callable[[], float]
    ) -> None:
        """Prepare the polls of one kind.

        Args:
            shared: The shared store.
            of: What distinguishes them: the cloud, the project and its roles, the kind.
            answer: The type of a resource.
            now: The clock of this process.
        """
        self._board = shared
        self._now = now
        form = store.form(answer)
        self._last = store.key("look", form, *of)
        self._lock = store.key("look-lock", form, *of)
        self._numbers = store.key("look-number", *of)
        self._writes = store.key("look-writes", *of)
        # mypy cannot infer the type of the note.
        self._decoder = msgspec.msgpack.Decoder(cast(Any, Note)[answer])
        self._readings: list[tuple[float, int]] = []
        """When this process read which number; the latest first."""

    async def glance(self) -> Glance[T] | None:
        """Return what the shared store holds; None if it is unavailable."""
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
        """Return a time of this process's clock before a poll began."""
        return next((at for at, read in self._readings if read < number), None)

    async def claim(self) -> int | None:
        """Return the number of the poll that this process is to make; 0 if another process makes one; None without a store."""
        claimed = await self._board.claim(self._lock, keep=HELD_FOR)
        if not claimed:
            return None if claimed is None else 0
        return await self._board.count(self._numbers, keep=NUMBERS_FOR)

    async def leave(self, note: Note[T] | None) -> None:
        """Store a poll for the others; without one, they poll themselves."""
        if note is not None:
            await self._board.write(self._last, msgspec.msgpack.encode(note), keep=KEPT_FOR)
        await self._board.erase(self._lock)

    async def written(self) -> None:
        """Announce a write to the others."""
        await self._board.count(self._writes, keep=NUMBERS_FOR)

    def _remember(self, at: float, number: int) -> None:
        if self._readings and self._readings[0][1] == number:
            self._readings[0] = (at, number)
            return
        if self._readings and self._readings[0][1] > number:
            # The shared store has lost its count.
            self._readings.clear()
        self._readings = [(at, number), *self._readings[: _READINGS - 1]]

    def _decoded(self, data: bytes | None, *, below: int) -> Note[T] | None:
        if data is None:
            return None
        try:
            note = cast(Note[T], self._decoder.decode(data))
        except msgspec.DecodeError:
            return None
        # A higher number is from before the shared store lost its count.
        return note if note.number <= below else None
