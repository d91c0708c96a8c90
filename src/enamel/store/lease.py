"""The lease: a worker's right to its tasks, as long as it renews it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Concatenate, ParamSpec, TypeVar

from enamel.model import ids
from enamel.model.errors import LeaseLost
from enamel.model.task import Task
from enamel.store import claims, workers
from enamel.store.engine import Store
from enamel.store.transaction import Tx

P = ParamSpec("P")
T = TypeVar("T")


class Lease:
    """One worker's lease. The database's clock ends it for others; the worker's own clock ends it for itself."""

    def __init__(
        self,
        store: Store,
        *,
        name: str,
        length: timedelta = timedelta(seconds=5),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a lease; `take` acquires it.

        Args:
            store: Where leases are.
            name: The worker's name, for example host and process id.
            length: How long it lasts without being renewed.
            clock: The worker's own clock.

        """
        self.store = store
        self.name = name
        self.length = length
        self.id = ""
        """The worker's id, a new one with every `take`."""
        self.over = asyncio.Event()
        """Set when the lease is known to be lost: stop everything, write nothing."""
        self.over.set()
        self._clock = clock
        self._until = 0.0

    def alive(self) -> bool:
        """Tell whether something may still be started under this lease."""
        return not self.over.is_set() and self._clock() < self._until

    async def take(self) -> None:
        """Register as a new worker; everything started under an earlier lease must have stopped."""
        began = self._clock()
        worker = ids.new_id()
        await self.store.run(workers.register, worker, name=self.name, lease=self.length)
        self.id = worker
        self._until = began + self.length.total_seconds()
        self.over.clear()

    async def renew(self) -> frozenset[str]:
        """Make the lease last from now, and return the worker's tasks whose end was asked for.

        Raises:
            LeaseLost: Another worker has reaped it.

        """
        self.check()
        began = self._clock()
        try:
            cancelled = await self.store.run_urgent(workers.renew, self.id, self.id, lease=self.length)
        except LeaseLost:
            self.over.set()
            raise
        self.extend(began)
        return cancelled

    def now(self) -> float:
        """Return the time of the worker's own clock, in seconds."""
        return self._clock()

    def extend(self, since: float) -> None:
        """Make the lease last from a time of the worker's own clock; the heartbeat does so from its thread."""
        self._until = max(self._until, since + self.length.total_seconds())

    async def leave(self) -> dict[str, str]:
        """Give the lease back, with every task that the worker still has; return these with their types."""
        freed = await self.run(workers.leave, self.id)
        self.over.set()
        return freed

    async def run(self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a function in a transaction that holds the lease; wait while the database is unavailable.

        Raises:
            LeaseLost: Another worker has reaped it; nothing was written.

        """
        self.check()
        try:
            return await self.store.run_fenced(function, self.id, *args, **kwargs)
        except LeaseLost:
            self.over.set()
            raise

    async def settle(self, task: str) -> Task | None:
        """Finish with a task and return how it ended; one that has not goes back to its topic.

        Raises:
            LeaseLost: Another worker has reaped the lease; nothing was written.

        """
        self.check()
        try:
            return await self.store.save(_settle, (self.id, task), worker=self.id)
        except LeaseLost:
            self.over.set()
            raise

    def check(self) -> None:
        """Make sure that the lease is not known to be lost.

        Raises:
            LeaseLost: It is.

        """
        if self.over.is_set():
            raise LeaseLost(f"The worker {self.name} has no lease.")


def _settle(tx: Tx, finished: Sequence[tuple[str, str]]) -> list[Task | None]:
    """Finish with many tasks at once; writes that come together have one lease, and so one worker."""
    return claims.settle(tx, finished[0][0], [task for _, task in finished])
