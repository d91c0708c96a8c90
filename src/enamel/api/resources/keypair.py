"""The routes of keypairs."""

from urllib.parse import quote

from msgspec import Struct, field

from enamel.api import collection, links
from enamel.api.collection import Window
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, OnCloud, Route
from enamel.model import errors
from enamel.model.keypair import KeypairRequest
from enamel.service.resources import keypair


class Keypair(keypair.Keypair, frozen=True, kw_only=True):
    """A public key that servers are given."""

    links: Links = field(name="_links")


class Keypairs(Struct, frozen=True, kw_only=True):
    """A page of keypairs, by name."""

    keypairs: tuple[Keypair, ...]
    links: Links = field(name="_links")


async def list_keypairs(request: Request) -> Response:
    """List the caller's keypairs."""
    page = await request.services.keypairs.list(request.ctx, **collection.window(request))
    own = collection.page_links(request, page, schema="keypairs", key=lambda keypair: keypair.name)
    keypairs = tuple(_shown(request, record) for record in page.entries)
    return Response(body=Keypairs(keypairs=keypairs, links=own))


async def get_keypair(request: Request) -> Response:
    """Show a keypair."""
    record = await request.services.keypairs.get(request.ctx, request.params["name"], cloud=request.cloud)
    return Response(body=_shown(request, record))


async def create_keypair(request: Request) -> Response:
    """Import a public key: 201 if it is new, 200 if the same key has the name already."""
    record, new = await request.services.keypairs.create(request.ctx, request.body, cloud=request.cloud)
    body = _shown(request, record)
    return Response(status=201 if new else 200, body=body, headers={"Location": body.links["self"].href})


async def delete_keypair(request: Request) -> Response:
    """Delete a keypair."""
    await request.services.keypairs.delete(request.ctx, request.params["name"], cloud=request.cloud)
    return Response(status=204)


def _shown(request: Request, record: keypair.Keypair) -> Keypair:
    here = request.at(f"/keypairs/{quote(record.name, safe='')}")
    delete = links.permitted(request.ctx, "enamel:keypair:delete", f"DELETE {here}")
    return links.added(Keypair, record, links.of(here, schema="keypair", delete=delete))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/keypairs",
        name="list_keypairs",
        relation="keypairs",
        handler=list_keypairs,
        summary="List the keypairs of the caller.",
        query=Window,
        responses={200: (Keypairs,)},
        errors=CLOUD_ERRORS,
        rules=("enamel:keypair:list",),
    ),
    Route(
        method="POST",
        path="/keypairs",
        name="create_keypair",
        relation="keypairs",
        handler=create_keypair,
        summary="Import a public key.",
        query=OnCloud,
        request=KeypairRequest,
        responses={200: (Keypair,), 201: (Keypair,)},
        errors=(errors.NameTaken, errors.QuotaExceeded, *CLOUD_ERRORS),
        rules=("enamel:keypair:create",),
    ),
    Route(
        method="GET",
        path="/keypairs/{name}",
        name="get_keypair",
        relation="keypair",
        handler=get_keypair,
        summary="Show a keypair.",
        query=OnCloud,
        responses={200: (Keypair,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:keypair:get",),
    ),
    Route(
        method="DELETE",
        path="/keypairs/{name}",
        name="delete_keypair",
        relation="keypair",
        handler=delete_keypair,
        summary="Delete a keypair; servers that were given it keep it.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:keypair:delete",),
    ),
)
"""The rows of the table that these handlers serve."""
