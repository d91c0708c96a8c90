"""The routes of volumes: block devices that outlive servers."""

from msgspec import Struct, field

from enamel.api import collection, links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.resources import task
from enamel.model import cloud, ids
from enamel.model.errors import NotFound


class VolumeFilter(collection.Window, frozen=True, kw_only=True):
    """Which volumes are wanted."""

    state: tuple[str, ...] = ()
    """In any of these states."""
    name: tuple[str, ...] = ()
    """With any of these names."""


class Volume(Struct, frozen=True, kw_only=True):
    """A block device that outlives servers."""

    id: str
    name: str
    size_gb: int
    state: str
    """creating, available, in-use, error …"""
    type: str
    bootable: bool
    shareable: bool
    """Whether several servers can have it at the same time."""
    attached_to: tuple[str, ...]
    """Ids of servers."""
    zone: str
    links: Links = field(name="_links")


class Volumes(Struct, frozen=True, kw_only=True):
    """A page of volumes, by name."""

    volumes: tuple[Volume, ...]
    links: Links = field(name="_links")


async def list_volumes(request: Request) -> Response:
    """Answer with the project's volumes."""
    states, names = request.query.state, request.query.name
    found = [
        one
        for one in await request.services.catalogue.volumes()
        if (not states or one.status in states) and (not names or one.name in names)
    ]
    shown, own = collection.page(request, found, what="volume", schema="volumes", key=lambda one: one.id)
    return Response(body=Volumes(volumes=tuple(map(_of, shown)), links=own))


async def get_volume(request: Request) -> Response:
    """Answer with one volume."""
    return Response(body=_of(await request.services.catalogue.volume(request.params["id"])))


async def create_volume(request: Request) -> Response:
    """Have a volume made."""
    return await task.command(request, "volume.create", params={})


async def delete_volume(request: Request) -> Response:
    """Have a volume deleted."""
    # Whether it is there is for the command to find out: a repeated request has an answer even when it is gone.
    if not ids.is_id(request.params["id"]):
        raise NotFound(f"There is no volume '{request.params['id'][:64]}'.")
    return await task.command(request, "volume.delete", params={"volume": request.params["id"].lower()})


def _of(found: cloud.Volume) -> Volume:
    here = f"/volumes/{found.id}"
    return Volume(
        id=found.id,
        name=found.name,
        size_gb=found.size_gb,
        state=found.status,
        type=found.type,
        bootable=found.bootable,
        shareable=found.multiattach,
        attached_to=found.attached_to,
        zone=found.zone,
        links=links.of(here, schema="volume", delete=None if found.attached_to else f"DELETE {here}"),
    )
