"""The registry: the clouds of the configuration, each opened on first use and closed when nobody has used it for a while.

There is one handle for each entry and project. A handle with a call under way or somebody who waits stays open. Whoever
keeps a handle that was closed may go on using it: it opens its connections again, and is closed again.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from weakref import WeakValueDictionary

import structlog
from msgspec import Struct

from enamel.clouds import driver, drivers
from enamel.clouds.drivers import Driver
from enamel.clouds.pacing.gate import Paces
from enamel.clouds.shared.store import SharedStore
from enamel.model.driver_path import DriverPath
from enamel.model.errors import CloudUnknown
from enamel.model.placement import covers

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

IDLE_TIMEOUT = timedelta(minutes=10)
"""How long nobody must have used a handle before it is closed."""
_SWEEPS = 4
"""Looks for idle handles within the idle timeout."""


class _Key(Struct, frozen=True):
    """What there is one handle for."""

    entry: str
    project: str | None


class _Opened(Struct):
    """A handle, and when it was last used."""

    cloud: driver.Cloud
    used_at: float


class Registry:
    """All clouds of all drivers, one handle for each entry and project."""

    def __init__(
        self,
        drivers: Sequence[Driver],
        *,
        default: str | None = None,
        only: str | None = None,
        board: SharedStore | None = None,
        paces: Paces | None = None,
        idle_timeout: timedelta = IDLE_TIMEOUT,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a registry; nothing is opened yet.

        Args:
            drivers: The drivers. The first one that has an entry of a name opens it.
            default: The entry to list first, if not the drivers' own default.
            only: The only entry to offer; None offers all of them.
            board: What the processes of the deployment share about clouds.
            paces: How fast clouds are called.
            idle_timeout: How long nobody must have used a handle before it is closed.
            now: A monotonic clock.
        """
        self._drivers = drivers
        self._default = default
        self._only = only
        self.board = board or SharedStore()
        self._paces = paces or Paces(board=self.board)
        self._idle_timeout = idle_timeout.total_seconds()
        self._now = now
        self._opened: dict[_Key, _Opened] = {}
        self._closed: WeakValueDictionary[_Key, driver.Cloud] = WeakValueDictionary()
        """Handles that were closed while somebody kept them."""

    def names(self) -> Sequence[str]:
        """Return the entries that can be used, the default one first."""
        entries = (name for kind in self._drivers for name in kind.names())
        names = dict.fromkeys(name for name in entries if self._only is None or covers(self._only, name))
        return sorted(names, key=lambda name: self._default is None or not covers(self._default, name))

    def get(self, name: str, *, project: str | None = None) -> driver.Cloud:
        """Return the handle of a cloud. Raises CloudUnknown.

        Args:
            name: The entry.
            project: Id of another project of the same cloud; None for the entry's own.
        """
        key = _Key(name, project)
        opened = self._opened.get(key)
        if opened is None:
            cloud = self._closed.pop(key, None) or self._open(key)
            opened = self._opened[key] = _Opened(cloud, 0.0)
        opened.used_at = self._now()
        return opened.cloud

    def only(self, name: str) -> "Registry":
        """Return a registry of one entry of this one. Raises CloudUnknown."""
        if not any(covers(name, offered) for offered in self.names()):
            self.get(name)
        return Registry(
            self._drivers,
            only=name,
            board=self.board,
            paces=self._paces,
            idle_timeout=timedelta(seconds=self._idle_timeout),
        )

    @property
    def opened(self) -> int:
        """How many handles are open."""
        return len(self._opened)

    async def close_idle(self) -> None:
        """Close the handles that nobody has used for the idle timeout."""
        now = self._now()
        for key, cloud in list(self._closed.items()):
            if cloud.in_use:
                self._opened[key] = _Opened(cloud, now)
                del self._closed[key]
            else:
                await _close(key, cloud)
        for key, opened in list(self._opened.items()):
            if opened.cloud.in_use:
                opened.used_at = now
            elif opened.used_at + self._idle_timeout <= now:
                # The next use opens a new handle, unless somebody has kept this one.
                del self._opened[key]
                self._closed[key] = opened.cloud
                await _close(key, opened.cloud)

    async def close_idle_forever(self) -> None:
        """Close idle handles until cancelled."""
        while True:
            await asyncio.sleep(self._idle_timeout / _SWEEPS)
            await self.close_idle()

    async def close(self) -> None:
        """Close all handles."""
        clouds = [opened.cloud for opened in self._opened.values()] + list(self._closed.values())
        self._opened.clear()
        await asyncio.gather(*(cloud.close() for cloud in clouds))
        await self.board.close()

    def _open(self, key: _Key) -> driver.Cloud:
        offered = self._only is None or covers(self._only, key.entry)
        for kind in self._drivers if offered else ():
            if any(covers(key.entry, name) for name in kind.names()):
                return kind.open(key.entry, project=key.project, board=self.board, paces=self._paces)
        names = ", ".join(self.names())
        raise CloudUnknown(
            f"There is no cloud {key.entry!r} in the configuration. Its clouds: {names or 'none'}.",
            cloud=key.entry,
            remedy=None if names else "Write a clouds.yaml, or set the OS_* variables.",
        )


async def _close(key: _Key, cloud: driver.Cloud) -> None:
    try:
        await cloud.close()
    except Exception:
        # One that cannot be closed does not keep the others open.
        log.exception("cloud.not_closed", cloud=key.entry, project=key.project)


def installed(
    *,
    default: str | None = None,
    board: SharedStore | None = None,
    paces: Paces | None = None,
    more: Sequence[DriverPath] = (),
) -> Registry:
    """Return the clouds of all installed drivers, and of those at the paths."""
    known = [*drivers.installed(), *map(drivers.load, more)]
    return Registry(known, default=default, board=board, paces=paces)
