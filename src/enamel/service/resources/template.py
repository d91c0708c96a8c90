"""The template: what a server can start from, an image, a snapshot of a server, or a bootable volume."""

import asyncio
import enum
from collections.abc import Iterable

from msgspec import Struct

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.commands.launch import template
from enamel.model import cloud as cloud_model
from enamel.model.call_context import CallContext
from enamel.model.states import ImageState, VolumeState
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.resources import paging
from enamel.service.resources.paging import Page


class Kind(enum.Enum):
    """What a template is to its cloud."""

    IMAGE = "IMAGE"
    SNAPSHOT = "SNAPSHOT"
    """An image that was made from a server."""
    VOLUME = "VOLUME"
    """A bootable volume; the one server that starts from it takes it."""


class Template(Struct, frozen=True, kw_only=True):
    """What a server can start from."""

    id: str
    name: str
    kind: Kind
    usable: bool
    """Whether a server can start from it now."""
    state: str
    """SAVING, ACTIVE, FAILED, DELETED or OTHER; of a volume, the volume's state."""
    needs_disk_gb: int
    """The least size of a server's disk."""
    needs_memory_mb: int
    """The least memory of a server; 0 if it sets none."""
    cloud: str
    """The cloud that it is on."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which templates to list; an empty field matches all."""

    kinds: tuple[Kind, ...] = ()
    names: tuple[str, ...] = ()

    def matches(self, template: Template) -> bool:
        """Return whether a template is listed."""
        return (not self.kinds or template.kind in self.kinds) and (
            not self.names or template.name in self.names
        )


EVERYTHING = Filter()


class Templates:
    """Lists templates."""

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
    ) -> Page[Template]:
        """Return everything that a server can start from, in the order of the names."""
        policy.enforce(ctx, "enamel:template:list")
        return paging.page(
            await _listed(self._clouds.chosen(ctx, cloud)),
            limit=limit,
            marker=marker,
            key=lambda template: template.id,
            what="template",
            keep=matching.matches,
        )


async def _listed(account: driver.Cloud) -> list[Template]:
    if Capability.VOLUME not in await account.capabilities():
        images = await account.images()
        return _templates(images, (), cloud=account.name)
    images, volumes = await asyncio.gather(account.images(), account.volumes_list())
    return _templates(images, volumes, cloud=account.name)


def _templates(
    images: Iterable[cloud_model.Image], volumes: Iterable[cloud_model.Volume], *, cloud: str
) -> list[Template]:
    templates = [
        Template(
            id=image.id,
            name=image.name,
            kind=Kind.SNAPSHOT if image.snapshot else Kind.IMAGE,
            usable=image.state is ImageState.ACTIVE,
            state=image.state.value,
            needs_disk_gb=template.needed_gb(image),
            needs_memory_mb=image.min_memory_mb,
            cloud=cloud,
        )
        for image in images
    ]
    templates += [
        Template(
            id=volume.id,
            name=volume.name,
            kind=Kind.VOLUME,
            usable=volume.state is VolumeState.AVAILABLE,
            state=volume.state.value,
            needs_disk_gb=0,
            needs_memory_mb=0,
            cloud=cloud,
        )
        for volume in volumes
        if volume.bootable
    ]
    return sorted(templates, key=lambda template: (template.name, template.id))
