"""The log of what does not fit in a cloud's answers: each part once, however often the answer comes."""

from collections.abc import Sequence

import structlog

from enamel import telemetry
from enamel.clouds.calls.decoder import Misfit

log = structlog.get_logger(__name__)

MOST = 1000
"""After how many parts a cloud's further ones are only counted."""


class MisfitLog:
    """What was left out of one cloud's answers."""

    def __init__(self, *, cloud: str) -> None:
        """Begin with nothing.

        Args:
            cloud: What it is called in the log and in the metrics.
        """
        self._cloud = cloud
        self._logged: set[tuple[str, Misfit]] = set()

    def add(self, misfits: Sequence[Misfit], *, service: str) -> None:
        """Count what was left out of an answer of a service, and log what has not been logged yet."""
        for misfit in misfits:
            part = "record" if misfit.left_out else "field"
            telemetry.LEFT_OUT.labels(cloud=self._cloud, service=service, part=part).inc()
            if (service, misfit) in self._logged or len(self._logged) >= MOST:
                continue
            self._logged.add((service, misfit))
            log.warning(
                "cloud.record_left_out" if misfit.left_out else "cloud.field_left_out",
                cloud=self._cloud,
                service=service,
                record=misfit.record,
                field=misfit.field,
                why=misfit.why,
            )
