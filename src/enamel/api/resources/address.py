"""The routes of addresses: they outlive servers, and lead to one of them or to none."""

from msgspec import Struct, field

from enamel.api import collection, command, links
from enamel.api.collection import Window
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, OnCloud, Route
from enamel.model import errors, ids
from enamel.model.address import AddressRequest, AttachRequest
from enamel.model.cloud import AddressKind
from enamel.service.resources import address


class AddressFilter(Window, frozen=True, kw_only=True):
    """Which addresses to list."""

    used: bool | None = None
    """Whether they lead to anything; all if not set."""
    kind: tuple[AddressKind, ...] = ()
    """Of any of these kinds."""


class Address(address.Address, frozen=True, kw_only=True):
    """An address that outlives servers."""

    links: Links = field(name="_links")


class Addresses(Struct, frozen=True, kw_only=True):
    """A page of addresses, in their own order."""

    addresses: tuple[Address, ...]
    links: Links = field(name="_links")


async def list_addresses(request: Request) -> Response:
    """List the project's addresses."""
    matching = address.Filter(used=request.query.used, kinds=request.query.kind)
    page = await request.services.addresses.list(request.ctx, matching=matching, **collection.window(request))
    own = collection.page_links(request, page, schema="addresses", key=lambda address: address.id)
    addresses = tuple(_shown(request, record) for record in page.entries)
    return Response(body=Addresses(addresses=addresses, links=own))


async def get_address(request: Request) -> Response:
    """Show an address."""
    record = await request.services.addresses.get(request.ctx, request.params["id"], cloud=request.cloud)
    return Response(body=_shown(request, record))


async def create_address(request: Request) -> Response:
    """Create an address."""
    return await command.submit(request, "address.create")


async def attach_address(request: Request) -> Response:
    """Attach an address to a server."""
    return await command.submit(request, "address.attach", params=_params(request))


async def detach_address(request: Request) -> Response:
    """Detach an address from its server."""
    return await command.submit(request, "address.detach", params=_params(request))


async def delete_address(request: Request) -> Response:
    """Release an address."""
    return await command.submit(request, "address.delete", params=_params(request))


def _params(request: Request) -> dict[str, str]:
    return {"address": ids.canonical(request.params["id"])}


def _shown(request: Request, record: address.Address) -> Address:
    here = f"/addresses/{record.id}"

    def allowed(name: str, target: str) -> str | None:
        return links.permitted(request.ctx, f"enamel:address:{name}", target)

    own = links.of(
        here,
        schema="address",
        server=f"/servers/{record.server}" if record.server else None,
        attach=None if record.used else allowed("attach", f"POST {here}/attach"),
        detach=allowed("detach", f"POST {here}/detach") if record.used else None,
        delete=None if record.used else allowed("delete", f"DELETE {here}"),
    )
    return links.added(Address, record, own)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/addresses",
        name="list_addresses",
        relation="addresses",
        handler=list_addresses,
        summary="List the addresses of the project that outlive servers.",
        query=AddressFilter,
        responses={200: (Addresses,)},
        errors=CLOUD_ERRORS,
        rules=("enamel:address:list",),
    ),
    Route(
        method="POST",
        path="/addresses",
        name="create_address",
        relation="addresses",
        handler=create_address,
        summary="Create an address that outlives servers.",
        query=command.DryRun,
        request=AddressRequest,
        body_required=False,
        responses=command.RESPONSES,
        errors=(errors.QuotaExceeded, *CLOUD_ERRORS),
        rules=("enamel:address:create",),
    ),
    Route(
        method="GET",
        path="/addresses/{id}",
        name="get_address",
        relation="address",
        handler=get_address,
        summary="Show an address.",
        query=OnCloud,
        responses={200: (Address,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:address:get",),
    ),
    Route(
        method="DELETE",
        path="/addresses/{id}",
        name="delete_address",
        relation="address",
        handler=delete_address,
        summary="Release an address.",
        query=command.Deletion,
        responses=command.RESPONSES,
        errors=(errors.NotFound, errors.WrongState, *CLOUD_ERRORS),
        rules=("enamel:address:delete",),
    ),
    Route(
        method="POST",
        path="/addresses/{id}/attach",
        name="attach_address",
        relation="attach_address",
        handler=attach_address,
        summary="Attach an address to a server.",
        query=command.DryRun,
        request=AttachRequest,
        responses=command.RESPONSES,
        errors=(errors.NotFound, errors.WrongState, errors.ActionImpossible, *CLOUD_ERRORS),
        rules=("enamel:address:attach",),
    ),
    Route(
        method="POST",
        path="/addresses/{id}/detach",
        name="detach_address",
        relation="detach_address",
        handler=detach_address,
        summary="Detach an address from its server, and keep it.",
        query=command.DryRun,
        responses=command.RESPONSES,
        errors=(errors.NotFound, errors.WrongState, *CLOUD_ERRORS),
        rules=("enamel:address:detach",),
    ),
)
"""The rows of the table that these handlers serve."""
