"""The heartbeat: renews a worker's lease from a thread of its own, over a connection of its own.

Neither a long batch of writes nor a busy event loop delays it. Its row is not the one that the writes of the worker lock.
Nobody else works on an SQLite database, and its one lock would delay the thread like everything else: there, the thread
keeps the lease by the worker's own clock, and the row is renewed with the other writes.
"""

import threading
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
import structlog

from enamel import telemetry
from enamel.store import workers
from enamel.store.lease import Lease
from enamel.store.transaction import Tx

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_BEATS = 4
"""Beats in the time of one lease."""
_SILENT = 12
"""Leases without a turn of the event loop after which it hangs: the tasks are better with another worker."""


class Heartbeat:
    """The heartbeat of one worker, from `start` to `stop`."""

    def __init__(self, lease: Lease, *, lost: Callable[[], None]) -> None:
        """Prepare a heartbeat.

        Args:
            lease: The lease, taken already.
            lost: Called in the thread when another worker has reaped the lease.

        """
        self._lease = lease
        self._lost = lost
        self._engine = lease.store.engine
        self._pause = lease.length.total_seconds() / _BEATS
        self._stopped = threading.Event()
        self._alone = self._engine.dialect.name == "sqlite"
        self._connection: sa.Connection | None = None
        self._alive_at = lease.now()
        self._thread = threading.Thread(target=self._serve, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more; a beat that is under way ends by itself."""
        self._stopped.set()

    def join(self) -> None:
        """Wait until it beats no more."""
        self._thread.join()

    def living(self) -> None:
        """Note that the event loop turns."""
        self._alive_at = self._lease.now()

    def _serve(self) -> None:
        while not self._stopped.wait(self._pause):
            silent = self._lease.now() - self._alive_at
            if silent > _SILENT * self._lease.length.total_seconds():
                log.error("worker.hangs", worker=self._lease.id, seconds=round(silent))
                break
            began = self._lease.now()
            try:
                held = self._alone or self._beat()
            # The driver may raise anything when the network breaks; the next beat tries a new connection.
            except Exception as error:
                telemetry.HEARTBEATS.labels(outcome="failed").inc()
                log.warning("heartbeat.failed", worker=self._lease.id, error=str(error.__cause__ or error))
                self._close()
                continue
            if not held:
                telemetry.HEARTBEATS.labels(outcome="lost").inc()
                self._lost()
                break
            telemetry.HEARTBEATS.labels(outcome="renewed").inc()
            self._lease.extend(began)
        self._close()

    def _beat(self) -> bool:
        """Renew the row, and return whether it is still there."""
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            tx = Tx(self._connection, clock=self._lease.store.clock)
            return workers.beat(tx, self._lease.id, lease=self._lease.length)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except sa.exc.SQLAlchemyError:
                log.debug("heartbeat.closed", worker=self._lease.id)


def of(lease: Lease, *, lost: Callable[[], Any]) -> Heartbeat:
    """Start the heartbeat of a lease."""
    heartbeat = Heartbeat(lease, lost=lost)
    heartbeat.start()
    return heartbeat
