"""The writer: the one thread that writes, for many callers in one commit."""

import asyncio
import enum
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog

from enamel import telemetry
from enamel.model.errors import LeaseLost, StoreRefused, StoreUnavailable
from enamel.store import dialects, workers
from enamel.store.transaction import Tx

log = structlog.get_logger(__name__)

_AT_MOST = 1000
"""Most writes in one commit, so that none waits long behind many others."""
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_TOGETHER = 3
"""Failures in the middle of its statements after which a batch is divided: one of its writes may be to blame."""
_ALONE = 8
"""Ends of the connection in the middle of a single write after which that write is to blame."""


class Series:
    """Writes that build on each other: after one that was refused, none of the later ones is carried out."""

    __slots__ = ("pending", "refused")

    def __init__(self) -> None:
        self.pending = 0
        """How many of its writes are under way, for whoever queues them."""
        self.refused: Exception | None = None
        """Why a write of the series was refused."""


class Write:
    """One function that is queued for a transaction."""

    __slots__ = ("dropped", "fence", "future", "series", "urgent", "work")

    def __init__(
        self,
        work: Callable[[Tx], Any],
        *,
        future: asyncio.Future[Any],
        fence: str | None = None,
        urgent: bool = False,
        series: Series | None = None,
    ) -> None:
        self.work = work
        self.future = future
        self.urgent = urgent
        """Whether it overtakes what is queued: a lease must not expire behind the writes under it."""
        self.fence = fence
        """The worker whose lease must hold; without it, nothing is written."""
        self.series = series
        self.dropped = False
        """Whether the caller has stopped waiting: the write is not started any more."""


class Save(Write):
    """A record that is written together with its neighbours in the queue, by one function for all of them."""

    __slots__ = ("bulk", "record")

    def __init__(
        self,
        bulk: Callable[[Tx, Sequence[Any]], Sequence[Any] | None],
        *,
        record: object,
        future: asyncio.Future[Any],
        fence: str | None = None,
        series: Series | None = None,
    ) -> None:
        """Take a record.

        Args:
            bulk: Writes records, and returns one answer for each, or None where there are none to give.
            record: The record.
            future: Gets the answer.
            fence: The worker whose lease must hold.
            series: The writes on which it builds.

        """
        super().__init__(
            lambda tx: _answers(bulk(tx, [record]), of=1)[0], future=future, fence=fence, series=series
        )
        self.bulk = bulk
        self.record = record


def _answers(given: Sequence[Any] | None, *, of: int) -> Sequence[Any]:
    return [None] * of if given is None else given


T = TypeVar("T")
Outcome = tuple[Any, Exception | None]


class Sign(enum.Enum):
    """Entries of the queue that write nothing."""

    LOOK = "look"
    """An urgent write was queued."""
    END = "end"
    """No more writes follow."""


class Writer:
    """Commits everything that is queued in one transaction; each write fails or succeeds on its own."""

    def __init__(
        self, engine: sa.Engine, *, loop: asyncio.AbstractEventLoop, clock: Callable[[], datetime] | None
    ) -> None:
        self._engine = engine.execution_options(**{dialects.WRITES: True})
        self._loop = loop
        self._clock = clock
        self._waiting: queue.SimpleQueue[Write | Sign] = queue.SimpleQueue()
        self._urgent: queue.SimpleQueue[Write] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._under_way = False
        """Whether the database has begun to carry out the statements of a batch."""
        self.outage: str | None = None
        """What keeps the database from being written, in a sentence; None if nothing does."""
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()

    def put(self, write: Write) -> None:
        """Queue a write; writes are carried out in the order of the queue."""
        if self._closing.is_set():
            raise StoreUnavailable("The store was closed.")
        if write.urgent:
            self._urgent.put(write)
            self._waiting.put(Sign.LOOK)
        else:
            self._waiting.put(write)

    async def close(self) -> None:
        """Write what is queued, then end the thread; writes that an outage delays fail."""
        self._closing.set()
        self._waiting.put(Sign.END)
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        open_for_more = True
        while open_for_more:
            waiting = [self._waiting.get(), *_all(self._waiting, limit=_AT_MOST - 1)]
            open_for_more = Sign.END not in waiting
            for batch in (
                _all(self._urgent, limit=_AT_MOST),
                [write for write in waiting if not isinstance(write, Sign)],
            ):
                try:
                    self._carry_out(batch)
                except Exception as error:
                    # Without this thread, the process would write nothing any more, and nobody would know.
                    log.exception("store.writer_broke", writes=len(batch))
                    self._tell(batch, [(None, error)] * len(batch))

    def _carry_out(self, batch: list[Write], *, repeated: bool = False) -> None:
        """Write a batch, however long the database is unavailable; divide it if it is to blame itself.

        Args:
            batch: The writes.
            repeated: Whether they may have been committed already.

        """
        pause, broken = _FIRST_PAUSE, 0
        while batch := [write for write in batch if not write.dropped]:
            try:
                outcomes = self._commit_timed(batch, repeated=repeated)
            except Exception as error:
                trouble = dialects.trouble(error)
                broken += self._under_way and trouble is not dialects.Trouble.CONFLICT
                final = self._final(trouble, error, alone=len(batch) == 1, broken=broken)
                if final is None:
                    self._note(trouble, error, waiting=len(batch))
                    repeated = repeated or trouble is dialects.Trouble.OUTAGE
                    if len(batch) > 1 and (trouble is dialects.Trouble.TOO_LARGE or broken >= _TOGETHER):
                        middle = len(batch) // 2
                        self._carry_out(batch[:middle], repeated=repeated)
                        self._carry_out(batch[middle:], repeated=repeated)
                        return
                    self._closing.wait(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
                    continue
                outcomes = [(None, final)] * len(batch)
                _break_series(batch, outcomes)
            else:
                self._note_success()
            self._tell(batch, outcomes)
            return

    def _final(
        self, trouble: dialects.Trouble | None, error: Exception, *, alone: bool, broken: int
    ) -> Exception | None:
        """Return the error with which a batch fails for good; None if it is to be tried again."""
        if trouble is None:
            return error
        if self._closing.is_set():
            return StoreUnavailable("The database became unavailable while the store was being closed.")
        too_large = trouble is dialects.Trouble.TOO_LARGE
        if alone and (too_large or (broken >= _ALONE and dialects.ended_connection(error))):
            why = dialects.reason(error)
            return StoreRefused(
                f"The database accepts no record of this size: {why}."
                if too_large
                else f"The database ended the connection during this write, {broken} times: {why}.",
                remedy="See the database server's log; on MariaDB and MySQL, raise max_allowed_packet.",
            )
        return None

    def _note(self, trouble: dialects.Trouble | None, error: Exception, *, waiting: int) -> None:
        """Log and count why a batch failed."""
        telemetry.STORE_TROUBLE.labels(kind=trouble.value if trouble else "").inc()
        if trouble is not dialects.Trouble.OUTAGE:
            return
        if self.outage is None:
            log.warning("store.away", error=dialects.reason(error), waiting=waiting)
        self.outage = dialects.symptom(error)
        dialects.let_go(self._engine)

    def _note_success(self) -> None:
        if self.outage is not None:
            self.outage = None
            log.info("store.back")

    def _commit_timed(self, batch: list[Write], *, repeated: bool) -> list[Outcome]:
        self._under_way = False
        began = time.perf_counter()
        outcomes = self._commit(batch, repeated=repeated)
        _break_series(batch, outcomes)
        telemetry.STORE_BATCH.observe(len(batch))
        telemetry.STORE_COMMIT.observe(time.perf_counter() - began)
        return outcomes

    def _commit(self, batch: list[Write], *, repeated: bool) -> list[Outcome]:
        with self._engine.connect() as connection, connection.begin():
            tx = Tx(connection, clock=self._clock, repeated=repeated)
            fences = {write.fence for write in batch if write.fence}
            # Before all else, so that every worker acquires its locks in the same order: lease, then tasks.
            held = workers.hold(tx, fences) if fences else set()
            self._under_way = True
            refused: dict[Series, Exception] = {}
            outcomes: list[Outcome] = []
            for fence, group in _groups(batch):
                if fence and fence not in held:
                    lost = LeaseLost(f"The lease of worker {fence} is over; others have its tasks now.")
                    outcomes += [(None, lost)] * len(group)
                else:
                    outcomes += _write(tx, group, refused)
            return outcomes

    def _tell(self, batch: list[Write], outcomes: list[Outcome]) -> None:
        try:
            self._loop.call_soon_threadsafe(_resolve, batch, outcomes)
        except RuntimeError:  # the loop is closed: no caller waits any more
            pass


def _all(waiting: "queue.SimpleQueue[T]", *, limit: int) -> list[T]:
    """Return what a queue holds, up to a limit."""
    taken: list[T] = []
    while len(taken) < limit:
        try:
            taken.append(waiting.get_nowait())
        except queue.Empty:
            break
    return taken


def _groups(batch: list[Write]) -> Iterator[tuple[str | None, list[Write]]]:
    """Yield the batch in its order; neighbours that can be written together come together."""

    def kind(write: Write) -> tuple[str | None, object]:
        return write.fence, write.bulk if isinstance(write, Save) else write

    for (fence, _), group in itertools.groupby(batch, key=kind):
        yield fence, list(group)


def _write(tx: Tx, group: list[Write], refused: dict[Series, Exception]) -> list[Outcome]:
    """Write a group inside the transaction; if it fails, write its members one by one.

    Args:
        tx: The transaction.
        group: The writes.
        refused: The series of which this transaction has refused a write, and why; more are added.

    """
    first = group[0]
    earlier = [_earlier(write, refused) for write in group]
    if len(group) > 1 and any(earlier):
        return [outcome for write in group for outcome in _write(tx, [write], refused)]
    if earlier[0] is not None:
        return [(None, earlier[0])]
    try:
        with tx.savepoint():
            if isinstance(first, Save) and len(group) > 1:
                given = first.bulk(tx, [write.record for write in group if isinstance(write, Save)])
                return [(answer, None) for answer in _answers(given, of=len(group))]
            return [(first.work(tx), None)]
    except Exception as error:
        # A deadlock or a lost connection has ended the whole transaction, not just this part of it.
        if dialects.trouble(error) is not None:
            raise
        if len(group) == 1:
            if first.series is not None:
                refused[first.series] = error
            return [(None, error)]
        return [outcome for write in group for outcome in _write(tx, [write], refused)]


def _earlier(write: Write, refused: dict[Series, Exception]) -> Exception | None:
    """Return why an earlier write of the same series was refused."""
    return None if write.series is None else write.series.refused or refused.get(write.series)


def _break_series(batch: list[Write], outcomes: list[Outcome]) -> None:
    """End the series of writes that were refused. Only now: a transaction that is repeated may end otherwise."""
    for write, (_, error) in zip(batch, outcomes, strict=True):
        if write.series is not None and error is not None:
            write.series.refused = write.series.refused or error


def _resolve(batch: list[Write], outcomes: list[Outcome]) -> None:
    for write, (value, error) in zip(batch, outcomes, strict=True):
        if write.future.done():
            continue
        if error is None:
            write.future.set_result(value)
        else:
            write.future.set_exception(error)
