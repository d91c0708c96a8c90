"""The route of networks."""

from msgspec import Struct, field

from enamel.api import collection
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.service.resources import network


class NetworkFilter(collection.Window, frozen=True, kw_only=True):
    """Which networks are wanted."""

    external: bool | None = None
    """Only those that public addresses come from, or only the others."""
    name: tuple[str, ...] = ()
    """With any of these names."""


class Networks(Struct, frozen=True, kw_only=True):
    """A page of networks, by name."""

    networks: tuple[network.Network, ...]
    links: Links = field(name="_links")


async def list_networks(request: Request) -> Response:
    """Answer with the networks that the project may see."""
    external, names = request.query.external, request.query.name
    found = [
        one
        for one in await request.services.catalogue.networks()
        if (external is None or one.external is external) and (not names or one.name in names)
    ]
    shown, own = collection.page(request, found, what="network", schema="networks", key=lambda one: one.id)
    return Response(body=Networks(networks=tuple(shown), links=own))
