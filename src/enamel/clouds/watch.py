"""The watcher: the one poller per kind of resource that every waiter of a project subscribes to.

However many wait, the cloud sees one detailed list per interval, and after the first one only what has changed where
the cloud can tell. Nobody waits, nobody asks. A list is evidence, not truth: one that misses a resource once is not
believed, and neither is one that shows an older state than was seen before.
"""

import asyncio
import contextvars
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from enamel import telemetry
from enamel.clouds import asking, cache, rhythm
from enamel.clouds.asking import Lane
from enamel.model.errors import CloudUnauthorized, EnamelError, Gone

T = TypeVar("T")

FULL_EVERY = timedelta(seconds=60)
"""How often a list of everything checks what the lists of changes have told."""
OVERLAP = timedelta(seconds=30)
"""How far a list of changes goes back behind the one before: the clocks of a cloud's own hosts differ, too."""
FRESH = timedelta(seconds=1)
"""How old a look may be from which a list is answered."""
MISSES_BELIEVED = 2
OLDER_BELIEVED = 3
UNAUTHORIZED_BELIEVED_AFTER = 3
BACK_OFF_UP_TO = 15.0


class Seen(Struct, Generic[T], frozen=True, kw_only=True):
    """One resource in a list."""

    id: str
    updated: datetime | None
    """When the cloud last changed it."""
    value: T | None
    """None where the list says that it is deleted."""


class Look(Struct, Generic[T], frozen=True, kw_only=True):
    """One list."""

    seen: Sequence[Seen[T]]
    at: datetime | None
    """When it was begun, by the cloud's clock."""


class Source(Protocol[T]):
    """Where a watcher looks."""

    tells_changes: bool
    """Whether it can list only what has changed."""

    async def look(self, *, since: datetime | None, ids: Collection[str]) -> Look[T]:
        """List everything, or what has changed, deleted ones included, since a time of the cloud's clock.

        Args:
            since: None means everything.
            ids: Those that are waited for, for clouds that can be asked for just these.
        """

    async def one(self, id: str) -> T:
        """Look at one. Raises Gone."""

    def kind(self, value: T) -> str | None:
        """Return what those that take about as long as this one share; None where it is not being made."""

    def leaves(self, value: T) -> bool:
        """Tell whether it is being deleted, so that nobody wonders when it is missing."""


class _Waiter(Generic[T]):
    """Somebody who waits for a resource."""

    def __init__(
        self,
        done: Callable[[T | None], bool],
        *,
        seen: Callable[[T], None] | None,
        expected: rhythm.Expectation,
    ) -> None:
        self._done = done
        self._seen = seen
        self.expected = expected
        self.result: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self.context = contextvars.copy_context()
        self.kind: str | None = None
        """What the resource has in common with others, as first seen while it was being made."""

    def show(self, value: T | None) -> None:
        """Show a fresh look, which may end the wait."""
        if self.result.done():
            return
        try:
            if value is not None and self._seen is not None:
                self._seen(value)
            if self._done(value):
                self.result.set_result(value)
        except Exception as exc:
            self.result.set_exception(exc)


class _Subject(Generic[T]):
    """A resource that somebody waits for."""

    def __init__(self) -> None:
        self.waiters: list[_Waiter[T]] = []
        self.looked = False
        """Whether it was shown since the newest waiter came."""
        self.misses = 0
        """In how many lists of everything it was missing since it was last seen."""
        self.last: T | None = None
        """How it was last seen."""


class Watcher(Generic[T]):
    """The poller of one kind of resource."""

    def __init__(
        self,
        source: Source[T],
        *,
        pace: rhythm.Rhythm | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._now = now
        self._rhythm = pace or rhythm.Rhythm()
        self._subjects: dict[str, _Subject[T]] = {}
        self._overlooked: set[str] = set()
        """Those that are waited for and were in no list yet, or not in the last list of everything."""
        self._known: dict[str, Seen[T]] = {}
        self._older: dict[str, int] = {}
        self._known_at: float | None = None
        self._full_at: float | None = None
        self._clock: datetime | None = None
        self._flights = cache.Flights()
        self._poller: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    async def until(
        self,
        id: str,
        done: Callable[[T | None], bool],
        *,
        due: timedelta | None = None,
        seen: Callable[[T], None] | None = None,
    ) -> T | None:
        """Return the resource as soon as `done` says so of a fresh look at it; None means that it is gone."""
        if due is None and (known := self._known.get(id)) is not None and known.value is not None:
            # What is there already may be as wanted already; only what is being made takes its time.
            due = None if self._source.kind(known.value) else timedelta(0)
        waiter = _Waiter(done, seen=seen, expected=self._rhythm.expect(self._now(), due=due))
        subject = self._subjects.setdefault(id, _Subject())
        subject.waiters.append(waiter)
        subject.looked = False
        self._wake.set()
        if self._poller is None or self._poller.done():
            # The poller belongs to nobody's record; each look is made in the context of one who waits.
            self._poller = asyncio.get_running_loop().create_task(self._poll(), context=contextvars.Context())
        try:
            with telemetry.WAITS.track_inprogress():
                return await waiter.result
        finally:
            self._drop(id, waiter)

    async def all(self) -> Sequence[T]:
        """Return everything there is, from a look that is fresh or made now."""
        if self._known_at is None or self._now() - self._known_at > FRESH.total_seconds():
            await self._flights.join("full", self._look_at_all)
        return self._values()

    async def all_from_now(self) -> Sequence[T]:
        """Return everything there is, from a list that begins after this call; many who ask share it."""
        asked = self._now()
        while await self._flights.join("full", self._look_at_all) < asked:
            pass
        return self._values()

    def changed(self) -> None:
        """Take note of a write: what is known is not fresh any more."""
        self._known_at = None

    async def close(self) -> None:
        """Stop looking; those who still wait are cancelled."""
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)
        for subject in self._subjects.values():
            for waiter in subject.waiters:
                waiter.result.cancel()
        await self._flights.close()

    def _values(self) -> list[T]:
        return [seen.value for seen in self._known.values() if seen.value is not None]

    def _drop(self, id: str, waiter: _Waiter[T]) -> None:
        waiter.expected.over = True
        subject = self._subjects.get(id)
        if subject is None:
            return
        subject.waiters = [other for other in subject.waiters if other is not waiter]
        if not subject.waiters:
            del self._subjects[id]
            self._overlooked.discard(id)
            self._older.pop(id, None)

    # -- the poller

    async def _poll(self) -> None:
        failures = unauthorized = 0
        while self._subjects:
            await self._pause()
            if not self._subjects:
                break
            somebody = next(iter(self._subjects.values())).waiters[0]
            try:
                await asyncio.get_running_loop().create_task(self._round(), context=somebody.context)
                failures = unauthorized = 0
            except EnamelError as exc:
                unauthorized = unauthorized + 1 if isinstance(exc, CloudUnauthorized) else 0
                if unauthorized >= UNAUTHORIZED_BELIEVED_AFTER:
                    self._fail(exc)
                    return
                # A cloud that is down comes back; how long that is waited for is the waiters' own affair.
                await asyncio.sleep(min(BACK_OFF_UP_TO, self._rhythm.often * 2**failures))
                failures += 1
            except Exception as exc:
                self._fail(exc)
                return

    async def _pause(self) -> None:
        """Sleep until a look is due; somebody new may be in more of a hurry."""
        while self._subjects:
            self._wake.clear()
            pause = self._rhythm.pause(self._now())
            if pause <= 0:
                return
            try:
                await asyncio.wait_for(self._wake.wait(), pause)
            except TimeoutError:
                return

    async def _round(self) -> None:
        """Look once, and tell everybody whom it concerns."""
        asking.move(Lane.WAITS)
        began = self._now()
        clock = self._clock if self._source.tells_changes else None
        full_is_old = self._full_at is None or began - self._full_at > FULL_EVERY.total_seconds()
        if clock is None or full_is_old or self._overlooked:
            await self._flights.join("full", self._look_at_all)
        else:
            look = await self._source.look(since=clock - OVERLAP, ids=self._subjects.keys())
            self._take(look, full=False, began=began)
        missing = [id for id in self._overlooked if self._subjects[id].misses >= MISSES_BELIEVED]
        await asyncio.gather(*(self._ask_for(id) for id in missing))
        self._rhythm.looked(self._now(), took=self._now() - began)

    async def _look_at_all(self) -> float:
        began = self._now()
        look = await self._source.look(since=None, ids=self._subjects.keys())
        self._take(look, full=True, began=began)
        return began

    def _take(self, look: Look[T], *, full: bool, began: float) -> None:
        before = self._known
        known = {} if full else dict(before)
        for seen in look.seen:
            last = before.get(seen.id)
            if last is not None and self._goes_backwards(last, seen):
                known[seen.id] = last
                continue
            if seen.value is None:
                known.pop(seen.id, None)
            else:
                known[seen.id] = seen
            if last is None or last.updated != seen.updated:
                self._rhythm.moved()
            self._show(seen.id, seen.value, began=began)
        self._known, self._known_at, self._clock = known, began, look.at
        if full:
            self._full_at = began
        self._miss({seen.id for seen in look.seen}, full=full, began=began)

    def _miss(self, there: set[str], *, full: bool, began: float) -> None:
        """Take note of those who are waited for and were not in a list."""
        for id, subject in self._subjects.items():
            if id in there or (subject.looked and not full):
                continue
            if any(waiter.expected.since <= began for waiter in subject.waiters):
                subject.misses += full
                self._overlooked.add(id)

    def _goes_backwards(self, last: Seen[T], seen: Seen[T]) -> bool:
        if last.updated is None or seen.updated is None or seen.updated >= last.updated:
            self._older.pop(seen.id, None)
            return False
        # A replica that lags shows an older state once or twice. What stays older was written by a host whose clock
        # is behind, and is the truth.
        self._older[seen.id] = self._older.get(seen.id, 0) + 1
        return self._older[seen.id] < OLDER_BELIEVED

    def _show(self, id: str, value: T | None, *, began: float) -> None:
        subject = self._subjects.get(id)
        if subject is None:
            return
        subject.misses = 0
        subject.last = value
        self._overlooked.discard(id)
        fresh = [waiter for waiter in subject.waiters if waiter.expected.since <= began]
        subject.looked = len(fresh) == len(subject.waiters)
        for waiter in fresh:
            if value is not None:
                self._learn(waiter, value)
            waiter.show(value)
            if waiter.result.done():
                self._drop(id, waiter)

    def _learn(self, waiter: _Waiter[T], value: T) -> None:
        kind = self._source.kind(value)
        if kind is not None and waiter.kind is None:
            waiter.kind = kind
            waiter.expected = self._rhythm.expect_like(kind, waiter.expected)
        elif kind is None and waiter.kind is not None:
            self._rhythm.learn(waiter.kind, seconds=self._now() - waiter.expected.since)
            waiter.kind = None

    async def _ask_for(self, id: str) -> None:
        """Ask for one by name that the lists have missed."""
        began = self._now()
        last = self._subjects[id].last
        if last is not None and self._source.leaves(last):
            self._show(id, None, began=began)
            return
        try:
            value = await self._source.one(id)
        except Gone:
            self._show(id, None, began=began)
        else:
            self._show(id, value, began=began)

    def _fail(self, exc: Exception) -> None:
        for subject in self._subjects.values():
            for waiter in subject.waiters:
                if not waiter.result.done():
                    waiter.result.set_exception(exc)
        self._subjects.clear()
        self._overlooked.clear()
