"""The routes of servers."""

from datetime import datetime

from msgspec import Struct

from enamel.api import collection, command
from enamel.api.collection import Limit
from enamel.api.request import Request, Response
from enamel.api.resources import server_body, task_body
from enamel.api.resources.task import Marker
from enamel.api.route import CLOUD_ERRORS, LAUNCH_ERRORS, Cloud, OnCloud, Route
from enamel.model import errors, launch
from enamel.model.errors import Fault, Invalid, NotFound
from enamel.model.server_change import ServerChange
from enamel.model.states import PowerState
from enamel.service.resources import server, server_list

VIRT_STATE = "X-OpenStack-Compute-Server-Virt-State"
POWER_STATE = "X-OpenStack-Compute-Server-Power-State"


class ServerFilter(Struct, frozen=True, kw_only=True):
    """Which servers to list."""

    limit: Limit = 20
    """How many at most."""
    marker: Marker | None = None
    """The last id of the previous page."""
    since: datetime | None = None
    """Changed at this time or later."""
    virt_state: tuple[server.VirtState, ...] = ()
    """In any of these states."""
    power_state: tuple[PowerState, ...] = ()
    """In any of these states."""
    launched_by: tuple[str, ...] = ()
    """Launched by any of these users."""
    cloud: Cloud | None = None
    """On the cloud with this name; on all clouds if not set."""


class EveryServerFilter(ServerFilter, frozen=True, kw_only=True):
    """Which servers to list."""

    project: str | None = None
    """Of this project; of the caller's own on each cloud if not set. Only operators can list those of others."""


class Terminate(command.Deletion, frozen=True, kw_only=True, rename={"along": "with"}):
    """What is deleted with a server."""

    along: str | None = None
    """`everything`, `nothing`, or a list of `addresses`, `volumes`, `ports`; what Enamel made for it if not set."""


async def create_servers(request: Request) -> Response:
    """Launch servers."""
    return await command.submit(request, "server.create")


async def list_servers(request: Request) -> Response:
    """List the caller's servers, or those of a project that the caller may see."""
    query: EveryServerFilter = request.query
    try:
        return await listed(request, project=query.project)
    except NotFound as error:
        fault = Fault(pointer="?project", detail=error.detail, code="unknown")
        raise Invalid(error.detail, faults=(fault,)) from error


async def listed(request: Request, *, project: str | None) -> Response:
    """List the servers of a project; those of the caller's own on each cloud if None."""
    query: ServerFilter = request.query
    listing = await request.services.servers.list(
        request.ctx,
        project=project,
        matching=server_list.Filter(
            since=query.since,
            virt_states=query.virt_state,
            power_states=query.power_state,
            launched_by=query.launched_by,
        ),
        **collection.window(request),
    )
    own = collection.page_links(request, listing.page, schema="servers", key=lambda server: server.id)
    servers = tuple(server_body.of(record, request.ctx) for record in listing.page.entries)
    return Response(body=server_body.Servers(servers=servers, silent=listing.silent, links=own))


async def get_server(request: Request) -> Response:
    """Show a server."""
    return Response(body=server_body.of(await _server(request), request.ctx))


async def head_server(request: Request) -> Response:
    """Return the states of a server, in two headers."""
    record = await _server(request)
    states = {VIRT_STATE: record.virt_state.value}
    if record.power_state is not None:
        states[POWER_STATE] = record.power_state.value
    return Response(headers=states)


async def change_server(request: Request) -> Response:
    """Rename a server, or transfer it to another project."""
    outcome = await request.services.server_changes.change(
        request.ctx, request.params["id"], request.body, **command.options(request)
    )
    if isinstance(outcome, server.Server):
        return Response(body=server_body.of(outcome, request.ctx))
    return await command.answered(request, outcome)


async def terminate_server(request: Request) -> Response:
    """Terminate a server, with what was made for it."""
    outcome = await request.services.server_actions.terminate(
        request.ctx,
        request.params["id"],
        along=request.query.along,
        timeout=request.query.timeout,
        **command.options(request),
    )
    return await command.answered(request, outcome)


async def _server(request: Request) -> server.Server:
    return await request.services.servers.get(request.ctx, request.params["id"], cloud=request.cloud)


COLLECTION: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/servers",
        name="create_servers",
        relation="servers",
        handler=create_servers,
        summary="Launch servers, with networks, addresses, volumes and keys.",
        query=command.DryRun,
        request=launch.Launch,
        responses=command.RESPONSES,
        errors=LAUNCH_ERRORS,
        rules=("enamel:server:create",),
    ),
    Route(
        method="GET",
        path="/servers",
        name="list_servers",
        relation="servers",
        handler=list_servers,
        summary="List the caller's servers, on all clouds.",
        query=EveryServerFilter,
        responses={200: (server_body.Servers,)},
        errors=CLOUD_ERRORS,
        rules=("enamel:server:list",),
    ),
)
"""The rows of all servers together."""

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/servers/{id}",
        name="get_server",
        relation="server",
        handler=get_server,
        summary="Show a server.",
        query=OnCloud,
        responses={200: (server_body.Server,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:server:get",),
    ),
    Route(
        method="HEAD",
        path="/servers/{id}",
        name="head_server",
        relation="server",
        handler=head_server,
        summary="Show a server's states in two headers.",
        query=OnCloud,
        responses={200: ()},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:server:get",),
    ),
    Route(
        method="PATCH",
        path="/servers/{id}",
        name="change_server",
        relation="server",
        handler=change_server,
        summary="Rename a server, or transfer it to another project.",
        query=command.DryRun,
        request=ServerChange,
        responses={
            200: (server_body.Server, task_body.Task, task_body.Preview),
            202: (task_body.Task,),
        },
        errors=(
            errors.NotFound,
            errors.Forbidden,
            errors.NameTaken,
            errors.QuotaExceeded,
            errors.WrongState,
            *CLOUD_ERRORS,
        ),
        rules=("enamel:server:rename", "enamel:server:transfer"),
    ),
    Route(
        method="DELETE",
        path="/servers/{id}",
        name="terminate_server",
        relation="server",
        handler=terminate_server,
        summary="Terminate a server, with what was made for it.",
        query=Terminate,
        responses=command.RESPONSES,
        errors=(errors.NotFound, errors.WrongState, *CLOUD_ERRORS),
        rules=("enamel:server:terminate",),
    ),
)
"""The rows of a single server."""
