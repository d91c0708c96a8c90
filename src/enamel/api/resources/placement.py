"""The routes of placements: where servers can go."""

from msgspec import Struct, field

from enamel.api import collection, links
from enamel.api.collection import Slice
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, Cloud, OnCloud, Route
from enamel.model import errors
from enamel.service.resources import placement


class PlacementFilter(Slice, frozen=True, kw_only=True):
    """Which placements to list."""

    tag: tuple[str, ...] = ()
    """With any of these tags."""
    parent_placement: tuple[str, ...] = ()
    """Directly below any of these, by their ids."""
    cloud: Cloud | None = None
    """On the cloud with this name; on all clouds if not set."""


class Placement(placement.Placement, frozen=True, kw_only=True):
    """Where servers can go: into it, or into any placement below it."""

    links: Links = field(name="_links")


class Placements(Struct, frozen=True, kw_only=True):
    """A page of placements, each after those above it."""

    placements: tuple[Placement, ...]
    links: Links = field(name="_links")


async def list_placements(request: Request) -> Response:
    """List where servers can go."""
    matching = placement.Filter(tags=request.query.tag, parents=request.query.parent_placement)
    page = await request.services.placements.list(
        request.ctx, matching=matching, **collection.window(request)
    )
    own = collection.page_links(request, page, schema="placements", key=lambda placement: placement.id)
    return Response(body=Placements(placements=tuple(map(_shown, page.entries)), links=own))


async def get_placement(request: Request) -> Response:
    """Show a placement."""
    record = await request.services.placements.get(request.ctx, request.params["id"], cloud=request.cloud)
    return Response(body=_shown(record))


def _shown(record: placement.Placement) -> Placement:
    below = f"/placements?parent_placement={record.id}" if record.children else None
    own = links.of(f"/placements/{record.id}", schema="placement", children=below)
    return links.added(Placement, record, own)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/placements",
        name="list_placements",
        relation="placements",
        handler=list_placements,
        summary="List where servers can go: containers, clouds, regions, zones.",
        query=PlacementFilter,
        responses={200: (Placements,)},
        errors=CLOUD_ERRORS,
        rules=("enamel:placement:list",),
    ),
    Route(
        method="GET",
        path="/placements/{id}",
        name="get_placement",
        relation="placement",
        handler=get_placement,
        summary="Show a placement.",
        query=OnCloud,
        responses={200: (Placement,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:placement:get",),
    ),
)
"""The rows of the table that these handlers serve."""
