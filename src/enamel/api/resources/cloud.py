"""The routes of clouds: how they bear what is asked of them."""

from msgspec import Struct, field

from enamel.api import collection, links
from enamel.api.links import Links
from enamel.api.request import Answer, Ask
from enamel.model.cloud_state import CloudState


class Cloud(CloudState, frozen=True, kw_only=True):
    """A cloud, as the process that answers sees it."""

    links: Links = field(name="_links")


class Clouds(Struct, frozen=True, kw_only=True):
    """A page of clouds, the default one first."""

    clouds: tuple[Cloud, ...]
    links: Links = field(name="_links")


async def list_clouds(ask: Ask) -> Answer:
    """Answer with the clouds of the configuration."""
    found = ask.services.cloud_states.all()
    shown, own = collection.page(ask, found, what="cloud", schema="clouds", key=lambda one: one.name)
    return Answer(body=Clouds(clouds=tuple(map(_of, shown)), links=own))


async def get_cloud(ask: Ask) -> Answer:
    """Answer with one cloud."""
    return Answer(body=_of(ask.services.cloud_states.one(ask.params["name"])))


def _of(found: CloudState) -> Cloud:
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    return Cloud(**fields, links=links.of(f"/clouds/{found.name}", schema="cloud"))
