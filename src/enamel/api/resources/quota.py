"""The route of the quota."""

from msgspec import field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Answer, Ask
from enamel.service.resources import quota


class Quotas(quota.Quotas, frozen=True, kw_only=True):
    """What a project may have, has, and is about to have."""

    links: Links = field(name="_links")


async def get_quota(ask: Ask) -> Answer:
    """Answer with the quotas of the caller's project."""
    found = await ask.services.catalogue.quota(ask.caller)
    own = links.of(ask.path, schema="quotas")
    return Answer(body=Quotas(cloud=found.cloud, quotas=found.quotas, links=own))
