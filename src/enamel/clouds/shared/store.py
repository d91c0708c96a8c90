"""The shared store: where the processes of a deployment leave short notes for each other.

A note saves a call to a cloud; nothing depends on it. A process that cannot reach the store, or has none, goes on without it
at once, logs that, and uses it again as soon as it answers. So nothing here raises: every answer can be "unknown".
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
"""The version of the notes; processes do not read notes of other versions."""
PATIENCE = 0.25
"""Seconds after which the store counts as unavailable. A cloud often answers in less than twice this time."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
_LARGE = 4096
_PLAIN, _SQUEEZED = b"\0", b"\1"


class Backend(Protocol):
    """A server that stores small values for a limited time. Any exception means that it is unavailable."""

    name: str
    """Its name in messages, without a password."""

    async def read(self, keys: tuple[str, ...]) -> Mapping[str, bytes]:
        """Return the values of those keys that exist."""

    async def write(self, key: str, value: bytes, *, seconds: int) -> bool:
        """Store a value; False if it is larger than the server accepts."""

    async def claim(self, key: str, value: bytes, *, seconds: int) -> bool:
        """Store a value unless the key exists."""

    async def count(self, key: str, by: int, *, seconds: int) -> int:
        """Add to a number that begins at 0, and return it; it expires some time after its first use."""

    async def erase(self, keys: tuple[str, ...]) -> None:
        """Delete values."""

    async def close(self) -> None:
        """Close the connections; the next request opens others."""


class SharedStore:
    """A backend that may be unavailable, or none at all."""

    def __init__(
        self,
        backend: Backend | None = None,
        *,
        patience: float = PATIENCE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Use a backend; without one, the process shares nothing."""
        self._backend = backend
        self._patience = patience
        self._now = now
        self._pause = 0.0
        self._closed_until = 0.0
        self._probing = False
        self.trouble: str | None = None
        """Why the backend is unavailable; None if it answers, or if there is none."""

    @property
    def there(self) -> bool:
        """Whether the process has a backend, available or not."""
        return self._backend is not None

    async def read(self, *keys: str) -> dict[str, bytes]:
        """Return the values of those keys that exist."""
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
        """Store a value for all processes, and return whether that succeeded."""
        packed = await _packed(value)
        written = await self._asked(
            "write", lambda backend: backend.write(key, packed, seconds=_seconds(keep))
        )
        if written is False:
            telemetry.SHARED.labels(outcome="refused").inc()
        return bool(written)

    async def claim(self, key: str, *, keep: timedelta, value: bytes = b"") -> bool | None:
        """Store a value unless another process has, and return whether that succeeded; None if that is unknown."""
        packed = _PLAIN + value
        return await self._asked("claim", lambda backend: backend.claim(key, packed, seconds=_seconds(keep)))

    async def count(self, key: str, *, by: int = 1, keep: timedelta) -> int | None:
        """Add to a shared number and return it; it expires some time after its first use."""
        return await self._asked("count", lambda backend: backend.count(key, by, seconds=_seconds(keep)))

    async def erase(self, *keys: str) -> None:
        """Delete values, for all processes."""
        if keys:
            await self._asked("erase", lambda backend: backend.erase(keys))

    async def look(self) -> None:
        """Check whether the backend answers; see `trouble`."""
        await self._asked("read", lambda backend: backend.read((key("look"),)))

    async def close(self) -> None:
        """Close the connections."""
        if self._backend is not None:
            await self._backend.close()

    async def _asked(self, what: str, ask: Callable[[Backend], Awaitable[T]]) -> T | None:
        """Return the answer of the backend; None while it is unavailable."""
        backend = self._backend
        if backend is None:
            return None
        if self.trouble is not None:
            # One request checks for all whether it is back.
            if self._probing or self._now() < self._closed_until:
                return None
            self._probing = True
        try:
            async with asyncio.timeout(self._patience):
                said = await ask(backend)
        except Exception as error:
            self._lost(backend, what, error)
            # A silent connection may be dead: only a new one shows whether the server answers.
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
            # Of several requests at the same time, only the first failure counts.
            self._pause = min(LONGEST_PAUSE, self._pause * 2)
        self._closed_until = self._now() + self._pause
        self.trouble = f"{backend.name}: {why}"

    def _found(self, backend: Backend) -> None:
        telemetry.SHARED_UP.set(1)
        if self.trouble is not None:
            log.info("cache.back", cache=backend.name)
            self.trouble = None


def key(kind: str, *parts: Hashable) -> str:
    """Return the key of a note: a digest of the parts, the same in all processes."""
    digest = hashlib.sha256(msgspec.json.encode([str(part) for part in parts])).hexdigest()
    return f"enamel:{VERSION}:{kind}:{digest[:40]}"


def form(kind: Any) -> str:
    """Return a digest of the fields of a type, so that a version does not read notes of another form."""
    return hashlib.sha256(msgspec.json.encode(msgspec.json.schema(kind))).hexdigest()[:8]


def number(data: bytes | None) -> int:
    """Return a number that was counted; 0 if none was."""
    try:
        return int(data or 0)
    except ValueError:
        return 0


def _seconds(keep: timedelta) -> int:
    # Neither server counts less than a second; notes with a shorter life carry their own time.
    return max(1, round(keep.total_seconds()))


async def _packed(value: bytes) -> bytes:
    if len(value) < _LARGE:
        return _PLAIN + value
    # Lists of thousands are compressed to a tenth, which takes some time.
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
    # Numbers are in the server's own form.
    return value
