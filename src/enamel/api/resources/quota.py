"""The route of the quota."""

from msgspec import field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.service.resources import quota


class Quotas(quota.Quotas, frozen=True, kw_only=True):
    """What a project may have, has, and is about to have."""

    links: Links = field(name="_links")


async def get_quota(request: Request) -> Response:
    """Answer with the quotas of the caller's project."""
    found = await request.services.catalogue.quota(request.caller)
    own = links.of(request.path, schema="quotas")
    return Response(body=Quotas(cloud=found.cloud, quotas=found.quotas, links=own))
