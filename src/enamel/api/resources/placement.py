"""The routes of placements: where servers can go."""

from msgspec import Struct, field

from enamel.api import collection, links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.service.resources import placement


class PlacementFilter(collection.Window, frozen=True, kw_only=True):
    """Which placements are wanted."""

    tag: tuple[str, ...] = ()
    """With any of these tags."""
    parent_placement: tuple[str, ...] = ()
    """Directly below any of these, by their ids."""


class Placement(placement.Placement, frozen=True, kw_only=True):
    """A place where servers can go; one that is launched into it lands in it or in any place below it."""

    links: Links = field(name="_links")


class Placements(Struct, frozen=True, kw_only=True):
    """A page of placements, each after those above it."""

    placements: tuple[Placement, ...]
    links: Links = field(name="_links")


async def list_placements(request: Request) -> Response:
    """Answer with where servers can go."""
    wanted = set(request.query.parent_placement)
    listed = placement.tagged(await request.services.placements.all(), tags=request.query.tag)
    found = [one for one in listed if not wanted or wanted.intersection(one.parents)]
    shown, own = collection.page(
        request, found, what="placement", schema="placements", key=lambda one: one.id
    )
    return Response(body=Placements(placements=tuple(map(_of, shown)), links=own))


async def get_placement(request: Request) -> Response:
    """Answer with one placement."""
    return Response(body=_of(await request.services.placements.one(request.params["id"])))


def _of(found: placement.Placement) -> Placement:
    below = f"/placements?parent_placement={found.id}" if found.children else None
    own = links.of(f"/placements/{found.id}", schema="placement", children=below)
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    return Placement(**fields, links=own)
