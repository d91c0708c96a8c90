"""The routes of a server's tags."""

from msgspec import Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, OnCloud, Route
from enamel.model import errors
from enamel.service.resources.server_tags import TagSet


class Tags(Struct, frozen=True, kw_only=True):
    """The tags of a server."""

    tags: tuple[str, ...]
    links: Links = field(name="_links")


async def get_tags(request: Request) -> Response:
    """Show the tags of a server."""
    tags = request.services.server_tags
    return _shown(request, await tags.get(request.ctx, request.params["id"], cloud=request.cloud))


async def put_tags(request: Request) -> Response:
    """Set the tags of a server."""
    tags = request.services.server_tags
    return _shown(
        request, await tags.set(request.ctx, request.params["id"], request.body, cloud=request.cloud)
    )


async def delete_tags(request: Request) -> Response:
    """Remove all tags from a server."""
    await request.services.server_tags.clear(request.ctx, request.params["id"], cloud=request.cloud)
    return Response(status=204)


async def put_tag(request: Request) -> Response:
    """Add a tag to a server."""
    await request.services.server_tags.add(
        request.ctx, request.params["id"], request.params["tag"], cloud=request.cloud
    )
    return Response(status=204)


async def delete_tag(request: Request) -> Response:
    """Remove a tag from a server."""
    await request.services.server_tags.remove(
        request.ctx, request.params["id"], request.params["tag"], cloud=request.cloud
    )
    return Response(status=204)


def _shown(request: Request, tags: tuple[str, ...]) -> Response:
    own = links.of(request.path, schema="tags", server=f"/servers/{request.params['id']}")
    return Response(body=Tags(tags=tags, links=own))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/servers/{id}/tags",
        name="get_tags",
        relation="server_tags",
        handler=get_tags,
        summary="Show the tags of a server.",
        query=OnCloud,
        responses={200: (Tags,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:server:list_tags",),
    ),
    Route(
        method="PUT",
        path="/servers/{id}/tags",
        name="put_tags",
        relation="server_tags",
        handler=put_tags,
        summary="Set the tags of a server.",
        query=OnCloud,
        request=TagSet,
        responses={200: (Tags,)},
        errors=(errors.NotFound, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server:set_tags",),
    ),
    Route(
        method="DELETE",
        path="/servers/{id}/tags",
        name="delete_tags",
        relation="server_tags",
        handler=delete_tags,
        summary="Remove all tags from a server.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server:set_tags",),
    ),
    Route(
        method="PUT",
        path="/servers/{id}/tags/{tag}",
        name="put_tag",
        relation="server_tag",
        handler=put_tag,
        summary="Add a tag to a server.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server:set_tags",),
    ),
    Route(
        method="DELETE",
        path="/servers/{id}/tags/{tag}",
        name="delete_tag",
        relation="server_tag",
        handler=delete_tag,
        summary="Remove a tag from a server.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server:set_tags",),
    ),
)
"""The rows of the table that these handlers serve."""
