"""The metrics of a process, and of the queue that all processes share, in the format of Prometheus."""

import prometheus_client
import structlog

from enamel import telemetry
from enamel.model.errors import StoreUnavailable
from enamel.service.resources.cloud import CloudStates
from enamel.store import queue
from enamel.store.engine import Store

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Tells the numbers."""

    def __init__(self, store: Store, *, clouds: CloudStates) -> None:
        self._store = store
        self._clouds = clouds

    async def text(self) -> bytes:
        """Return all metrics; those of the queue only where the store answers."""
        self._clouds.measure()
        telemetry.QUEUE.clear()
        telemetry.QUEUE_AGE.clear()
        try:
            lines, leases = await self._store.read(queue.lines), await self._store.read(queue.leases)
        except StoreUnavailable as error:
            log.warning("metrics.without_queue", error=error.detail)
        else:
            telemetry.LEASES.set(leases)
            for line in lines:
                telemetry.QUEUE.labels(type=line.type, state=line.state.value).set(line.number)
                if line.waited is not None:
                    telemetry.QUEUE_AGE.labels(type=line.type).set(max(0.0, line.waited.total_seconds()))
        return prometheus_client.generate_latest()
