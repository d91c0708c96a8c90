"""The routes of a server from inside: its console, and what its hypervisor measures."""

from typing import Annotated

from msgspec import Meta, field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, OnCloud, Route
from enamel.model import errors
from enamel.service.resources import server_console


class Lines(OnCloud, frozen=True, kw_only=True):
    """How much of a console log to show."""

    lines: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    """How many of its last lines; all that the cloud keeps if not set."""


class Console(server_console.Console, frozen=True, kw_only=True):
    """Where a server's console can be opened; the address is a key, and expires soon."""

    links: Links = field(name="_links")


class Diagnostics(server_console.Diagnostics, frozen=True, kw_only=True):
    """What a hypervisor measures of a server."""

    links: Links = field(name="_links")


async def get_console_log(request: Request) -> Response:
    """Show the last lines of a server's console log."""
    text = await request.services.consoles.log(
        request.ctx, request.params["id"], cloud=request.cloud, lines=request.query.lines
    )
    return Response(body=text.encode(), media_type="text/plain")


async def get_console(request: Request) -> Response:
    """Show the address of a server's console."""
    id = request.params["id"]
    record = await request.services.consoles.open(
        request.ctx, id, type=request.params["type"], cloud=request.cloud
    )
    own = links.of(request.path, schema="console", server=f"/servers/{id}")
    # Whoever has the address has the console: nobody between here and there may keep it.
    return Response(body=links.added(Console, record, own), headers={"Cache-Control": "no-store"})


async def get_diagnostics(request: Request) -> Response:
    """Show the diagnostics of a server."""
    id = request.params["id"]
    record = await request.services.consoles.diagnostics(request.ctx, id, cloud=request.cloud)
    own = links.of(request.path, schema="diagnostics", server=f"/servers/{id}")
    return Response(body=links.added(Diagnostics, record, own))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/servers/{id}/console_log",
        name="get_console_log",
        relation="console_log",
        handler=get_console_log,
        summary="Show the last lines of a server's console log.",
        query=Lines,
        responses={200: (str,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:server:console_log",),
        media_types=("text/plain",),
    ),
    Route(
        method="GET",
        path="/servers/{id}/consoles/{type}",
        name="get_console",
        relation="console",
        handler=get_console,
        summary="Show the URL of a server's console.",
        query=OnCloud,
        responses={200: (Console,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:server:console_url",),
    ),
    Route(
        method="GET",
        path="/servers/{id}/diagnostics",
        name="get_diagnostics",
        relation="diagnostics",
        handler=get_diagnostics,
        summary="Show the diagnostics of a server.",
        query=OnCloud,
        responses={200: (Diagnostics,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:server:diagnostics",),
    ),
)
"""The rows of the table that these handlers serve."""
