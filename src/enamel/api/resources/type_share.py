"""The routes of a server type's tags, and of whom it is shared with."""

from msgspec import Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, OnCloud, Route
from enamel.model import errors
from enamel.model.server_type import Shares
from enamel.service.resources.server_tags import TagSet


class TypeTags(Struct, frozen=True, kw_only=True):
    """The tags of a server type."""

    tags: tuple[str, ...]
    links: Links = field(name="_links")


class TypeShares(Struct, frozen=True, kw_only=True):
    """Whom a server type is shared with."""

    users: tuple[str, ...]
    """Ids of users."""
    projects: tuple[str, ...]
    """Ids of projects, without the one that created the type."""
    links: Links = field(name="_links")


async def get_tags(request: Request) -> Response:
    """Show the tags of a server type."""
    types = request.services.server_types
    return _tags(request, await types.tags(request.ctx, request.params["id"], cloud=request.cloud))


async def put_tags(request: Request) -> Response:
    """Set the tags of a server type."""
    types = request.services.server_types
    tags = await types.set_tags(request.ctx, request.params["id"], request.body, cloud=request.cloud)
    return _tags(request, tags)


async def delete_tags(request: Request) -> Response:
    """Remove all tags from a server type."""
    await request.services.server_types.clear_tags(request.ctx, request.params["id"], cloud=request.cloud)
    return Response(status=204)


async def put_tag(request: Request) -> Response:
    """Add a tag to a server type."""
    await request.services.server_types.add_tag(
        request.ctx, request.params["id"], request.params["tag"], cloud=request.cloud
    )
    return Response(status=204)


async def delete_tag(request: Request) -> Response:
    """Remove a tag from a server type."""
    await request.services.server_types.remove_tag(
        request.ctx, request.params["id"], request.params["tag"], cloud=request.cloud
    )
    return Response(status=204)


async def get_shares(request: Request) -> Response:
    """Show whom a server type is shared with."""
    shares = request.services.type_shares
    return _shares(request, await shares.get(request.ctx, request.params["id"], cloud=request.cloud))


async def put_shares(request: Request) -> Response:
    """Share a server type with exactly these users and projects."""
    shares = request.services.type_shares
    return _shares(
        request, await shares.set(request.ctx, request.params["id"], request.body, cloud=request.cloud)
    )


async def delete_shares(request: Request) -> Response:
    """Stop sharing a server type with anybody."""
    await request.services.type_shares.clear(request.ctx, request.params["id"], cloud=request.cloud)
    return Response(status=204)


async def put_user(request: Request) -> Response:
    """Share a server type with one more user."""
    await request.services.type_shares.add(
        request.ctx, request.params["id"], user=request.params["user"], cloud=request.cloud
    )
    return Response(status=204)


async def delete_user(request: Request) -> Response:
    """Stop sharing a server type with a user."""
    await request.services.type_shares.remove(
        request.ctx, request.params["id"], user=request.params["user"], cloud=request.cloud
    )
    return Response(status=204)


async def put_project(request: Request) -> Response:
    """Share a server type with one more project."""
    await request.services.type_shares.add(
        request.ctx, request.params["id"], project=request.params["project"], cloud=request.cloud
    )
    return Response(status=204)


async def delete_project(request: Request) -> Response:
    """Stop sharing a server type with a project."""
    await request.services.type_shares.remove(
        request.ctx, request.params["id"], project=request.params["project"], cloud=request.cloud
    )
    return Response(status=204)


def _tags(request: Request, tags: tuple[str, ...]) -> Response:
    return Response(body=TypeTags(tags=tags, links=links.of(request.path, schema="type_tags")))


def _shares(request: Request, shares: Shares) -> Response:
    own = links.of(request.path, schema="type_shares")
    return Response(body=TypeShares(users=shares.users, projects=shares.projects, links=own))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/server_types/{id}/tags",
        name="get_type_tags",
        relation="server_type_tags",
        handler=get_tags,
        summary="Show the tags of a server type.",
        query=OnCloud,
        responses={200: (TypeTags,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:server_type:get",),
    ),
    Route(
        method="PUT",
        path="/server_types/{id}/tags",
        name="put_type_tags",
        relation="server_type_tags",
        handler=put_tags,
        summary="Set the tags of a server type.",
        query=OnCloud,
        request=TagSet,
        responses={200: (TypeTags,)},
        errors=(errors.NotFound, errors.Forbidden, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server_type:set_tags",),
    ),
    Route(
        method="DELETE",
        path="/server_types/{id}/tags",
        name="delete_type_tags",
        relation="server_type_tags",
        handler=delete_tags,
        summary="Remove all tags from a server type.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.Forbidden, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server_type:set_tags",),
    ),
    Route(
        method="PUT",
        path="/server_types/{id}/tags/{tag}",
        name="put_type_tag",
        relation="server_type_tag",
        handler=put_tag,
        summary="Add a tag to a server type.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.Forbidden, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server_type:set_tags",),
    ),
    Route(
        method="DELETE",
        path="/server_types/{id}/tags/{tag}",
        name="delete_type_tag",
        relation="server_type_tag",
        handler=delete_tag,
        summary="Remove a tag from a server type.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.Forbidden, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server_type:set_tags",),
    ),
    Route(
        method="GET",
        path="/server_types/{id}/shares",
        name="get_shares",
        relation="server_type_shares",
        handler=get_shares,
        summary="Show whom a server type is shared with.",
        query=OnCloud,
        responses={200: (TypeShares,)},
        errors=(errors.NotFound, errors.Forbidden, *CLOUD_ERRORS),
        rules=("enamel:server_type:list_shares",),
    ),
    Route(
        method="PUT",
        path="/server_types/{id}/shares",
        name="put_shares",
        relation="server_type_shares",
        handler=put_shares,
        summary="Share a server type with exactly these users and projects.",
        query=OnCloud,
        request=Shares,
        responses={200: (TypeShares,)},
        errors=(errors.NotFound, errors.Forbidden, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server_type:share",),
    ),
    Route(
        method="DELETE",
        path="/server_types/{id}/shares",
        name="delete_shares",
        relation="server_type_shares",
        handler=delete_shares,
        summary="Stop sharing a server type with anyone.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.Forbidden, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server_type:share",),
    ),
    Route(
        method="PUT",
        path="/server_types/{id}/shares/users/{user}",
        name="put_user_share",
        relation="server_type_user",
        handler=put_user,
        summary="Share a server type with one more user.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.Forbidden, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server_type:share",),
    ),
    Route(
        method="DELETE",
        path="/server_types/{id}/shares/users/{user}",
        name="delete_user_share",
        relation="server_type_user",
        handler=delete_user,
        summary="Stop sharing a server type with a user.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.Forbidden, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server_type:share",),
    ),
    Route(
        method="PUT",
        path="/server_types/{id}/shares/projects/{project}",
        name="put_project_share",
        relation="server_type_project",
        handler=put_project,
        summary="Share a server type with one more project.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.Forbidden, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server_type:share",),
    ),
    Route(
        method="DELETE",
        path="/server_types/{id}/shares/projects/{project}",
        name="delete_project_share",
        relation="server_type_project",
        handler=delete_project,
        summary="Stop sharing a server type with a project.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.Forbidden, errors.CapabilityMissing, *CLOUD_ERRORS),
        rules=("enamel:server_type:share",),
    ),
)
"""The rows of the table that these handlers serve."""
