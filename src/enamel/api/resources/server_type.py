"""The routes of server types: the sizes that servers come in."""

from typing import Any
from urllib.parse import quote

from msgspec import Struct, field

from enamel.api import collection, links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.resources import task
from enamel.model.errors import Fault, Invalid
from enamel.model.server_type import ServerTypeWish
from enamel.service.resources import server_type
from enamel.service.validation import body

_ELSEWHERE = ("tags", "shares")
"""What has resources of its own."""


class TypeFilter(collection.Window, frozen=True, kw_only=True):
    """Which server types are wanted."""

    visibility: tuple[server_type.Scope, ...] = ()
    """`public`, `own` or `shared`, or several of these."""
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
    """Answer with the sizes that the caller can use."""
    found = await request.services.server_types.all(scopes=request.query.visibility, tags=request.query.tag)
    shown, own = collection.page(
        request, found, what="server type", schema="server_types", key=lambda one: one.id
    )
    return Response(body=ServerTypes(server_types=tuple(map(_of, shown)), links=own))


async def get_server_type(request: Request) -> Response:
    """Answer with one size, by its id or name."""
    return Response(body=_of(await request.services.server_types.one(request.params["id"])))


async def create_server_type(request: Request) -> Response:
    """Make a size."""
    _right_door(request.body, here="/server_types/{id}")
    wish, faults = body.shape(request.body, ServerTypeWish)
    if wish is None or faults:
        raise Invalid(" ".join(one.detail for one in faults), faults=tuple(faults))
    shown = _of(await request.services.server_types.create(wish))
    return Response(status=201, body=shown, headers={"Location": shown.links["self"].href})


async def change_server_type(request: Request) -> Response:
    """Have a size changed, by its id or name."""
    text = request.params["id"]
    _right_door(request.body, here=f"/server_types/{quote(text, safe='')}")
    return await task.command(request, "server_type.change", params={"server_type": text})


async def delete_server_type(request: Request) -> Response:
    """Delete a size, by its id or name."""
    await request.services.server_types.delete(request.params["id"])
    return Response(status=204)


def _right_door(data: Any, *, here: str) -> None:
    """Refuse what is changed elsewhere. Raises Invalid."""
    found = [name for name in _ELSEWHERE if isinstance(data, dict) and name in data]
    faults = [
        Fault(
            pointer=f"/{name}",
            detail=f"The {name} of a server type are not changed here, but with PUT and DELETE at {here}/{name}.",
            code="elsewhere",
        )
        for name in found
    ]
    if faults:
        raise Invalid(" ".join(one.detail for one in faults), faults=tuple(faults))


def _of(found: server_type.ServerType) -> ServerType:
    here = f"/server_types/{quote(found.id, safe='')}"
    own = links.of(here, schema="server_type", tags=f"{here}/tags", shares=f"{here}/shares")
    return ServerType(**{name: getattr(found, name) for name in found.__struct_fields__}, links=own)
