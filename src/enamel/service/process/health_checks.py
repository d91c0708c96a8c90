"""The checks of a process's health: the store, the lease, the wake-ups, the clouds."""

import asyncio

from enamel.clouds import driver
from enamel.clouds.shared.store import SharedStore
from enamel.dispatch import base
from enamel.model.errors import CloudUnknown, LeaseLost
from enamel.service.process.health import Degraded
from enamel.store import queue
from enamel.store.engine import Store
from enamel.store.lease import Lease


class StoreCheck:
    """Looks whether the store answers.

    That its schema fits was seen when the process started. Should it have been upgraded since, the process goes on:
    a release can live with what the next one adds.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self) -> str | None:
        """Raise StoreUnavailable where it does not."""
        alive = await self._store.read(queue.leases)
        return f"Workers with a lease: {alive}."


class DispatchCheck:
    """Looks whether other processes can be woken; without that, work goes on more slowly."""

    def __init__(self, dispatch: base.Dispatch) -> None:
        self._dispatch = dispatch

    async def __call__(self) -> str | None:
        """Raise Degraded where they cannot."""
        if self._dispatch.trouble:
            raise Degraded(
                f"Other processes cannot be woken, and look for work by themselves: {self._dispatch.trouble}"
            )
        return None


class CloudsCheck:
    """Looks whether a cloud is configured."""

    def __init__(self, clouds: driver.Clouds) -> None:
        self._clouds = clouds

    async def __call__(self) -> str | None:
        """Raise CloudUnknown where none is."""
        names = await asyncio.to_thread(self._clouds.names)
        if not names:
            raise CloudUnknown("No cloud is configured.", remedy="Write a clouds.yaml.")
        return f"Configured: {len(names)}."


class CacheCheck:
    """Looks whether processes can share what they know of the clouds; without that, each asks for itself."""

    def __init__(self, board: SharedStore) -> None:
        self._board = board

    async def __call__(self) -> str | None:
        """Raise Degraded where they cannot."""
        await self._board.look()
        if self._board.trouble:
            raise Degraded(
                f"The cache is away, and each process asks the clouds for itself: {self._board.trouble}"
            )
        return None if self._board.there else "None is configured: each process asks the clouds for itself."


class LeaseCheck:
    """Looks whether a worker may work."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    async def __call__(self) -> str | None:
        """Raise LeaseLost where it may not."""
        if not self._lease.alive():
            raise LeaseLost("The worker has no lease; it takes a new one as soon as the store lets it.")
        return None
