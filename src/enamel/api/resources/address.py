"""The routes of addresses: what outlives servers, and leads to one of them or to none."""

from datetime import datetime

from msgspec import Struct, field

from enamel.api import collection, links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.resources import task
from enamel.model import cloud, ids, mark
from enamel.model.cloud import AddressKind
from enamel.model.errors import NotFound


class AddressFilter(collection.Window, frozen=True, kw_only=True):
    """Which addresses are wanted."""

    used: bool | None = None
    """Whether they lead anywhere; all where this is not given."""
    kind: tuple[AddressKind, ...] = ()
    """Of any of these kinds."""


class Address(Struct, frozen=True, kw_only=True):
    """An address that outlives servers."""

    id: str
    address: str
    kind: AddressKind
    """FLOATING: a floating IP, from which the cloud translates. PORT: a port with a fixed address, on clouds that do not."""
    network: str
    """Id of the network that it comes from."""
    used: bool
    """Whether it leads anywhere."""
    server: str | None
    """Id of the server that it leads to."""
    fixed_address: str | None
    """The server's own address that a floating IP is translated to."""
    task: str | None
    """The task that has made it."""
    created_at: datetime | None
    """None where the cloud does not tell."""
    links: Links = field(name="_links")


class Addresses(Struct, frozen=True, kw_only=True):
    """A page of addresses, in their own order."""

    addresses: tuple[Address, ...]
    links: Links = field(name="_links")


async def list_addresses(request: Request) -> Response:
    """Answer with the project's addresses."""
    used, kinds = request.query.used, request.query.kind
    found = [
        one
        for one in await request.services.addresses.all()
        if (used is None or one.used is used) and (not kinds or one.kind in kinds)
    ]
    shown, own = collection.page(request, found, what="address", schema="addresses", key=lambda one: one.id)
    return Response(body=Addresses(addresses=tuple(map(_of, shown)), links=own))


async def get_address(request: Request) -> Response:
    """Answer with one address."""
    return Response(body=_of(await request.services.addresses.one(request.params["id"])))


async def create_address(request: Request) -> Response:
    """Have an address got."""
    return await task.command(request, "address.create", params={})


async def attach_address(request: Request) -> Response:
    """Have an address lead to a server."""
    return await task.command(request, "address.attach", params=_named(request))


async def detach_address(request: Request) -> Response:
    """Have an address lead nowhere."""
    return await task.command(request, "address.detach", params=_named(request))


async def delete_address(request: Request) -> Response:
    """Have an address given back."""
    return await task.command(request, "address.delete", params=_named(request))


def _named(request: Request) -> dict[str, str]:
    """Return what a command is told; whether the address is there is for the command to find out."""
    id = request.params["id"]
    if not ids.is_id(id):
        raise NotFound(f"There is no address '{id[:64]}'.")
    return {"address": id.lower()}


def _of(found: cloud.Address) -> Address:
    here, by = f"/addresses/{found.id}", mark.read(found.mark)
    own = links.of(
        here,
        schema="address",
        server=f"/servers/{found.server_id}" if found.server_id else None,
        attach=None if found.used else f"POST {here}/attach",
        detach=f"POST {here}/detach" if found.used else None,
        delete=None if found.used else f"DELETE {here}",
    )
    return Address(
        id=found.id,
        address=found.address,
        kind=found.kind,
        network=found.network_id,
        used=found.used,
        server=found.server_id or None,
        fixed_address=found.fixed_address,
        task=by.task if by else None,
        created_at=found.created,
        links=own,
    )
