"""The route of networks."""

from msgspec import Struct, field

from enamel.api import collection
from enamel.api.collection import Window
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, Route
from enamel.model import errors
from enamel.service.resources import network


class NetworkFilter(Window, frozen=True, kw_only=True):
    """Which networks to list."""

    external: bool | None = None
    """Only those that public addresses come from, or only the others."""
    name: tuple[str, ...] = ()
    """With any of these names."""


class Networks(Struct, frozen=True, kw_only=True):
    """A page of networks, by name."""

    networks: tuple[network.Network, ...]
    links: Links = field(name="_links")


async def list_networks(request: Request) -> Response:
    """List the networks that the project may see."""
    matching = network.Filter(external=request.query.external, names=request.query.name)
    page = await request.services.networks.list(request.ctx, matching=matching, **collection.window(request))
    own = collection.page_links(request, page, schema="networks", key=lambda network: network.id)
    return Response(body=Networks(networks=tuple(page.entries), links=own))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/networks",
        name="list_networks",
        relation="networks",
        handler=list_networks,
        summary="List the networks that the project may see.",
        query=NetworkFilter,
        responses={200: (Networks,)},
        errors=(errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:network:list",),
    ),
)
"""The rows of the table that these handlers serve."""
