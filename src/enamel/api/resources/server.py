"""The routes of servers."""

from datetime import datetime

from msgspec import Struct

from enamel.api import links
from enamel.api.request import Request, Response
from enamel.api.resources import server_body, task
from enamel.model import ids
from enamel.model.errors import Fault, Invalid, NotFound
from enamel.model.server_change import ServerChange
from enamel.model.states import PowerState
from enamel.service.resources import server, server_list, server_rename
from enamel.service.validation import body

VIRT_STATE = "X-OpenStack-Compute-Server-Virt-State"
POWER_STATE = "X-OpenStack-Compute-Server-Power-State"


class ServerFilter(Struct, frozen=True, kw_only=True):
    """Which servers are wanted."""

    limit: task.Limit = 20
    """How many at most."""
    marker: task.Marker | None = None
    """The last id of the previous page."""
    since: datetime | None = None
    """Changed at this time or later."""
    virt_state: tuple[server.VirtState, ...] = ()
    """In any of these states."""
    power_state: tuple[PowerState, ...] = ()
    """In any of these states."""
    launched_by: tuple[str, ...] = ()
    """Launched by any of these users."""


class EveryServerFilter(ServerFilter, frozen=True, kw_only=True):
    """Which servers are wanted."""

    project: str | None = None
    """Of this project; of the caller's own on each cloud where not given. Others are for operators to see."""


class DryRun(Struct, frozen=True, kw_only=True):
    """Whether to do it or only to tell."""

    dry_run: bool = False
    """Answer with the plan and write nothing."""


class Terminate(DryRun, frozen=True, kw_only=True, rename={"along": "with"}):
    """What goes with a server."""

    along: str | None = None
    """`everything`, `nothing`, or a list of `addresses`, `volumes`, `ports`; what Enamel made for it where not given."""


async def create_servers(request: Request) -> Response:
    """Have servers launched."""
    return await task.command(request, "server.create", params={})


async def list_servers(request: Request) -> Response:
    """Answer with the caller's servers, or with those of a project that the caller may see."""
    wanted: EveryServerFilter = request.query
    try:
        return await listed(request, project=wanted.project)
    except NotFound as error:
        fault = Fault(pointer="?project", detail=error.detail, code="unknown")
        raise Invalid(error.detail, faults=(fault,)) from error


async def listed(request: Request, *, project: str | None) -> Response:
    """Answer with the servers of a project; those of the caller's own on each cloud where none is named."""
    wanted: ServerFilter = request.query
    page, silent = await request.services.read.servers(
        limit=wanted.limit,
        marker=wanted.marker,
        project=project,
        which=server_list.Filter(
            since=wanted.since,
            virt_states=wanted.virt_state,
            power_states=wanted.power_state,
            launched_by=wanted.launched_by,
        ),
    )
    onward = links.onward(request.path, marker=page.entries[-1].id) if page.more else None
    return Response(
        body=server_body.Servers(
            servers=tuple(map(server_body.of, page.entries)),
            silent=silent,
            links=links.of(request.path, schema="servers", next=onward),
        )
    )


async def get_server(request: Request) -> Response:
    """Answer with a server."""
    return Response(
        body=server_body.of(await request.services.read.server(request.caller, request.params["id"]))
    )


async def head_server(request: Request) -> Response:
    """Answer with the states of a server, in two headers."""
    found = await request.services.read.server(request.caller, request.params["id"])
    states = {VIRT_STATE: found.virt_state.value}
    if found.power_state is not None:
        states[POWER_STATE] = found.power_state.value
    return Response(headers=states)


async def change_server(request: Request) -> Response:
    """Give a server another name, or have it go to another project."""
    id = request.params["id"]
    if not ids.is_id(id):
        raise NotFound(f"There is no server '{id[:64]}'.")
    if isinstance(request.body, dict) and "tags" in request.body:
        detail = f"The tags of a server are not changed here, but with PUT and DELETE at /servers/{id}/tags."
        raise Invalid(detail, faults=(Fault(pointer="/tags", detail=detail, code="elsewhere"),))
    wanted, faults = body.shape(request.body, ServerChange)
    if faults or wanted is None:
        raise Invalid(" ".join(one.detail for one in faults), faults=tuple(faults))
    if wanted.project_id is not None:
        return await task.command(request, "server.transfer", params={"server": id.lower()})
    if wanted.hostname is None or wanted.network is not None:
        detail = "Name what is to be different: `hostname`, or `project_id` and what goes with it."
        raise Invalid(detail, faults=(Fault(pointer="", detail=detail, code="required"),))
    if not request.query.dry_run:
        await server_rename.rename(request.services.read, request.caller, id, wanted.hostname)
    return await get_server(request)


async def terminate_server(request: Request) -> Response:
    """Have a server removed, with what was made for it."""
    # Whether it is there is for the command to find out: a repeated request has an answer even when it is gone.
    if not ids.is_id(request.params["id"]):
        raise NotFound(f"There is no server '{request.params['id'][:64]}'.")
    params = {"server": request.params["id"].lower()}
    if request.query.along is not None:
        params["with"] = request.query.along
    return await task.command(request, "server.terminate", params=params)
