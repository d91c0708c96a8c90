"""The reaper: returns the tasks of dead workers, ends tasks that were not claimed in time, and removes old records."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog

from enamel import telemetry
from enamel.dispatch.base import Dispatch
from enamel.dispatch.hint import Stage
from enamel.flow import task_log
from enamel.model import topic
from enamel.model.errors import SecretMissing
from enamel.model.task import Task
from enamel.secrets.base import Keys
from enamel.store import claims, idempotency, queue_order, retention, secrets, tasks, webhooks, workers
from enamel.store.lease import Lease
from enamel.store.transaction import Tx

log = structlog.get_logger(__name__)

_ROUNDS_TO_SEARCH = 24
"""After how many rounds the queue is searched for tasks that were accepted behind its beginning."""
_ROUNDS_TO_REMOVE = 4
"""After how many rounds released secrets are removed from the key store."""
_TIDY_EVERY = 300.0
"""Seconds between two rounds of tidying where everything was removed that is old …"""
_TIDY_ON = 5.0
"""… and where there is more."""
_TIDY_FOR = 1.0
"""Seconds that one round takes."""
_PORTION = 50
"""Most tasks that are removed in one transaction: other writes wait for it."""
_SWEEPS = (secrets.sweep, tasks.sweep, webhooks.sweep)
"""What finds, some records in each round, what a process left behind that died or is of the version before."""


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
        rounds, swept = 0, dict.fromkeys(_SWEEPS, "")
        while True:
            await self.reap()
            await self._lease.run(queue_order.advance, thorough=rounds % _ROUNDS_TO_SEARCH == 0)
            for sweep, last in swept.items():
                swept[sweep] = await self._lease.run(sweep, after=last)
            if rounds % _ROUNDS_TO_REMOVE == 0:
                await self._remove_secrets()
            rounds += 1
            await asyncio.sleep(self._lease.length.total_seconds() / 2)

    async def tidy_for_ever(self) -> None:
        """Remove what is old, a little at a time, beside the reaping.

        Raises:
            LeaseLost: Another worker has reaped this one.

        """
        while True:
            done = await self.tidy()
            await asyncio.sleep(_TIDY_EVERY if done else _TIDY_ON)

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

    async def tidy(self) -> bool:
        """Remove old answers, old tasks, and from the key store what was released, for about a second.

        Returns:
            Whether nothing that is old is left.

        """
        until = asyncio.get_running_loop().time() + _TIDY_FOR
        purges: list[Callable[[Tx], int]] = [idempotency.purge]
        if self._retention is not None:
            purges.append(partial(retention.purge, older_than=self._retention, limit=_PORTION))
        done = True
        for purge in purges:
            removed = total = await self._lease.run(purge)
            while removed and asyncio.get_running_loop().time() < until:
                removed = await self._lease.run(purge)
                total += removed
            done = done and not removed
            if total:
                log.info(
                    "store.purged", records=total, of="tasks" if purge is not idempotency.purge else "answers"
                )
        await self._remove_secrets()
        return done

    async def bury(self, ended: Task) -> None:
        """Count and log an ended task and remove its secrets from the key store, unless a restart may need them."""
        task_log.ended(ended)
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
            except SecretMissing as error:
                # It stays in the list: the next round tries again.
                log.warning("secret.left", ref=ref, error=str(error))
        if gone:
            await self._lease.run(secrets.gone, gone)
