"""The checks of a process's health: the store, the lease, the wake-ups, the clouds."""

from enamel.clouds import driver
from enamel.clouds.shared.store import SharedStore
from enamel.dispatch import base
from enamel.model.cloud_state import Unusable
from enamel.model.errors import CloudUnknown, LeaseLost
from enamel.service.process.health import Degraded
from enamel.service.resources import cloud
from enamel.store import queue
from enamel.store.engine import Store
from enamel.store.lease import Lease


class StoreCheck:
    """Checks whether the store answers.

    Its schema was checked when the process started. If it has been upgraded since, the process goes on: a release works
    with what the next one adds.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self) -> str | None:
        """Raise StoreUnavailable if it does not."""
        alive = await self._store.read(queue.leases)
        return f"Workers with a lease: {alive}."


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


class LeaseCheck:
    """Checks whether a worker holds its lease."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    async def __call__(self) -> str | None:
        """Raise LeaseLost if it does not."""
        if not self._lease.alive():
            raise LeaseLost("The worker has no lease; it acquires a new one as soon as the store allows.")
        return None
