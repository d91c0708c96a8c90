"""The routes of volumes."""

from msgspec import Struct, field

from enamel.api import collection, command, links
from enamel.api.collection import Window
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, OnCloud, Route
from enamel.model import errors, ids
from enamel.model.states import VolumeState
from enamel.model.volume import VolumeRequest
from enamel.service.resources import volume


class VolumeFilter(Window, frozen=True, kw_only=True):
    """Which volumes to list."""

    state: tuple[VolumeState, ...] = ()
    """In any of these states."""
    name: tuple[str, ...] = ()
    """With any of these names."""


class Volume(volume.Volume, frozen=True, kw_only=True):
    """A block device that outlives servers."""

    links: Links = field(name="_links")


class Volumes(Struct, frozen=True, kw_only=True):
    """A page of volumes, by name."""

    volumes: tuple[Volume, ...]
    links: Links = field(name="_links")


async def list_volumes(request: Request) -> Response:
    """List the project's volumes."""
    matching = volume.Filter(states=request.query.state, names=request.query.name)
    page = await request.services.volumes.list(request.ctx, matching=matching, **collection.window(request))
    own = collection.page_links(request, page, schema="volumes", key=lambda volume: volume.id)
    volumes = tuple(_shown(request, record) for record in page.entries)
    return Response(body=Volumes(volumes=volumes, links=own))


async def get_volume(request: Request) -> Response:
    """Show a volume."""
    return Response(
        body=_shown(
            request,
            await request.services.volumes.get(request.ctx, request.params["id"], cloud=request.cloud),
        )
    )


async def create_volume(request: Request) -> Response:
    """Create a volume."""
    return await command.submit(request, "volume.create")


async def delete_volume(request: Request) -> Response:
    """Delete a volume."""
    return await command.submit(
        request, "volume.delete", params={"volume": ids.canonical(request.params["id"])}
    )


def _shown(request: Request, record: volume.Volume) -> Volume:
    here = f"/volumes/{record.id}"
    delete = links.permitted(request.ctx, "enamel:volume:delete", f"DELETE {here}")
    own = links.of(here, schema="volume", delete=None if record.attached_to else delete)
    return links.added(Volume, record, own)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/volumes",
        name="list_volumes",
        relation="volumes",
        handler=list_volumes,
        summary="List the volumes of the project.",
        query=VolumeFilter,
        responses={200: (Volumes,)},
        errors=(errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:volume:list",),
    ),
    Route(
        method="POST",
        path="/volumes",
        name="create_volume",
        relation="volumes",
        handler=create_volume,
        summary="Create a volume.",
        query=command.DryRun,
        request=VolumeRequest,
        responses=command.RESPONSES,
        errors=(errors.QuotaExceeded, *CLOUD_ERRORS),
        rules=("enamel:volume:create",),
    ),
    Route(
        method="GET",
        path="/volumes/{id}",
        name="get_volume",
        relation="volume",
        handler=get_volume,
        summary="Show a volume.",
        query=OnCloud,
        responses={200: (Volume,)},
        errors=(errors.NotFound, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:volume:get",),
    ),
    Route(
        method="DELETE",
        path="/volumes/{id}",
        name="delete_volume",
        relation="volume",
        handler=delete_volume,
        summary="Delete a volume.",
        query=command.Deletion,
        responses=command.RESPONSES,
        errors=(errors.NotFound, errors.WrongState, *CLOUD_ERRORS),
        rules=("enamel:volume:delete",),
    ),
)
"""The rows of the table that these handlers serve."""
