"""Volumes of the block storage service."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct, field

from enamel.clouds.methods import storage as methods
from enamel.clouds.openstack import service
from enamel.clouds.openstack.compute import server_json
from enamel.clouds.watch import snapshot, watcher
from enamel.model import cloud
from enamel.model.states import VolumeState

SERVICE = "block-storage"

STATES: dict[str, VolumeState] = {
    "creating": VolumeState.CREATING,
    "downloading": VolumeState.CREATING,
    "available": VolumeState.AVAILABLE,
    "reserved": VolumeState.ATTACHING,
    "attaching": VolumeState.ATTACHING,
    "in-use": VolumeState.IN_USE,
    "detaching": VolumeState.DETACHING,
    "awaiting-transfer": VolumeState.OFFERED,
    "deleting": VolumeState.DELETING,
    "error": VolumeState.ERROR,
    "error_managing": VolumeState.ERROR,
    "error_restoring": VolumeState.ERROR,
    "error_extending": VolumeState.ERROR,
    "error_deleting": VolumeState.DELETE_FAILED,
}
"""What Cinder's statuses of volumes and of their snapshots mean; what is not here is OTHER."""


class _Attachment(Struct):
    server_id: str | None = None


class _Volume(Struct):
    id: service.Id
    name: str | None = ""
    display_name: str | None = ""
    """What the first API calls it."""
    size: int = 0
    status: str = ""
    volume_type: str | None = ""
    bootable: str | bool = False
    metadata: dict[str, str] = {}
    attachments: list[_Attachment] = []
    availability_zone: str | None = ""
    multiattach: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    project_id: str = field(name="os-vol-tenant-attr:tenant_id", default="")

    def neutral(self) -> cloud.Volume:
        return cloud.Volume(
            id=self.id,
            name=self.name or self.display_name or "",
            size_gb=self.size,
            state=STATES.get(self.status.lower(), VolumeState.OTHER),
            status=self.status.lower(),
            type=self.volume_type or "",
            bootable=str(self.bootable).lower() == "true",
            mark=self.metadata.get("enamel", ""),
            attached_to=tuple(
                attachment.server_id for attachment in self.attachments if attachment.server_id
            ),
            zone=self.availability_zone or "",
            multiattach=self.multiattach,
            created=server_json.aware(self.created_at),
            updated=server_json.aware(self.updated_at),
            project_id=self.project_id,
        )


class _Volumes(service.Page):
    volumes: list[_Volume]
    volumes_links: list[service.Link] = field(default_factory=list)


class _VolumeBody(Struct):
    volume: _Volume


class _Type(Struct):
    id: service.Id
    name: str = ""

    def neutral(self) -> cloud.VolumeType:
        return cloud.VolumeType(id=self.id, name=self.name or self.id)


class _TypeBody(Struct):
    volume_type: _Type


class _Types(service.Page):
    volume_types: list[_Type]
    volume_type_links: list[service.Link] = field(default_factory=list)


class _Absolute(Struct):
    volumes: int = field(name="maxTotalVolumes", default=-1)
    volumes_used: int = field(name="totalVolumesUsed", default=0)
    gigabytes: int = field(name="maxTotalVolumeGigabytes", default=-1)
    gigabytes_used: int = field(name="totalGigabytesUsed", default=0)


class _Limits(Struct):
    absolute: _Absolute = field(default_factory=_Absolute)


class _LimitsBody(Struct):
    limits: _Limits = field(default_factory=_Limits)


class Volumes(service.Service, methods.Volumes):
    """The volumes of a project."""

    volumes: watcher.Watcher[cloud.Volume]

    async def volume(self, id: str) -> cloud.Volume:
        """Return one volume. Raises Gone."""
        return (
            await self._get(SERVICE, f"/volumes/{service.checked(id)}", answer=_VolumeBody)
        ).volume.neutral()

    async def volumes_list(self) -> Sequence[cloud.Volume]:
        """Return all of the project's volumes; answered from the watcher while its poll is fresh."""
        return await self.volumes.all()

    async def volumes_named(self, names: Collection[str]) -> Sequence[cloud.Volume]:
        """Return the volumes, and those that have one of the ids and that the list does not show."""
        return await self._with(await self.volumes_list(), names, self.volume)

    async def volumes_marked(self, mark: str) -> Sequence[cloud.Volume]:
        """Return the volumes whose metadata key `enamel` has this value."""
        # However many marks are searched for at once, it is one list.
        return [volume for volume in await self.volumes.all_from_now() if volume.mark == mark]

    async def volume_types(self) -> Sequence[cloud.VolumeType]:
        """Return the kinds of volumes."""
        return await self.kept.get(
            "volume types", self._types, keep=service.CATALOGUE, answer=list[cloud.VolumeType]
        )

    async def volume_types_named(self, names: Collection[str]) -> Sequence[cloud.VolumeType]:
        """Return the kinds of volumes, and those that have one of the ids and that the list does not show."""
        return await self._with(await self.volume_types(), names, self._type)

    async def _type(self, id: str) -> cloud.VolumeType:
        """Return one kind of volumes. Raises Gone."""
        reply = await self._get(SERVICE, f"/types/{service.checked(id)}", answer=_TypeBody)
        return reply.volume_type.neutral()

    async def create_volume(self, want: cloud.VolumeSpec) -> cloud.Volume:
        """Make a volume."""
        first = (await self.keystone.endpoint(SERVICE)).version[:1] == (1,)
        body: dict[str, Any] = {
            "size": want.size_gb,
            "display_name" if first else "name": want.name,
            "metadata": {"enamel": want.mark},
        }
        if want.type is not None:
            body["volume_type"] = want.type
        if want.image_id is not None:
            body["imageRef"] = want.image_id
        if want.zone is not None:
            body["availability_zone"] = want.zone
        reply = await self._post(SERVICE, "/volumes", body={"volume": body}, answer=_VolumeBody)
        await self.volumes.changed()
        return reply.volume.neutral()

    async def delete_volume(self, id: str) -> None:
        """Delete a volume."""
        await self._delete(SERVICE, "/volumes", id)
        await self.volumes.changed()

    async def _types(self) -> list[cloud.VolumeType]:
        entries, _ = await self._pages(SERVICE, "/types", answer=_Types)
        return [entry.neutral() for entry in entries]

    async def poll_volumes(self, params: tuple[tuple[str, str], ...]) -> snapshot.Poll[cloud.Volume]:
        """Return a detailed list, page by page, and the time of its first page by the cloud's clock."""
        entries, at = await self._pages(SERVICE, "/volumes/detail", answer=_Volumes, params=params)
        seen = [
            snapshot.Seen(id=entry.id, updated=server_json.aware(entry.updated_at), value=entry.neutral())
            for entry in entries
        ]
        return snapshot.Poll(seen=seen, at=at)

    async def _volume_limits(self, kinds: set[str]) -> dict[str, cloud.Limit]:
        """Return the limits of volumes and gigabytes."""
        absolute = (await self._get(SERVICE, "/limits", answer=_LimitsBody)).limits.absolute
        return {
            "volumes": cloud.Limit(limit=absolute.volumes, used=absolute.volumes_used),
            "gigabytes": cloud.Limit(limit=absolute.gigabytes, used=absolute.gigabytes_used),
        }


class _Polled(Protocol):
    """The cloud, as far as the watcher of volumes needs it."""

    async def poll_volumes(self, params: tuple[tuple[str, str], ...]) -> snapshot.Poll[cloud.Volume]: ...
    async def volume(self, id: str) -> cloud.Volume: ...


class Source:
    """What the watcher of volumes polls."""

    tells_changes = False

    def __init__(self, of: _Polled) -> None:
        self._cloud = of

    async def look(self, *, since: datetime | None, ids: Collection[str]) -> snapshot.Poll[cloud.Volume]:
        """Poll them all."""
        return await self._cloud.poll_volumes(())

    async def one(self, id: str) -> cloud.Volume:
        """Return one. Raises Gone."""
        return await self._cloud.volume(id)

    def kind(self, value: cloud.Volume) -> str | None:
        """Return what those that take about as long as this one share."""
        if value.state is not VolumeState.CREATING:
            return None
        return f"{value.type} {value.size_gb}"

    def leaves(self, value: cloud.Volume) -> bool:
        """Tell whether it is being deleted."""
        return value.state is VolumeState.DELETING
