"""The checks of a process's health: the store, the lease, the wake-ups, the clouds."""

import asyncio

from enamel.clouds import driver
from enamel.clouds.shared.store import SharedStore
from enamel.dispatch import base
from enamel.model.cloud_state import Unusable
from enamel.model.errors import CloudUnknown, LeaseLost, StoreUnavailable
from enamel.secrets.base import Keys
from enamel.service.process.health import Degraded
from enamel.service.resources import cloud
from enamel.store import queue, workers
from enamel.store.engine import Store
from enamel.store.lease import Lease

_PROOF_LASTS = 1.0
"""Seconds for which a write shows that others are possible."""
_WRITTEN_WITHIN = 1.0
"""Seconds that a check waits for its write: load balancers wait no longer than a few."""


class StoreCheck:
    """Checks whether the store can be read and written.

    Its schema was checked when the process started. If it has been upgraded since, the process goes on: a release works
    with what the next one adds.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._write: asyncio.Task[None] | None = None
        self._written_at = float("-inf")

    async def __call__(self) -> str | None:
        """Raise StoreUnavailable if it cannot."""
        alive = await self._store.read(queue.leases)
        await self._prove_writable()
        return f"Workers with a lease: {alive}."

    async def _prove_writable(self) -> None:
        """Write something, seldom enough that many who ask do not matter, and without waiting as long as writes do."""
        clock = asyncio.get_running_loop().time
        if clock() < self._written_at + _PROOF_LASTS:
            return
        # Whoever asks meanwhile waits for the same write.
        write = self._write
        if write is None:
            write = self._write = asyncio.create_task(self._store.run(workers.prove))
        await asyncio.wait({write}, timeout=_WRITTEN_WITHIN)
        if not write.done():
            why = self._store.outage or "It does not answer in time."
            raise StoreUnavailable(f"The task store cannot be written. {why}")
        if self._write is write:
            self._write = None
        await write
        self._written_at = clock()


class WorkersCheck:
    """Checks whether a worker is alive: without one, an API accepts tasks and nobody carries them out."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self) -> str | None:
        """Raise Degraded if none is."""
        if not await self._store.read(queue.leases):
            raise Degraded("No worker has a lease: tasks are accepted, and wait until one is started.")
        return None


class DispatchCheck:
    """Checks whether other processes can be woken; without that, work goes on more slowly."""

    def __init__(self, dispatch: base.Dispatch) -> None:
        self._dispatch = dispatch

    async def __call__(self) -> str | None:
        """Raise Degraded if they cannot."""
        if self._dispatch.trouble:
            raise Degraded(f"Other processes cannot be woken, and poll for work: {self._dispatch.trouble}")
        return None


class CloudsCheck:
    """Checks whether a cloud is configured, and whether those that were used can be. None is asked for it."""

    def __init__(self, clouds: driver.Clouds) -> None:
        self._clouds = clouds

    async def __call__(self) -> str | None:
        """Raise CloudUnknown if none is, and Degraded if one cannot be used."""
        known = cloud.states(self._clouds)
        if not known:
            raise CloudUnknown("No cloud is configured.", remedy="Write a clouds.yaml.")
        broken = [_unusable(state.name, state.unusable) for state in known if state.unusable is not None]
        if broken:
            raise Degraded(f"{len(broken)} of {len(known)} clouds cannot be used. {' '.join(broken)}")
        return f"Configured: {len(known)}."


def _unusable(name: str, why: Unusable) -> str:
    since = f" since {why.since:%Y-%m-%dT%H:%M:%SZ}" if why.since else ""
    return f"'{name}'{since}: {why.problem.detail} {why.problem.remedy}".rstrip()


class CacheCheck:
    """Checks whether processes can share what they cache of the clouds; without that, each calls the clouds itself."""

    def __init__(self, board: SharedStore) -> None:
        self._board = board

    async def __call__(self) -> str | None:
        """Raise Degraded if they cannot."""
        await self._board.look()
        if self._board.trouble:
            raise Degraded(
                f"The cache is unavailable, and each process calls the clouds itself: {self._board.trouble}"
            )
        return None if self._board.there else "None is configured: each process calls the clouds itself."


class KeysCheck:
    """Checks whether secrets can be kept: a launch with a password needs that."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._checked_at = float("-inf")

    async def __call__(self) -> str | None:
        """Raise KeyStoreUnavailable if they cannot."""
        clock = asyncio.get_running_loop().time
        if clock() >= self._checked_at + _PROOF_LASTS:
            await self._keys.check()
            self._checked_at = clock()
        return None


class LeaseCheck:
    """Checks whether a worker holds its lease."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    async def __call__(self) -> str | None:
        """Raise LeaseLost if it does not."""
        if not self._lease.alive():
            raise LeaseLost("The worker has no lease; it acquires a new one as soon as the store allows.")
        return None
