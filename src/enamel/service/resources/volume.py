"""The volume: a block device that outlives servers."""

from msgspec import Struct

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.model import cloud as cloud_model
from enamel.model import ids
from enamel.model.call_context import CallContext
from enamel.model.errors import CapabilityMissing, NotFound
from enamel.model.states import VolumeState
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.resources import naming, paging
from enamel.service.resources.paging import Page


class Volume(Struct, frozen=True, kw_only=True):
    """A block device that outlives servers."""

    id: str
    name: str
    size_gb: int
    state: VolumeState
    type: str
    bootable: bool
    shareable: bool
    """Whether several servers can have it attached at the same time."""
    attached_to: tuple[str, ...]
    """Ids of servers."""
    zone: str
    cloud: str
    """The cloud that it is on."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which volumes to list; an empty field matches all."""

    states: tuple[VolumeState, ...] = ()
    names: tuple[str, ...] = ()

    def matches(self, volume: Volume) -> bool:
        """Return whether a volume is listed."""
        return (not self.states or volume.state in self.states) and (
            not self.names or volume.name in self.names
        )


EVERYTHING = Filter()


class Volumes:
    """Lists volumes."""

    def __init__(self, clouds: CallerClouds) -> None:
        self._clouds = clouds

    async def list(
        self,
        ctx: CallContext,
        *,
        cloud: str | None = None,
        matching: Filter = EVERYTHING,
        limit: int = paging.LIMIT,
        marker: str | None = None,
    ) -> Page[Volume]:
        """Return the project's volumes, in the order of their names.

        Raises:
            CapabilityMissing: The cloud has no volumes.
        """
        policy.enforce(ctx, "enamel:volume:list")
        volumes = await _listed(self._clouds.chosen(ctx, cloud))
        return paging.page(
            volumes,
            limit=limit,
            marker=marker,
            key=lambda volume: volume.id,
            what="volume",
            keep=matching.matches,
        )

    async def get(self, ctx: CallContext, id: str, *, cloud: str | None = None) -> Volume:
        """Return one volume, from the cloud that has it.

        Raises:
            NotFound: No volume has that id.
            CapabilityMissing: The cloud has no volumes.
        """
        policy.enforce(ctx, "enamel:volume:get")
        return (await find(self._clouds, ctx, id, cloud=cloud))[0]

    async def id_of(self, ctx: CallContext, text: str, *, cloud: str | None = None) -> str:
        """Return the id of the volume that a text names. Raises as `naming.id_of` does."""
        policy.enforce(ctx, "enamel:volume:list")

        async def pairs(account: driver.Cloud) -> naming.Pairs:
            return [(volume.id, volume.name) for volume in await _listed(account)]

        return await naming.id_of(self._clouds, ctx, text, cloud=cloud, what="volumes", listed=pairs)


async def find(
    clouds: CallerClouds, ctx: CallContext, id: str, *, cloud: str | None
) -> tuple[Volume, driver.Cloud]:
    """Return a volume and the cloud that has it. Raises NotFound and CapabilityMissing."""

    async def look(account: driver.Cloud) -> Volume:
        # Even one volume is looked up in the list that all callers share.
        canonical = ids.canonical(id)
        volume = next((volume for volume in await _listed(account) if volume.id == canonical), None)
        if volume is None:
            raise NotFound(f"There is no volume '{id[:64]}'.")
        return volume

    return await clouds.holding(ctx, cloud, look)


async def require(account: driver.Cloud, capability: Capability) -> None:
    """Refuse what a cloud does not offer. Raises CapabilityMissing."""
    if capability not in await account.capabilities():
        raise CapabilityMissing(
            f"Cloud '{account.name}' offers no {capability.value} service.", cloud=account.name
        )


async def _listed(account: driver.Cloud) -> list[Volume]:
    await require(account, Capability.VOLUME)
    volumes = [_volume(volume, cloud=account.name) for volume in await account.volumes_list()]
    return sorted(volumes, key=lambda volume: (volume.name, volume.id))


def _volume(volume: cloud_model.Volume, *, cloud: str) -> Volume:
    return Volume(
        id=volume.id,
        name=volume.name,
        size_gb=volume.size_gb,
        state=volume.state,
        type=volume.type,
        bootable=volume.bootable,
        shareable=volume.multiattach,
        attached_to=volume.attached_to,
        zone=volume.zone,
        cloud=cloud,
    )
