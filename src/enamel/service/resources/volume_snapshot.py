"""The snapshot of a volume: what was on it at some time."""

from datetime import datetime

from msgspec import Struct

from enamel.model import cloud as cloud_model
from enamel.model.call_context import CallContext
from enamel.model.states import VolumeState
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.resources import paging, volume
from enamel.service.resources.paging import Page


class VolumeSnapshot(Struct, frozen=True, kw_only=True):
    """What was on a volume at some time."""

    id: str
    volume_id: str
    name: str
    description: str
    size_gb: int
    state: VolumeState
    created_at: datetime | None
    cloud: str
    """The cloud that it is on."""


class VolumeSnapshots:
    """Lists the snapshots of volumes."""

    def __init__(self, clouds: CallerClouds) -> None:
        self._clouds = clouds

    async def list(
        self,
        ctx: CallContext,
        volume_id: str,
        *,
        cloud: str | None = None,
        limit: int = paging.LIMIT,
        marker: str | None = None,
    ) -> Page[VolumeSnapshot]:
        """Return the snapshots of a volume, in the order of their names.

        Raises:
            NotFound: There is no such volume.
            CapabilityMissing: The cloud has no volumes.
        """
        policy.enforce(ctx, "enamel:volume_snapshot:list")
        source, account = await volume.find(self._clouds, ctx, volume_id, cloud=cloud)
        snapshots = [
            _snapshot(snapshot, cloud=account.name)
            for snapshot in await account.volume_snapshots_list()
            if snapshot.volume_id == source.id
        ]
        snapshots.sort(key=lambda snapshot: (snapshot.name, snapshot.id))
        return paging.page(
            snapshots, limit=limit, marker=marker, key=lambda snapshot: snapshot.id, what="snapshot"
        )


def _snapshot(snapshot: cloud_model.VolumeSnapshot, *, cloud: str) -> VolumeSnapshot:
    return VolumeSnapshot(
        id=snapshot.id,
        volume_id=snapshot.volume_id,
        name=snapshot.name,
        description=snapshot.description,
        size_gb=snapshot.size_gb,
        state=snapshot.state,
        created_at=snapshot.created,
        cloud=cloud,
    )
