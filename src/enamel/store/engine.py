"""The store: runs functions over a transaction, off the loop."""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from enamel.model.errors import StoreUnavailable
from enamel.store import dialects
from enamel.store.clock import MACHINE, StoreClock, elapsed
from enamel.store.transaction import Tx
from enamel.store.writer import Save, Series, Write, Writer

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_READERS = 4
_READ_TRIES = 3
_CLOCK_EVERY = 10.0
"""Seconds between two readings of the database's clock."""


class Store:
    """The task store of one process.

    Everything is written through one thread, which commits all that waits in one transaction; reads have connections
    of their own and see what was committed. Make it inside the loop that will use it.
    """

    def __init__(
        self,
        url: str,
        *,
        idle_after: timedelta = timedelta(seconds=5),
        timeout: timedelta = timedelta(seconds=5),
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Open the store.

        Args:
            url: The database's URL.
            idle_after: The lease of a worker; see `dialects.connect`.
            timeout: How long `run` and `read` wait for a database that is away.
            clock: Replaces the database's clock in tests.

        """
        self.engine: sa.Engine = dialects.connect(url, idle_after=idle_after)
        self.clock = clock
        """Replaces the database's clock in tests; None for that."""
        self.now = StoreClock(before=clock or MACHINE)
        """The database's time between transactions; `read_clock` reads it."""
        self._patience = timeout.total_seconds()
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(self.engine, loop=self._loop, clock=clock)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")

    async def run(self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a function in a transaction that writes, and return what it returns once that is committed.

        Raises:
            StoreUnavailable: The database is unavailable. The function may have been carried out all the same, if it
                went away in the middle of the commit.

        """
        future: asyncio.Future[T] = self._loop.create_future()
        write = Write(functools.partial(_call, function, args, kwargs), future=future)
        self._writer.put(write)
        try:
            async with asyncio.timeout(self._patience):
                return await future
        except TimeoutError as error:
            raise StoreUnavailable(self._unwritten()) from error
        finally:
            write.dropped = True

    async def run_fenced(
        self, function: Callable[Concatenate[Tx, P], T], worker: str, /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Carry out a function in a transaction that first locks a worker's lease; wait without a timeout.

        Raises:
            LeaseLost: The worker's lease is gone; nothing was written.

        """
        return await self._fenced(functools.partial(_call, function, args, kwargs), worker)

    async def run_urgent(
        self, function: Callable[Concatenate[Tx, P], T], worker: str, /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do the same before everything that waits already.

        Raises:
            LeaseLost: The worker's lease is gone; nothing was written.

        """
        return await self._fenced(functools.partial(_call, function, args, kwargs), worker, urgent=True)

    async def _fenced(self, work: Callable[[Tx], T], worker: str, *, urgent: bool = False) -> T:
        future: asyncio.Future[T] = self._loop.create_future()
        self._writer.put(Write(work, future=future, fence=worker, urgent=urgent))
        return await future

    def save(
        self,
        bulk: Callable[[Tx, Sequence[R]], Sequence[T] | None],
        record: R,
        *,
        worker: str,
        series: Series | None = None,
    ) -> asyncio.Future[T]:
        """Queue a record for a function that writes many at once, under a worker's lease.

        Neighbours in the queue that have the same function are written together. The future has what the function
        returned for this record, and fails if an earlier write of the same series was refused.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._writer.put(Save(bulk, record=record, future=future, fence=worker, series=series))
        return future

    async def read(
        self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Carry out a function that only reads, beside the writer.

        Raises:
            StoreUnavailable: The database is unavailable.

        """
        call = functools.partial(_call, function, args, kwargs)
        try:
            async with asyncio.timeout(self._patience):
                return await self._loop.run_in_executor(self._readers, self._read, call)
        except TimeoutError as error:
            raise StoreUnavailable() from error

    @property
    def outage(self) -> str | None:
        """Return what keeps the database from being written, in a sentence; None if nothing is known to."""
        return self._writer.outage

    def _unwritten(self) -> str:
        return f"The task store cannot be written. {self.outage or 'It does not answer in time.'}"

    async def read_clock(self) -> None:
        """Read the database's clock, for `now`.

        Raises:
            StoreUnavailable: The database is unavailable.

        """
        asked_at = elapsed()
        self.now.learn(await self.read(_now), asked_at=asked_at)

    async def keep_time(self) -> None:
        """Read the database's clock again and again, and notice when a clock has jumped, until it is cancelled."""
        while True:
            await asyncio.sleep(_CLOCK_EVERY)
            MACHINE()
            with contextlib.suppress(StoreUnavailable):
                await self.read_clock()

    async def close(self) -> None:
        """Write what is queued and close the database."""
        await self._writer.close()
        await asyncio.to_thread(self._readers.shutdown)
        self.engine.dispose()

    def _read(self, call: Callable[[Tx], T]) -> T:
        for attempt in range(1, _READ_TRIES + 1):
            try:
                with self.engine.connect() as connection, connection.begin():
                    return call(Tx(connection, clock=self.clock))
            except sa.exc.SQLAlchemyError as error:
                if dialects.trouble(error) is None:
                    raise
                if attempt == _READ_TRIES:
                    raise StoreUnavailable(
                        f"The task store cannot be read. {dialects.symptom(error)}"
                    ) from error
        raise AssertionError("the last attempt returns or raises")


def _now(tx: Tx) -> datetime:
    return tx.now


def _call(function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any], tx: Tx) -> T:
    return function(tx, *args, **kwargs)
