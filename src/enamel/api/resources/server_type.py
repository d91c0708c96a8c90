"""The routes of server types: the sizes that servers come in."""

from urllib.parse import quote

from msgspec import Struct, field

from enamel.api import collection, links
from enamel.api.exchange import Answer, Ask
from enamel.api.links import Links
from enamel.model.errors import Invalid
from enamel.model.server_type import ServerTypeWish
from enamel.service import body, server_type


class ServerType(server_type.ServerType, frozen=True, kw_only=True):
    """A size of server."""

    links: Links = field(name="_links")


class ServerTypes(Struct, frozen=True, kw_only=True):
    """A page of server types, the smallest first."""

    server_types: tuple[ServerType, ...]
    links: Links = field(name="_links")


async def list_server_types(ask: Ask) -> Answer:
    """Answer with the sizes that the caller's project can use."""
    found = await ask.services.server_types.all()
    shown, own = collection.page(ask, found, what="server type", schema="ServerTypes", key=lambda one: one.id)
    return Answer(body=ServerTypes(server_types=tuple(map(_of, shown)), links=own))


async def get_server_type(ask: Ask) -> Answer:
    """Answer with one size, by its id or name."""
    return Answer(body=_of(await ask.services.server_types.one(ask.params["id"])))


async def create_server_type(ask: Ask) -> Answer:
    """Make a size."""
    wish, faults = body.shape(ask.body, ServerTypeWish)
    if wish is None or faults:
        raise Invalid(" ".join(one.detail for one in faults), faults=tuple(faults))
    shown = _of(await ask.services.server_types.create(wish))
    return Answer(status=201, body=shown, headers={"Location": shown.links["self"].href})


async def delete_server_type(ask: Ask) -> Answer:
    """Delete a size, by its id or name."""
    await ask.services.server_types.delete(ask.params["id"])
    return Answer(status=204)


def _of(found: server_type.ServerType) -> ServerType:
    own = links.of(f"/server_types/{quote(found.id, safe='')}", schema="ServerType")
    return ServerType(**{name: getattr(found, name) for name in found.__struct_fields__}, links=own)
