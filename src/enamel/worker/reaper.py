"""The reaper: returns the tasks of dead workers, ends tasks that were not claimed in time, and removes old records."""

import asyncio
from datetime import timedelta

import structlog

from enamel import telemetry
from enamel.dispatch.base import Dispatch
from enamel.dispatch.hint import Stage
from enamel.model import topic
from enamel.model.errors import SecretMissing
from enamel.model.task import Task
from enamel.secrets.base import Keys
from enamel.store import claims, idempotency, retention, secrets, workers
from enamel.store.lease import Lease

log = structlog.get_logger(__name__)

_ROUNDS_TO_TIDY = 120


class Reaper:
    """Maintains the tasks of all workers. Every worker has one; they do not conflict."""

    def __init__(
        self,
        lease: Lease,
        *,
        dispatch: Dispatch,
        keys: Keys,
        topics: topic.Topics,
        retention: timedelta | None = None,
    ) -> None:
        """Prepare a reaper.

        Args:
            lease: The lease of its worker.
            dispatch: Notifies workers of tasks that wait again.
            keys: Where the secrets of ended tasks are removed.
            topics: The types of tasks that its worker serves: it ends none of them for being late.
            retention: How long ended tasks are kept; None for ever.

        """
        self._lease = lease
        self._topics = topics
        self._retention = retention
        self._dispatch = dispatch
        self._keys = keys

    async def serve(self) -> None:
        """Reap while the lease lasts, twice in the length of a lease.

        Raises:
            LeaseLost: Another worker has reaped this one.

        """
        rounds, swept = 0, ""
        while True:
            await self.reap()
            swept = await self._lease.run(secrets.sweep, after=swept)
            if rounds % _ROUNDS_TO_TIDY == 0:
                await self.tidy()
            rounds += 1
            await asyncio.sleep(self._lease.length.total_seconds() / 2)

    async def reap(self, *, everyone: bool = False) -> None:
        """Return the tasks of dead workers to their topics, and end those whose deadline passed before they were claimed.

        Args:
            everyone: Whether every other worker is known to be dead, even if its lease lasts.

        """
        reaped = await self._lease.run(workers.reap, but=self._lease.id, everyone=everyone)
        if reaped.workers:
            log.warning("worker.reaped", workers=sorted(reaped.workers), tasks=len(reaped.tasks))
            telemetry.REAPED.inc(len(reaped.tasks))
        for id, type in reaped.tasks.items():
            await self._dispatch.publish(type, task=id, stage=Stage.RETURNED)
        for late in await self._lease.run(claims.time_out, served=self._topics):
            self._dispatch.changed(late.id)
            await self.bury(late)

    async def tidy(self) -> None:
        """Remove old answers, old tasks, and from the key store what was released."""
        await self._lease.run(idempotency.purge)
        if self._retention is not None:
            while purged := await self._lease.run(retention.purge, older_than=self._retention):
                log.info("tasks.purged", tasks=purged)
        await self._remove_secrets()

    async def bury(self, ended: Task) -> None:
        """Count an ended task and remove its secrets from the key store, unless a restart may need them."""
        telemetry.TASKS.labels(type=ended.type, state=ended.state.value).inc()
        if ended.ended_at is not None:
            spent = (ended.ended_at - ended.created_at).total_seconds()
            telemetry.TASK_SECONDS.labels(type=ended.type).observe(max(0.0, spent))
        if ended.secrets:
            await self._lease.run(secrets.release, ended)
            await self._remove_secrets()

    async def _remove_secrets(self) -> None:
        """Remove from the key store what was released."""
        gone = []
        for ref in await self._lease.run(secrets.left):
            try:
                await self._keys.delete(ref)
                gone.append(ref)
            except (SecretMissing, OSError) as error:
                # It stays in the list: the next round tries again.
                log.warning("secret.left", ref=ref, error=str(error))
        if gone:
            await self._lease.run(secrets.gone, gone)
