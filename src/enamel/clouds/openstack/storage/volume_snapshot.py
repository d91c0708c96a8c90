"""Snapshots of volumes, in the block storage service."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct, field

from enamel.clouds.methods import storage as methods
from enamel.clouds.openstack import service
from enamel.clouds.openstack.compute import server_json
from enamel.clouds.openstack.storage import volume
from enamel.clouds.watch import snapshot as watch_snapshot
from enamel.clouds.watch import watcher
from enamel.model import cloud
from enamel.model.states import VolumeState

SERVICE = "block-storage"


class _Snapshot(Struct):
    id: service.Id
    volume_id: str = ""
    name: str | None = ""
    display_name: str | None = ""
    """What the first API calls it."""
    description: str | None = ""
    size: int = 0
    status: str = ""
    metadata: dict[str, str] = {}
    created_at: datetime | None = None

    def neutral(self) -> cloud.VolumeSnapshot:
        return cloud.VolumeSnapshot(
            id=self.id,
            volume_id=self.volume_id,
            name=self.name or self.display_name or "",
            description=self.description or "",
            size_gb=self.size,
            state=volume.STATES.get(self.status.lower(), VolumeState.OTHER),
            status=self.status.lower(),
            mark=self.metadata.get("enamel", ""),
            created=server_json.aware(self.created_at),
        )


class _Snapshots(service.Page):
    snapshots: list[_Snapshot]
    snapshots_links: list[service.Link] = field(default_factory=list)


class _Body(Struct):
    snapshot: _Snapshot


class VolumeSnapshots(service.Service, methods.VolumeSnapshots):
    """The snapshots of a project's volumes."""

    volume_snapshots: watcher.Watcher[cloud.VolumeSnapshot]

    async def volume_snapshot(self, id: str) -> cloud.VolumeSnapshot:
        """Return one. Raises Gone."""
        return (
            await self._get(SERVICE, f"/snapshots/{service.checked(id)}", answer=_Body)
        ).snapshot.neutral()

    async def volume_snapshots_list(self) -> Sequence[cloud.VolumeSnapshot]:
        """Return all of the project's; answered from the watcher while its poll is fresh."""
        return await self.volume_snapshots.all()

    async def volume_snapshots_marked(self, mark: str) -> Sequence[cloud.VolumeSnapshot]:
        """Return those whose metadata key `enamel` has this value."""
        # However many marks are searched for at once, it is one list.
        return [snapshot for snapshot in await self.volume_snapshots.all_from_now() if snapshot.mark == mark]

    async def create_volume_snapshot(
        self, volume_id: str, *, name: str, description: str, mark: str
    ) -> cloud.VolumeSnapshot:
        """Begin to make a snapshot of a volume, also of one that a server has."""
        first = (await self.keystone.endpoint(SERVICE)).version[:1] == (1,)
        body: dict[str, Any] = {
            "volume_id": volume_id,
            "display_name" if first else "name": name,
            "display_description" if first else "description": description,
            "metadata": {"enamel": mark},
            # Before 3.66 it has to be said that the volume may be in use.
            "force": True,
        }
        reply = await self._post(SERVICE, "/snapshots", body={"snapshot": body}, answer=_Body)
        await self.volume_snapshots.changed()
        return reply.snapshot.neutral()

    async def delete_volume_snapshot(self, id: str) -> None:
        """Delete one."""
        await self._delete(SERVICE, "/snapshots", id)
        await self.volume_snapshots.changed()

    async def _poll_snapshots(self) -> watch_snapshot.Poll[cloud.VolumeSnapshot]:
        """Return a detailed list, page by page."""
        entries, at = await self._pages(SERVICE, "/snapshots/detail", answer=_Snapshots)
        return watch_snapshot.Poll(
            seen=[watch_snapshot.Seen(id=entry.id, updated=None, value=entry.neutral()) for entry in entries],
            at=at,
        )


class _Of(Protocol):
    """The cloud, as far as the watcher of snapshots needs it."""

    async def _poll_snapshots(self) -> watch_snapshot.Poll[cloud.VolumeSnapshot]: ...
    async def volume_snapshot(self, id: str) -> cloud.VolumeSnapshot: ...


class Source:
    """What the watcher of snapshots polls."""

    tells_changes = False

    def __init__(self, of: _Of) -> None:
        self._cloud = of

    async def look(
        self, *, since: datetime | None, ids: Collection[str]
    ) -> watch_snapshot.Poll[cloud.VolumeSnapshot]:
        """Poll all of the project's."""
        return await self._cloud._poll_snapshots()

    async def one(self, id: str) -> cloud.VolumeSnapshot:
        """Return one. Raises Gone."""
        return await self._cloud.volume_snapshot(id)

    def kind(self, value: cloud.VolumeSnapshot) -> str | None:
        """Return what those that take about as long as this one share."""
        return f"snapshot {value.size_gb}" if value.state is VolumeState.CREATING else None

    def leaves(self, value: cloud.VolumeSnapshot) -> bool:
        """Tell whether it is being deleted."""
        return value.state is VolumeState.DELETING
