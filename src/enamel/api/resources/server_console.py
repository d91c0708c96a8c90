"""The routes of a server from inside: its console, what its hypervisor measures, its tags."""

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.model.errors import Invalid
from enamel.service.resources import server_console
from enamel.service.validation import body


class Lines(Struct, frozen=True, kw_only=True):
    """How much of a console is wanted."""

    lines: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    """The last so many lines; everything that the cloud keeps where not given."""


class Console(Struct, frozen=True, kw_only=True):
    """Where a server's console can be opened; the address is a key, and good for a short while."""

    type: str
    """As it was asked for: novnc, xvpvnc, rdp, spice, serial, mks or webmks."""
    uri: str
    links: Links = field(name="_links")


class Diagnostics(Struct, frozen=True, kw_only=True):
    """What a hypervisor measures of a server."""

    diagnostics: dict[str, Any]
    """In the cloud's words."""
    links: Links = field(name="_links")


class TagSet(Struct, frozen=True, kw_only=True):
    """The tags that a server is to have."""

    tags: tuple[str, ...]
    """1 to 50 characters each, without `/` and `,`."""


class Tags(Struct, frozen=True, kw_only=True):
    """The tags of a server."""

    tags: tuple[str, ...]
    links: Links = field(name="_links")


async def get_console_log(request: Request) -> Response:
    """Answer with the end of what a server has written to its console."""
    text = await server_console.console_log(
        request.services.read, request.caller, request.params["id"], lines=request.query.lines
    )
    return Response(body=text.encode(), media_type="text/plain")


async def get_console(request: Request) -> Response:
    """Answer with the address of a server's console."""
    id, type = request.params["id"], request.params["type"]
    uri = await server_console.console(request.services.read, request.caller, id, type=type)
    own = links.of(request.path, schema="console", server=f"/servers/{id}")
    # Whoever has the address has the console: nobody between here and there may keep it.
    return Response(body=Console(type=type, uri=uri, links=own), headers={"Cache-Control": "no-store"})


async def get_diagnostics(request: Request) -> Response:
    """Answer with what the hypervisor measures of a server."""
    id = request.params["id"]
    found = await server_console.diagnostics(request.services.read, request.caller, id)
    own = links.of(request.path, schema="diagnostics", server=f"/servers/{id}")
    return Response(body=Diagnostics(diagnostics=found, links=own))


async def get_tags(request: Request) -> Response:
    """Answer with the tags of a server."""
    return _tags(
        request, await server_console.tags(request.services.read, request.caller, request.params["id"])
    )


async def put_tags(request: Request) -> Response:
    """Give a server just these tags."""
    wanted, faults = body.shape(request.body, TagSet)
    if faults or wanted is None:
        raise Invalid(" ".join(one.detail for one in faults), faults=tuple(faults))
    found = await server_console.set_tags(
        request.services.read, request.caller, request.params["id"], wanted.tags
    )
    return _tags(request, found)


async def delete_tags(request: Request) -> Response:
    """Take all tags from a server."""
    await server_console.set_tags(request.services.read, request.caller, request.params["id"], ())
    return Response(status=204)


async def put_tag(request: Request) -> Response:
    """Give a server one more tag."""
    await server_console.add_tag(
        request.services.read, request.caller, request.params["id"], request.params["tag"]
    )
    return Response(status=204)


async def delete_tag(request: Request) -> Response:
    """Take one tag from a server."""
    await server_console.remove_tag(
        request.services.read, request.caller, request.params["id"], request.params["tag"]
    )
    return Response(status=204)


def _tags(request: Request, found: tuple[str, ...]) -> Response:
    own = links.of(request.path, schema="tags", server=f"/servers/{request.params['id']}")
    return Response(body=Tags(tags=found, links=own))
