"""The routes of server types: the sizes of servers."""

from urllib.parse import quote

from msgspec import Struct, field

from enamel.api import collection, command, links
from enamel.api.collection import Window
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, OnCloud, Route
from enamel.model import errors
from enamel.model.server_type import ServerTypeChange, ServerTypeRequest
from enamel.service.resources import server_type


class TypeFilter(Window, frozen=True, kw_only=True):
    """Which server types to list."""

    visibility: tuple[server_type.Scope, ...] = ()
    """`PUBLIC`, `OWN` or `SHARED`, or several of these."""
    tag: tuple[str, ...] = ()
    """With any of these tags."""


class ServerType(server_type.ServerType, frozen=True, kw_only=True):
    """A size of server."""

    links: Links = field(name="_links")


class ServerTypes(Struct, frozen=True, kw_only=True):
    """A page of server types, the smallest first."""

    server_types: tuple[ServerType, ...]
    links: Links = field(name="_links")


async def list_server_types(request: Request) -> Response:
    """List the server types that the caller can use."""
    matching = server_type.Filter(scopes=request.query.visibility, tags=request.query.tag)
    page = await request.services.server_types.list(
        request.ctx, matching=matching, **collection.window(request)
    )
    own = collection.page_links(request, page, schema="server_types", key=lambda type: type.id)
    types = tuple(_shown(request, record) for record in page.entries)
    return Response(body=ServerTypes(server_types=types, links=own))


async def get_server_type(request: Request) -> Response:
    """Show one server type, by its id or name."""
    record = await request.services.server_types.get(request.ctx, request.params["id"], cloud=request.cloud)
    return Response(body=_shown(request, record))


async def create_server_type(request: Request) -> Response:
    """Create a server type."""
    record = await request.services.server_types.create(request.ctx, request.body, cloud=request.cloud)
    body = _shown(request, record)
    return Response(status=201, body=body, headers={"Location": body.links["self"].href})


async def change_server_type(request: Request) -> Response:
    """Change a server type, by its id or name."""
    outcome = await request.services.server_type_changes.change(
        request.ctx, request.params["id"], request.body, **command.options(request)
    )
    return await command.answered(request, outcome)


async def delete_server_type(request: Request) -> Response:
    """Delete a server type, by its id or name."""
    await request.services.server_types.delete(request.ctx, request.params["id"], cloud=request.cloud)
    return Response(status=204)


def _shown(request: Request, record: server_type.ServerType) -> ServerType:
    here = f"/server_types/{quote(record.id, safe='')}"
    own = links.of(
        request.at(here),
        schema="server_type",
        tags=request.at(f"{here}/tags"),
        shares=request.at(f"{here}/shares"),
    )
    return links.added(ServerType, record, own)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/server_types",
        name="list_server_types",
        relation="server_types",
        handler=list_server_types,
        summary="List server types: public ones, the project's own, and those shared with the caller.",
        query=TypeFilter,
        responses={200: (ServerTypes,)},
        errors=CLOUD_ERRORS,
        rules=("enamel:server_type:list",),
    ),
    Route(
        method="POST",
        path="/server_types",
        name="create_server_type",
        relation="server_types",
        handler=create_server_type,
        summary="Create a server type.",
        query=OnCloud,
        request=ServerTypeRequest,
        responses={201: (ServerType,)},
        errors=(errors.Forbidden, errors.NameTaken, *CLOUD_ERRORS),
        rules=("enamel:server_type:create",),
    ),
    Route(
        method="GET",
        path="/server_types/{id}",
        name="get_server_type",
        relation="server_type",
        handler=get_server_type,
        summary="Show a server type, by its id or name.",
        query=OnCloud,
        responses={200: (ServerType,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:server_type:get",),
    ),
    Route(
        method="PATCH",
        path="/server_types/{id}",
        name="change_server_type",
        relation="server_type",
        handler=change_server_type,
        summary="Change a server type: its name, description, spec or visibility.",
        query=command.DryRun,
        request=ServerTypeChange,
        responses=command.RESPONSES,
        errors=(errors.NotFound, errors.Forbidden, errors.NameTaken, *CLOUD_ERRORS),
        rules=("enamel:server_type:update",),
    ),
    Route(
        method="DELETE",
        path="/server_types/{id}",
        name="delete_server_type",
        relation="server_type",
        handler=delete_server_type,
        summary="Delete a server type, by its id or name; its servers are unchanged.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.Forbidden, *CLOUD_ERRORS),
        rules=("enamel:server_type:delete",),
    ),
)
"""The rows of the table that these handlers serve."""
