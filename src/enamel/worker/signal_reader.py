"""The signal reader: wakes the steps of a worker for which messages have arrived."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from enamel.dispatch.base import Dispatch
from enamel.flow.signals import SignalWaiters
from enamel.model import topic
from enamel.model.errors import StoreUnavailable
from enamel.model.signal import Signal
from enamel.store import signals
from enamel.store.engine import Store
from enamel.store.lease import Lease

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_PAUSE = 0.05
"""Seconds between two reads at least: many hints that come together are one."""


def waiters(store: Store) -> SignalWaiters:
    """Return the waiters of a worker, which read their messages from the store."""

    async def read(task: str, name: str) -> Sequence[Signal]:
        return await store.read(signals.list, task, name)

    return SignalWaiters(read)


class SignalReader:
    """Looks for messages of all the worker's tasks in one query, when a hint says so, and now and then without one."""

    def __init__(
        self,
        lease: Lease,
        *,
        waiters: SignalWaiters,
        dispatch: Dispatch,
        poll_interval: timedelta = timedelta(seconds=5),
    ) -> None:
        """Prepare a reader.

        Args:
            lease: The worker's lease.
            waiters: The steps that wait.
            dispatch: Brings the hints.
            poll_interval: How often it looks without a hint: hints may get lost.
        """
        self._lease = lease
        self._waiters = waiters
        self._dispatch = dispatch
        self._poll_interval = poll_interval.total_seconds()

    async def serve(self, topics: topic.Topics) -> None:
        """Wake steps until it is cancelled."""
        with self._dispatch.listen(topics) as bell:
            while True:
                await bell.wait(timeout=self._poll_interval)
                if not self._waiters.idle:
                    await self._read()
                await asyncio.sleep(_PAUSE)

    async def _read(self) -> None:
        """Wake the steps whose messages have arrived; while the store cannot be read, the next time does."""
        try:
            self._waiters.wake(await self._lease.store.read(signals.counts, self._lease.id))
        except StoreUnavailable as error:
            log.warning("signals.unread", why=error.detail)
