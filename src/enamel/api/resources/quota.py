"""The route of quotas."""

from msgspec import field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import CLOUD_ERRORS, OnCloud, Route
from enamel.service.resources import quota


class Quotas(quota.ProjectQuota, frozen=True, kw_only=True):
    """The quotas of a project: limits, what is used and what is reserved."""

    links: Links = field(name="_links")


async def get_quota(request: Request) -> Response:
    """Show the quotas of the caller's project."""
    record = await request.services.quotas.get(request.ctx, cloud=request.cloud)
    return Response(body=links.added(Quotas, record, links.of(request.path, schema="quotas")))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/quota",
        name="get_quota",
        relation="quota",
        handler=get_quota,
        summary="Show the quotas of the project: limits, what is used and what is reserved.",
        query=OnCloud,
        responses={200: (Quotas,)},
        errors=CLOUD_ERRORS,
        rules=("enamel:quota:get",),
    ),
)
"""The rows of the table that these handlers serve."""
