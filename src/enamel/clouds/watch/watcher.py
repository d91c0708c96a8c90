"""The watcher: the one poller per kind of resource that every waiter of a project subscribes to.

However many wait, in however many processes, the cloud sees one detailed list per interval, and after the first one only
what has changed where the cloud can tell. Nobody waits, nobody asks.
"""

import asyncio
import contextvars
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from enamel import telemetry
from enamel.clouds.calls import context
from enamel.clouds.watch import schedule
from enamel.clouds.watch.poller import Poller, Sharing
from enamel.clouds.watch.snapshot import MISSES_BELIEVED, Poll, Source
from enamel.clouds.watch.waiter import Subject, Waiter
from enamel.model.call_context import Lane
from enamel.model.errors import CloudUnauthorized, EnamelError, Gone

T = TypeVar("T")

UNAUTHORIZED_BELIEVED_AFTER = 3
BACK_OFF_UP_TO = 15.0


class Watcher(Generic[T]):
    """The poller of one kind of resource."""

    def __init__(
        self,
        source: Source[T],
        *,
        sharing: Sharing[T] | None = None,
        pace: schedule.Schedule | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a watcher; nothing is polled yet.

        Args:
            source: What is polled.
            sharing: With whom polls are shared; None for kinds that each process polls for itself.
            pace: When to poll.
            now: The clock of this process.
        """
        self._source = source
        self._now = now
        self._rhythm = pace or schedule.Schedule()
        self._subjects: dict[str, Subject[T]] = {}
        self._overlooked: set[str] = set()
        """Those that are waited for and were in no list yet, or not in the last list of everything."""
        self._lookout = Poller(
            source,
            learnt=self._rhythm.learnt,
            took=self._take,
            waited_for=self._subjects.keys(),
            sharing=sharing,
            now=now,
        )
        self._looked_at = float("-inf")
        """When the last poll was begun."""
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
        """Return the resource as soon as `done` is true of a fresh poll of it; None means that it is gone."""
        if due is None and (known := self._lookout.picture.get(id)) is not None:
            # What is there already may be as wanted already; only what is being made takes its time.
            due = None if self._source.kind(known) else timedelta(0)
        waiter = Waiter(done, seen=seen, expected=self._rhythm.expect(self._now(), due=due))
        self._subjects.setdefault(id, Subject()).add(waiter)
        self._wake.set()
        if self._poller is None or self._poller.done():
            # The poller is in no record of its own; each poll is made in the context of one waiter.
            self._poller = asyncio.get_running_loop().create_task(self._poll(), context=contextvars.Context())
        try:
            with telemetry.WAITS.track_inprogress():
                return await waiter.result
        finally:
            self._drop(id, waiter)

    async def all(self) -> Sequence[T]:
        """Return everything, from a poll that is fresh or made now."""
        return (await self._lookout.fresh()).values()

    async def all_from_now(self) -> Sequence[T]:
        """Return everything there is, from a list that begins after this call; many who ask share it."""
        return (await self._lookout.from_now()).values()

    async def find(self, id: str) -> T | None:
        """Return a resource from a fresh poll; None if the poll does not show it."""
        return (await self._lookout.fresh()).get(id)

    def last_seen(self, id: str) -> T | None:
        """Return a resource as the last poll showed it, however long ago that was; None if it did not."""
        return self._lookout.picture.get(id)

    async def changed(self) -> None:
        """Record a write: what is known is no longer fresh, here and in the other processes."""
        await self._lookout.changed()

    @property
    def in_use(self) -> bool:
        """Whether somebody waits."""
        return bool(self._subjects) or self._lookout.in_use

    async def close(self) -> None:
        """Stop polling; waiters are cancelled."""
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)
        for subject in self._subjects.values():
            for waiter in subject.waiters:
                waiter.result.cancel()
        await self._lookout.close()

    def _drop(self, id: str, waiter: Waiter[T]) -> None:
        waiter.expected.over = True
        subject = self._subjects.get(id)
        if subject is None:
            return
        subject.waiters = [other for other in subject.waiters if other is not waiter]
        if not subject.waiters:
            del self._subjects[id]
            self._overlooked.discard(id)

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
        """Sleep until a poll is due; a new waiter may need one earlier."""
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
        """Poll once, and show it to the waiters it concerns."""
        context.move(Lane.WAITS)
        began = self._now()
        await self._lookout.look(due=self._rhythm.is_hot(began), everything=bool(self._overlooked))
        missing = [id for id in self._overlooked if self._subjects[id].misses >= MISSES_BELIEVED]
        await asyncio.gather(*(self._ask_for(id) for id in missing))
        self._rhythm.looked(self._now(), took=self._now() - began)
        await self._lookout.tell()

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
            self._lookout.picture.bury(id, now=began)
            self._show(id, None, began=began)
        else:
            self._show(id, value, began=began)

    def _take(self, poll: Poll[T], since: datetime | None, began: float) -> None:
        """Show a poll to the waiters it concerns."""
        for seen, is_new in self._lookout.picture.take(poll, since=since, began=began):
            if is_new:
                self._rhythm.moved()
            self._show(seen.id, seen.value, began=began)
        self._looked_at = began
        listed = {seen.id for seen in poll.seen}
        for id, subject in self._subjects.items():
            if id not in listed and subject.miss(full=since is None, began=began):
                self._overlooked.add(id)

    def _show(self, id: str, value: T | None, *, began: float) -> None:
        subject = self._subjects.get(id)
        if subject is None:
            return
        self._overlooked.discard(id)
        for waiter in subject.show(value, began=began):
            if value is not None:
                self._learn(waiter, value)
            waiter.show(value)
            if waiter.result.done():
                self._drop(id, waiter)

    def _learn(self, waiter: Waiter[T], value: T) -> None:
        kind = self._source.kind(value)
        if kind is not None and waiter.kind is None:
            waiter.kind = kind
            waiter.expected = self._rhythm.expect_like(kind, waiter.expected)
        elif kind is None and waiter.kind is not None:
            since = waiter.expected.since
            before = max(0.0, self._looked_at - since)
            self._rhythm.learnt.add(waiter.kind, seconds=self._now() - since, before=before)
            waiter.kind = None

    def _fail(self, exc: Exception) -> None:
        for subject in self._subjects.values():
            for waiter in subject.waiters:
                if not waiter.result.done():
                    waiter.result.set_exception(exc)
        self._subjects.clear()
        self._overlooked.clear()
