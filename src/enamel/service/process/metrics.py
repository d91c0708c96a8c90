"""The metrics of a process, and of the queue that all processes share, in the format of Prometheus."""

from collections.abc import Iterable

import prometheus_client
import structlog

from enamel import telemetry
from enamel.clouds import driver
from enamel.model.cloud_state import CloudState
from enamel.model.errors import StoreUnavailable
from enamel.service.resources import cloud
from enamel.store import queue
from enamel.store.engine import Store

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Exports the metrics."""

    def __init__(self, store: Store, *, clouds: driver.Clouds) -> None:
        """Take what is measured.

        Args:
            store: Where the queue is.
            clouds: The clouds that this process calls, whoever asks.
        """
        self._store = store
        self._clouds = clouds

    async def text(self) -> bytes:
        """Return all metrics; those of the queue only while the store answers."""
        _measure(cloud.states(self._clouds))
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


def _measure(states: Iterable[CloudState]) -> None:
    """Set the metrics of the clouds' services."""
    gauges = (
        telemetry.PACE_LIMIT,
        telemetry.PACE_UNDER_WAY,
        telemetry.PACE_WAITING,
        telemetry.PACE_CLOSED,
    )
    for gauge in gauges:
        gauge.clear()
    for state in states:
        for service in state.services:
            labels = {"cloud": state.name, "service": service.service}
            telemetry.PACE_LIMIT.labels(**labels).set(service.limit)
            telemetry.PACE_UNDER_WAY.labels(**labels).set(service.under_way)
            telemetry.PACE_CLOSED.labels(**labels).set(service.closed_seconds)
            for lane in service.waiting.__struct_fields__:
                telemetry.PACE_WAITING.labels(**labels, lane=lane).set(getattr(service.waiting, lane))
