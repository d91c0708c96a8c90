"""The routes of keypairs: public keys that servers are given."""

from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from enamel.api import collection, links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.model import cloud
from enamel.model.errors import Invalid
from enamel.model.keypair import KeypairWish
from enamel.service.validation import body


class Keypair(cloud.Keypair, frozen=True, kw_only=True):
    """A public key that servers are given."""

    links: Links = field(name="_links")


class Keypairs(Struct, frozen=True, kw_only=True):
    """A page of keypairs, by name."""

    keypairs: tuple[Keypair, ...]
    links: Links = field(name="_links")


async def list_keypairs(request: Request) -> Response:
    """Answer with the caller's keypairs."""
    found = await request.services.catalogue.keypairs()
    shown, own = collection.page(request, found, what="keypair", schema="keypairs", key=lambda one: one.name)
    return Response(body=Keypairs(keypairs=tuple(map(_of, shown)), links=own))


async def get_keypair(request: Request) -> Response:
    """Answer with one keypair."""
    return Response(body=_of(await request.services.catalogue.keypair(request.params["name"])))


async def create_keypair(request: Request) -> Response:
    """Import a public key: 201 where it is new, 200 where the same key has the name already."""
    wish, faults = body.shape(request.body, KeypairWish)
    if wish is None or faults:
        raise Invalid(" ".join(one.detail for one in faults), faults=tuple(faults))
    made, new = await request.services.catalogue.create_keypair(wish)
    shown = _of(made)
    return Response(status=201 if new else 200, body=shown, headers={"Location": shown.links["self"].href})


async def delete_keypair(request: Request) -> Response:
    """Delete a keypair."""
    await request.services.catalogue.delete_keypair(request.params["name"])
    return Response(status=204)


def _of(found: cloud.Keypair) -> Keypair:
    here = f"/keypairs/{quote(found.name, safe='')}"
    own = links.of(here, schema="keypair", delete=f"DELETE {here}")
    return Keypair(**msgspec.structs.asdict(found), links=own)
