"""The routes of clouds."""

from msgspec import Struct, field

from enamel.api import collection, links
from enamel.api.collection import Slice
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import Route
from enamel.model import errors
from enamel.model.cloud_state import CloudState


class Cloud(CloudState, frozen=True, kw_only=True):
    """A cloud, as the process that answers sees it."""

    links: Links = field(name="_links")


class Clouds(Struct, frozen=True, kw_only=True):
    """A page of clouds, the default one first."""

    clouds: tuple[Cloud, ...]
    links: Links = field(name="_links")


async def list_clouds(request: Request) -> Response:
    """List the caller's clouds."""
    page = await request.services.cloud_states.list(
        request.ctx, limit=request.query.limit, marker=request.query.marker
    )
    own = collection.page_links(request, page, schema="clouds", key=lambda cloud: cloud.name)
    return Response(body=Clouds(clouds=tuple(map(_shown, page.entries)), links=own))


async def get_cloud(request: Request) -> Response:
    """Show one cloud."""
    return Response(body=_shown(await request.services.cloud_states.get(request.ctx, request.params["name"])))


def _shown(record: CloudState) -> Cloud:
    return links.added(Cloud, record, links.of(f"/clouds/{record.name}", schema="cloud"))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/clouds",
        name="list_clouds",
        relation="clouds",
        handler=list_clouds,
        summary="List the clouds, with the load and limits of their services.",
        query=Slice,
        responses={200: (Clouds,)},
        rules=("enamel:cloud:list",),
    ),
    Route(
        method="GET",
        path="/clouds/{name}",
        name="get_cloud",
        relation="cloud",
        handler=get_cloud,
        summary="Show a cloud: the load and limits of its services, its token's age, its versions and caches.",
        responses={200: (Cloud,)},
        errors=(errors.NotFound,),
        rules=("enamel:cloud:get",),
    ),
)
"""The rows of the table that these handlers serve."""
