"""The poller of one kind of resource: one poll at a time, and only those that no other process has made."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from enamel import telemetry
from enamel.clouds.calls import cache
from enamel.clouds.shared import store
from enamel.clouds.shared.shared_polls import HELD_FOR, Glance, Note, SharedPolls
from enamel.clouds.shared.store import SharedStore
from enamel.clouds.watch.durations import Durations
from enamel.clouds.watch.snapshot import Poll, Snapshot, Source

T = TypeVar("T")

FULL_EVERY = 60.0
"""Seconds after which a list of everything checks the lists of changes."""
FULL_EVERY_WHEN_DUE = 5.0
"""The same while something is due; on a cloud where it takes long, ten times as long as it takes."""
OVERLAP = timedelta(seconds=30)
"""How far a list of changes goes back behind the one before: the clocks of a cloud's own hosts differ, too."""
OVERLAP_SHARED = timedelta(seconds=15)
"""How much farther it goes back for other processes, which may have missed a few."""
FRESH = 1.0
"""How many seconds old a poll may be that answers for a list."""
FRESH_NEWS = 0.1
"""Seconds for which nobody asks the board whether another process has written."""
GLANCE_EVERY = 0.05
_TRIES = 3


class Sharing(Generic[T]):
    """With whom a poller shares its polls and what it learns."""

    def __init__(
        self, store: SharedStore, *, kind: str, answer: type[T], of: Callable[[], Awaitable[tuple[str, ...]]]
    ) -> None:
        """Take what sets this lookout apart.

        Args:
            store: The board.
            kind: What it polls.
            answer: What a resource is.
            of: Returns whose they are: the cloud first, then the project and what else makes a difference there.
        """
        self._board = store
        self._kind = kind
        self._answer = answer
        self._of = of
        self._looks: SharedPolls[T] | None = None
        self._learnt = ""

    async def begin(self, learnt: Durations, *, now: Callable[[], float]) -> SharedPolls[T]:
        """Return the shared polls; the first time, recall what was learnt."""
        if self._looks is None:
            cloud, *rest = await self._of()
            # A server takes as long to boot whoever boots it.
            self._learnt = store.key("learnt", cloud, self._kind)
            await learnt.recall(self._board, self._learnt)
            self._looks = SharedPolls(
                self._board, of=(cloud, *rest, self._kind), answer=self._answer, now=now
            )
        return self._looks

    async def tell(self, learnt: Durations, *, now: float) -> None:
        """Tell the others what was learnt."""
        await learnt.tell(self._board, self._learnt, now=now)


class Poller(Generic[T]):
    """Polls everything of a kind."""

    def __init__(
        self,
        source: Source[T],
        *,
        learnt: Durations,
        took: Callable[[Poll[T], datetime | None, float], None],
        waited_for: Collection[str],
        sharing: Sharing[T] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a poller; nothing is polled yet.

        Args:
            source: What is polled.
            learnt: What waits have taught.
            took: Called with each poll: what it goes back to, and when it was begun at the earliest.
            waited_for: The ids of those that are waited for; a view that changes.
            sharing: With whom polls are shared.
            now: The clock of this process.
        """
        self.picture: Snapshot[T] = Snapshot(leaves=source.leaves)
        self._source = source
        self._learnt = learnt
        self._took = took
        self._waited_for = waited_for
        self._sharing = sharing
        self._now = now
        self._flights = cache.Flights()
        self._full_took = 0.0
        self._writes = 0
        """How many writes this process has made."""
        self._written = 0
        """How many writes all processes have made, as far as the board tells."""
        self._seen_at = float("-inf")
        self._seen_writes = (0, 0)
        """The same two when the last poll was begun."""
        self._shown = 0
        """The number of the last shared poll that was used."""
        self._news_at = float("-inf")

    @property
    def in_use(self) -> bool:
        """Whether a poll is under way."""
        return self._flights.under_way

    async def look(self, *, due: bool = False, everything: bool = False) -> None:
        """Get a poll, made by this process or by another.

        Args:
            due: Whether something may happen any moment.
            everything: Whether a list of changes would not do.
        """
        full = everything or self._needs_everything(due=due)
        await self._one_look(full=full, fresh=False)

    async def fresh(self) -> Snapshot[T]:
        """Return the snapshot from a recent poll that was begun after every known write."""
        for _ in range(_TRIES):
            if await self._is_fresh():
                break
            await self._one_look(full=self._needs_everything(due=False), fresh=True)
        return self.picture

    async def from_now(self) -> Snapshot[T]:
        """Return the snapshot from a list of everything that begins after this call; concurrent callers share it."""
        asked = self._now()
        while await self._flights.join("from now", lambda: self._ask(since=None)) < asked:
            pass
        return self.picture

    async def changed(self) -> None:
        """Record a write: what is known is no longer fresh, here and in the other processes."""
        self._writes += 1
        if self._sharing is not None:
            await (await self._sharing.begin(self._learnt, now=self._now)).written()

    async def tell(self) -> None:
        """Tell the other processes what was learnt."""
        if self._sharing is not None:
            await self._sharing.tell(self._learnt, now=self._now())

    async def close(self) -> None:
        """Stop polling."""
        await self._flights.close()

    def _needs_everything(self, *, due: bool) -> bool:
        now, snapshot = self._now(), self.picture
        if not self._source.tells_changes or not snapshot.trusts_changes(now) or snapshot.full_at is None:
            return True
        often = max(FULL_EVERY_WHEN_DUE, 10 * self._full_took) if due else FULL_EVERY
        return snapshot.doubtful or now - snapshot.full_at > min(often, FULL_EVERY)

    async def _one_look(self, *, full: bool, fresh: bool) -> None:
        """Get a poll; concurrent callers share it."""
        await self._flights.join(full, lambda: self._look_together(full=full, fresh=fresh))

    async def _look_together(self, *, full: bool, fresh: bool) -> None:
        """Poll, unless another process has just polled, or is about to.

        Args:
            full: Whether everything is wanted.
            fresh: Whether the poll has to be younger than every write.
        """
        if self._sharing is not None:
            looks = await self._sharing.begin(self._learnt, now=self._now)
            patience = self._now() + HELD_FOR.total_seconds()
            while self._now() < patience and (glance := await self._glance(looks)) is not None:
                if glance.note is not None and self._takes_over(glance.note, looks, full=full, fresh=fresh):
                    return
                number = await looks.claim()
                if number is None:
                    break
                if number:
                    await self._ask_for_all(looks, number=number, full=full)
                    return
                await asyncio.sleep(GLANCE_EVERY)
        await self._ask(since=self._goes_back(full=full))

    async def _glance(self, looks: SharedPolls[T]) -> Glance[T] | None:
        glance = await looks.glance()
        if glance is not None:
            self._news_at, self._written = self._now(), glance.writes
        return glance

    def _takes_over(self, note: Note[T], looks: SharedPolls[T], *, full: bool, fresh: bool) -> bool:
        """Use another process's poll, and return whether it serves for ours."""
        clock, began = self.picture.clock, looks.began(note.number)
        if note.number == self._shown or began is None or (fresh and note.writes != self._written):
            return False
        if note.since is not None and (full or clock is None or note.since > clock - OVERLAP):
            # Something may have changed between what we know and what it shows.
            return False
        self._shown = note.number
        # It may be older than it seems, by no more than the store keeps it.
        self._comes_in(
            note.look, since=note.since, began=began, seen_at=self._now(), writes=(self._writes, note.writes)
        )
        telemetry.LOOKS.labels(outcome="taken over").inc()
        return True

    async def _ask_for_all(self, looks: SharedPolls[T], *, number: int, full: bool) -> None:
        """Poll, and share the result with the other processes."""
        note: Note[T] | None = None
        writes, since = self._written, self._goes_back(full=full)
        try:
            note = Note(number=number, since=since, writes=writes, look=await self._asked(since))
            self._shown = number
        finally:
            await looks.leave(note)

    async def _ask(self, *, since: datetime | None) -> float:
        """Poll, whatever the other processes do; return when that was begun."""
        began = self._now()
        await self._asked(since)
        return began

    async def _asked(self, since: datetime | None) -> Poll[T]:
        began, writes = self._now(), (self._writes, self._written)
        poll = await self._source.look(since=since, ids=self._waited_for)
        if since is None:
            self._full_took = self._now() - began
        self._comes_in(poll, since=since, began=began, seen_at=began, writes=writes)
        telemetry.LOOKS.labels(outcome="everything" if since is None else "changes").inc()
        return poll

    def _comes_in(
        self, poll: Poll[T], *, since: datetime | None, began: float, seen_at: float, writes: tuple[int, int]
    ) -> None:
        self._seen_at, self._seen_writes = seen_at, writes
        self._took(poll, since, began)

    def _goes_back(self, *, full: bool) -> datetime | None:
        if full or self.picture.clock is None:
            return None
        overlap = OVERLAP if self._sharing is None else OVERLAP + OVERLAP_SHARED
        return self.picture.clock - overlap

    async def _is_fresh(self) -> bool:
        """Return whether the snapshot is recent enough to answer from, and nothing was written since."""
        now = self._now()
        if now - self._seen_at > FRESH:
            return False
        if self._sharing is not None and now - self._news_at > FRESH_NEWS:
            await self._glance(await self._sharing.begin(self._learnt, now=self._now))
        return self._seen_writes == (self._writes, self._written)
