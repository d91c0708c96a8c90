"""The routes by which a process tells about itself: health for load balancers, metrics for Prometheus."""

from msgspec import Struct, field

import enamel
from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.service.process import health, metrics


class Depth(Struct, frozen=True, kw_only=True):
    """How closely to look."""

    live: bool = False
    """Look at nothing: the answer alone tells that the process lives."""


class Health(Struct, frozen=True, kw_only=True):
    """Whether the process can do its work."""

    status: health.Verdict
    """`ok`; `degraded` where work goes on more slowly; `failed`, with status 503, where it does not go on."""
    checks: tuple[health.Finding, ...]
    """How each thing is that the process depends on."""
    release: str
    links: Links = field(name="_links")


async def get_health(request: Request) -> Response:
    """Answer with the health of the process."""
    findings = () if request.query.live else await request.services.health.look()
    verdict = health.worst(findings)
    found = Health(
        status=verdict,
        checks=findings,
        release=enamel.__version__,
        links=links.of(request.path, schema="health"),
    )
    status = 503 if verdict is health.Verdict.FAILED else 200
    return Response(status=status, body=found, headers={"Cache-Control": "no-store"})


async def get_metrics(request: Request) -> Response:
    """Answer with the metrics of the process."""
    text = await request.services.metrics.text()
    return Response(body=text, media_type=metrics.MEDIA_TYPE, headers={"Cache-Control": "no-store"})
