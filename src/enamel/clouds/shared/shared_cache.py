"""The shared cache: answers of a cloud that one process has fetched are used by the others.

Each answer carries the mark of its kind from the time of the request. A write changes the mark, so that no process uses an
answer from before the write.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Collection, Hashable
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from enamel.clouds.shared import store
from enamel.clouds.shared.store import SharedStore

T = TypeVar("T")

HELD_FOR = timedelta(seconds=5)
"""How long others wait for a process that fetches; after that, another one fetches."""
MARKED_FOR = timedelta(hours=1)
"""How long marks are kept: longer than any answer."""
GLANCE_EVERY = 0.05
_EVERYTHING = "everything"


class _Note(Struct, frozen=True):
    mark: bytes
    at: float
    """When it was requested, by the clock of the process that did."""
    value: msgspec.Raw


class Given(Struct, frozen=True):
    """An answer, with its age and mark."""

    value: Any
    age: float
    """Seconds since it was requested."""
    mark: bytes | None
    """The mark of its kind; None if it is not shared."""


class SharedCache:
    """The answers of one cloud to one account."""

    def __init__(
        self,
        shared: SharedStore,
        *,
        of: Callable[[], Awaitable[tuple[str, ...]]],
        clock: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare the cache of one account.

        Args:
            shared: The shared store.
            of: Returns what distinguishes the answers to this account: the site, the project, its roles.
            clock: The system's clock.
            now: A monotonic clock.
        """
        self._board = shared
        self._of = of
        self._clock = clock
        self._now = now

    async def get(
        self, kind: Hashable, fetch: Callable[[], Awaitable[T]], *, keep: timedelta, answer: Any
    ) -> Given:
        """Return an answer from the shared store, or fetch it, unless another process is fetching it."""
        of = await self._of()
        note_key = store.key("answer", store.form(answer), kind, *of)
        lock = store.key("answer-lock", kind, *of)
        patience = self._now() + HELD_FOR.total_seconds()
        while self._now() < patience:
            notes = await self._board.read(note_key, *self._marks(kind, of))
            if self._board.trouble is not None:
                break
            mark = self._mark(kind, of, notes)
            given = self._given(notes.get(note_key), mark=mark, keep=keep, answer=answer)
            if given is not None:
                return given
            claimed = await self._board.claim(lock, keep=HELD_FOR)
            if claimed is None:
                break
            if claimed:
                return await self._asked(note_key, lock, fetch, mark=mark, keep=keep)
            await asyncio.sleep(GLANCE_EVERY)
        return Given(value=await fetch(), age=0.0, mark=b"")

    async def changed(self, kinds: Collection[Hashable]) -> None:
        """Invalidate the stored answers of these kinds, or of all kinds if none is named."""
        of = await self._of()
        for kind in kinds or (_EVERYTHING,):
            await self._board.write(store.key("answer-mark", kind, *of), os.urandom(8), keep=MARKED_FOR)

    async def marks(self, kinds: Collection[Hashable]) -> dict[Hashable, bytes] | None:
        """Return the current marks of kinds; None if the shared store is unavailable."""
        of = await self._of()
        keys = {key for kind in kinds for key in self._marks(kind, of)}
        marks = await self._board.read(*keys)
        if self._board.trouble is not None:
            return None
        return {kind: self._mark(kind, of, marks) for kind in kinds}

    async def _asked(
        self,
        note_key: str,
        lock: str,
        fetch: Callable[[], Awaitable[T]],
        *,
        mark: bytes,
        keep: timedelta,
    ) -> Given:
        try:
            at = self._clock()
            value = await fetch()
            note = _Note(mark, at, msgspec.Raw(msgspec.msgpack.encode(value)))
            await self._board.write(note_key, msgspec.msgpack.encode(note), keep=keep)
        finally:
            await self._board.erase(lock)
        return Given(value=value, age=0.0, mark=mark)

    def _given(self, data: bytes | None, *, mark: bytes, keep: timedelta, answer: Any) -> Given | None:
        if data is None:
            return None
        try:
            note = msgspec.msgpack.decode(data, type=_Note)
            if note.mark != mark:
                return None
            value = msgspec.msgpack.decode(note.value, type=answer)
        except msgspec.DecodeError:
            return None
        # The clocks of several machines differ; the server itself removes old answers.
        age = min(max(0.0, self._clock() - note.at), keep.total_seconds())
        return Given(value=value, age=age, mark=mark)

    def _marks(self, kind: Hashable, of: tuple[str, ...]) -> tuple[str, str]:
        return store.key("answer-mark", kind, *of), store.key("answer-mark", _EVERYTHING, *of)

    def _mark(self, kind: Hashable, of: tuple[str, ...], marks: dict[str, bytes]) -> bytes:
        return b"".join(marks.get(key, b"") for key in self._marks(kind, of))
