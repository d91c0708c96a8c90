"""The clouds of the configuration, opened when they are first asked for.

A driver is a package with an entry point in the group `enamel.clouds`: a class that reads its part of the
configuration (a `Driver`). The first driver that has an entry of a name opens it.
"""

import asyncio
from collections.abc import Sequence
from importlib import metadata
from typing import Protocol

from enamel.clouds import driver
from enamel.clouds.pacing.gate import Paces
from enamel.clouds.shared.store import SharedStore
from enamel.model.errors import CloudUnknown

GROUP = "enamel.clouds"


class Driver(Protocol):
    """What an entry point names: the clouds of one kind."""

    def names(self) -> Sequence[str]:
        """Return the entries of this driver's configuration, the default one first."""

    def open(self, name: str, *, board: SharedStore, paces: Paces) -> driver.Cloud:
        """Open a cloud; nothing is asked of it yet. Raises CloudUnknown and CloudUnauthorized.

        Args:
            name: The entry of the configuration.
            board: Where the processes of the deployment share what they know of it.
            paces: How fast its services are called, by all its entries together.
        """


class Registry:
    """All clouds of all drivers, one object for each."""

    def __init__(
        self,
        drivers: Sequence[Driver],
        *,
        default: str | None = None,
        only: str | None = None,
        board: SharedStore | None = None,
        paces: Paces | None = None,
    ) -> None:
        """Take the drivers.

        Args:
            drivers: Whose clouds these are.
            default: The entry to put first, where it is not the drivers' own default.
            only: The only entry to offer; None offers all of them.
            board: Where the processes of the deployment share what they know of the clouds.
            paces: How fast the clouds are called.
        """
        self._drivers = drivers
        self._default = default
        self._only = only
        self.board = board or SharedStore()
        self._paces = paces or Paces(board=self.board)
        self._open: dict[str, driver.Cloud] = {}

    def names(self) -> Sequence[str]:
        """Return the entries that can be used, the default one first."""
        names = dict.fromkeys(
            name for one in self._drivers for name in one.names() if self._only in (None, name)
        )
        return sorted(names, key=lambda name: name != self._default)

    def get(self, name: str) -> driver.Cloud:
        """Return a cloud. Raises CloudUnknown."""
        if name not in self._open:
            self._open[name] = self._opened(name)
        return self._open[name]

    def only(self, name: str) -> "Registry":
        """Return the registry of one entry of this one. Raises CloudUnknown."""
        if name not in self.names():
            self.get(name)
        return Registry(self._drivers, only=name, board=self.board, paces=self._paces)

    async def close(self) -> None:
        """Close all of them."""
        opened, self._open = list(self._open.values()), {}
        await asyncio.gather(*(cloud.close() for cloud in opened))
        await self.board.close()

    def _opened(self, name: str) -> driver.Cloud:
        for one in self._drivers:
            # `entry@project` is what a driver calls an entry that is used for another project than its own.
            entries = {name, name.partition("@")[0]} & set(one.names())
            if entries and (self._only is None or self._only in entries):
                return one.open(name, board=self.board, paces=self._paces)
        there = ", ".join(self.names())
        raise CloudUnknown(
            f"There is no cloud {name!r} in the configuration; "
            + (f"there are: {there}." if there else "there is none at all."),
            cloud=name,
            remedy=None if there else "Write a clouds.yaml, or set the OS_* variables.",
        )


def installed(
    *, default: str | None = None, board: SharedStore | None = None, paces: Paces | None = None
) -> Registry:
    """Return the clouds of all drivers that are installed."""
    drivers = [point.load()() for point in sorted(metadata.entry_points(group=GROUP))]
    return Registry(drivers, default=default, board=board, paces=paces)
