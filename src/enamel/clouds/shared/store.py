"""The board: where the processes of a deployment leave short notes for each other, and find them again.

What is on it saves asking a cloud; nothing depends on it. A process that cannot reach it, or has none, goes on by
itself at once, says so, and is back as soon as the board is. So nothing here raises: every answer can be "nobody knows".
"""

import asyncio
import contextlib
import hashlib
import time
import zlib
from collections.abc import Awaitable, Callable, Hashable, Mapping
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import msgspec
import structlog

from enamel import telemetry

T = TypeVar("T")

log = structlog.get_logger(__name__)

VERSION = 1
"""What a note means; processes of different versions do not read each other's."""
PATIENCE = 0.25
"""Seconds after which the board counts as gone. A cloud's own answer often takes less than two of these."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
_LARGE = 4096
_PLAIN, _SQUEEZED = b"\0", b"\1"


class Backend(Protocol):
    """A server that keeps small values for a while. Whatever it raises means that it is gone."""

    name: str
    """What people know it by, without a password."""

    async def read(self, keys: tuple[str, ...]) -> Mapping[str, bytes]:
        """Return the values that are there."""

    async def write(self, key: str, value: bytes, *, seconds: int) -> bool:
        """Keep a value; False where it is larger than the server takes."""

    async def claim(self, key: str, value: bytes, *, seconds: int) -> bool:
        """Keep a value unless there is one already."""

    async def count(self, key: str, by: int, *, seconds: int) -> int:
        """Add to a number that begins at 0, and return it; it is kept from its beginning on."""

    async def erase(self, keys: tuple[str, ...]) -> None:
        """Throw values away."""

    async def close(self) -> None:
        """Give back connections; the next question makes others."""


class SharedStore:
    """A backend that may be away, or may not be there at all."""

    def __init__(
        self,
        backend: Backend | None = None,
        *,
        patience: float = PATIENCE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a backend; without one, the process is by itself."""
        self._backend = backend
        self._patience = patience
        self._now = now
        self._pause = 0.0
        self._closed_until = 0.0
        self._probing = False
        self.trouble: str | None = None
        """Why nothing is shared just now; None where all is well, or where there is nothing to share with."""

    @property
    def there(self) -> bool:
        """Whether the process has a board, be it away or not."""
        return self._backend is not None

    async def read(self, *keys: str) -> dict[str, bytes]:
        """Return what is under the keys, as far as anything is."""
        packed = await self._asked("read", lambda backend: backend.read(keys)) if keys else None
        values = {}
        for key, value in (packed or {}).items():
            plain = _plain(value)
            if plain is not None:
                values[key] = plain
        telemetry.SHARED.labels(outcome="hit").inc(len(values))
        telemetry.SHARED.labels(outcome="miss").inc(len(keys) - len(values))
        return values

    async def write(self, key: str, value: bytes, *, keep: timedelta) -> bool:
        """Leave a value for all, and tell whether it is there."""
        packed = await _packed(value)
        written = await self._asked(
            "write", lambda backend: backend.write(key, packed, seconds=_seconds(keep))
        )
        if written is False:
            telemetry.SHARED.labels(outcome="refused").inc()
        return bool(written)

    async def claim(self, key: str, *, keep: timedelta, value: bytes = b"") -> bool | None:
        """Be the only one to leave a value; None where nobody knows whether somebody else has."""
        packed = _PLAIN + value
        return await self._asked("claim", lambda backend: backend.claim(key, packed, seconds=_seconds(keep)))

    async def count(self, key: str, *, by: int = 1, keep: timedelta) -> int | None:
        """Add to a number that all share and return it; it is forgotten some time after its beginning."""
        return await self._asked("count", lambda backend: backend.count(key, by, seconds=_seconds(keep)))

    async def erase(self, *keys: str) -> None:
        """Throw away what is under the keys, for all."""
        if keys:
            await self._asked("erase", lambda backend: backend.erase(keys))

    async def look(self) -> None:
        """Find out how the board is; `trouble` tells."""
        await self._asked("read", lambda backend: backend.read((key("look"),)))

    async def close(self) -> None:
        """Give back connections."""
        if self._backend is not None:
            await self._backend.close()

    async def _asked(self, what: str, ask: Callable[[Backend], Awaitable[T]]) -> T | None:
        """Return what the backend says; None while it is away."""
        backend = self._backend
        if backend is None:
            return None
        if self.trouble is not None:
            # One finds out for all whether it is back.
            if self._probing or self._now() < self._closed_until:
                return None
            self._probing = True
        try:
            async with asyncio.timeout(self._patience):
                said = await ask(backend)
        except Exception as error:
            self._lost(backend, what, error)
            # A connection that says nothing may be dead, and only a new one tells.
            with contextlib.suppress(Exception):
                await backend.close()
            return None
        finally:
            self._probing = False
        self._found(backend)
        return said

    def _lost(self, backend: Backend, what: str, error: Exception) -> None:
        telemetry.SHARED.labels(outcome="failed").inc()
        telemetry.SHARED_UP.set(0)
        why = (
            "no answer" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}".strip(": ")
        )
        if self.trouble is None:
            self._pause = FIRST_PAUSE
            log.warning("cache.away", cache=backend.name, doing=what, error=why)
        elif self._now() >= self._closed_until:
            # Of several that were under way together, only the first one counts.
            self._pause = min(LONGEST_PAUSE, self._pause * 2)
        self._closed_until = self._now() + self._pause
        self.trouble = f"{backend.name}: {why}"

    def _found(self, backend: Backend) -> None:
        telemetry.SHARED_UP.set(1)
        if self.trouble is not None:
            log.info("cache.back", cache=backend.name)
            self.trouble = None


def key(kind: str, *parts: Hashable) -> str:
    """Return the key of a note: the same for the same parts in all processes, and telling nobody what they are."""
    digest = hashlib.sha256(msgspec.json.encode([str(part) for part in parts])).hexdigest()
    return f"enamel:{VERSION}:{kind}:{digest[:40]}"


def form(kind: Any) -> str:
    """Return what changes with the fields of a type, so that no version reads what another has written differently."""
    return hashlib.sha256(msgspec.json.encode(msgspec.json.schema(kind))).hexdigest()[:8]


def number(data: bytes | None) -> int:
    """Return a number that was counted; 0 where none was."""
    try:
        return int(data or 0)
    except ValueError:
        return 0


def _seconds(keep: timedelta) -> int:
    # Neither server knows less than a second; what has to be younger carries its own time.
    return max(1, round(keep.total_seconds()))


async def _packed(value: bytes) -> bytes:
    if len(value) < _LARGE:
        return _PLAIN + value
    # Lists of thousands are squeezed to a tenth, which takes a moment.
    return _SQUEEZED + await asyncio.to_thread(zlib.compress, value, 1)


def _plain(value: bytes) -> bytes | None:
    match value[:1]:
        case b"\0":
            return value[1:]
        case b"\1":
            try:
                return zlib.decompress(value[1:])
            except zlib.error:
                return None
    # Numbers are the server's own.
    return value
