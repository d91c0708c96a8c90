"""The routes of clouds: how they bear what is asked of them."""

from msgspec import Struct, field

from enamel.api import collection, links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.model.cloud_state import CloudState


class Cloud(CloudState, frozen=True, kw_only=True):
    """A cloud, as the process that answers sees it."""

    links: Links = field(name="_links")


class Clouds(Struct, frozen=True, kw_only=True):
    """A page of clouds, the default one first."""

    clouds: tuple[Cloud, ...]
    links: Links = field(name="_links")


async def list_clouds(request: Request) -> Response:
    """Answer with the clouds of the configuration."""
    found = request.services.cloud_states.all()
    shown, own = collection.page(request, found, what="cloud", schema="clouds", key=lambda one: one.name)
    return Response(body=Clouds(clouds=tuple(map(_of, shown)), links=own))


async def get_cloud(request: Request) -> Response:
    """Answer with one cloud."""
    return Response(body=_of(request.services.cloud_states.one(request.params["name"])))


def _of(found: CloudState) -> Cloud:
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    return Cloud(**fields, links=links.of(f"/clouds/{found.name}", schema="cloud"))
