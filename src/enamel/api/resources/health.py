"""The routes by which a process reports on itself: health for load balancers, metrics for Prometheus."""

from msgspec import Struct, field

import enamel
from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.route import Route
from enamel.service.process import health, metrics


class Depth(Struct, frozen=True, kw_only=True):
    """What to check."""

    live: bool = False
    """Check nothing: the answer alone shows that the process lives."""


class Health(Struct, frozen=True, kw_only=True):
    """Whether the process can do its work."""

    status: health.Verdict
    """`OK`; `DEGRADED` if work goes on more slowly; `FAILED`, with status 503, if it does not go on."""
    checks: tuple[health.Finding, ...]
    """The state of each thing that the process depends on."""
    release: str
    links: Links = field(name="_links")


async def get_health(request: Request) -> Response:
    """Show the health of the process."""
    findings = () if request.query.live else await request.services.health.check()
    verdict = health.worst(findings)
    body = Health(
        status=verdict,
        checks=findings,
        release=enamel.__version__,
        links=links.of(request.path, schema="health"),
    )
    status = 503 if verdict is health.Verdict.FAILED else 200
    return Response(status=status, body=body, headers={"Cache-Control": "no-store"})


async def get_metrics(request: Request) -> Response:
    """Show the metrics of the process."""
    text = await request.services.metrics.text()
    return Response(body=text, media_type=metrics.MEDIA_TYPE, headers={"Cache-Control": "no-store"})


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/healthcheck",
        name="get_health",
        relation="health",
        handler=get_health,
        summary="Show the health of the process; with `live`, only that it answers.",
        query=Depth,
        responses={200: (Health,), 503: (Health,)},
    ),
    Route(
        method="GET",
        path="/metrics",
        name="get_metrics",
        relation="metrics",
        handler=get_metrics,
        summary="Show the metrics of the process and of the queue, for Prometheus.",
        responses={200: (bytes,)},
        media_types=(metrics.MEDIA_TYPE,),
    ),
)
"""The rows of the table that these handlers serve."""
