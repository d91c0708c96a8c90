"""The snapshot of all resources of one kind, put together from polls that each may be wrong.

A list is evidence, not truth: one that misses a resource once is not believed, and neither is one that shows an older
state than was seen before. Lists of changes are believed only as long as lists of everything bear them out.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

T = TypeVar("T")

MISSES_BELIEVED = 2
OLDER_BELIEVED = 3
DISTRUSTED_FOR = 600.0
"""Seconds for which a cloud is asked for no changes that has once kept one to itself."""
REMEMBERED_FOR = 120.0
"""Seconds for which it is remembered that something was deleted, lest an old list brings it back."""


class Seen(Struct, Generic[T], frozen=True, kw_only=True):
    """One resource in a list."""

    id: str
    updated: datetime | None
    """When the cloud last changed it."""
    value: T | None
    """None where the list says that it is deleted."""


class Poll(Struct, Generic[T], frozen=True, kw_only=True):
    """One list."""

    seen: Sequence[Seen[T]]
    at: datetime | None
    """When it was begun, by the cloud's clock."""


class Source(Protocol[T]):
    """What a watcher polls."""

    tells_changes: bool
    """Whether it can list only what has changed."""

    async def look(self, *, since: datetime | None, ids: Collection[str]) -> Poll[T]:
        """List everything, or what has changed, deleted ones included, since a time of the cloud's clock.

        Args:
            since: None means everything.
            ids: Those that are waited for, for clouds that can be asked for just these.
        """

    async def one(self, id: str) -> T:
        """Return one. Raises Gone."""

    def kind(self, value: T) -> str | None:
        """Return what those that take about as long as this one share; None where it is not being made."""

    def leaves(self, value: T) -> bool:
        """Tell whether it is being deleted, so that nobody wonders when it is missing."""


class Snapshot(Generic[T]):
    """What is known of everything of a kind."""

    def __init__(self, *, leaves: Callable[[T], bool]) -> None:
        self._leaves = leaves
        self._known: dict[str, Seen[T]] = {}
        self._gone: dict[str, tuple[Seen[T], float]] = {}
        self._older: dict[str, int] = {}
        self._missed: dict[str, int] = {}
        self._since: datetime | None = None
        """What the last list of changes went back to."""
        self._distrusted_until = 0.0
        self.clock: datetime | None = None
        """When the last poll was begun, by the cloud's clock."""
        self.full_at: float | None = None
        """When the last list of everything was begun, by ours."""

    @property
    def doubtful(self) -> bool:
        """Whether something is missing that may be there, or older than it was: another list tells."""
        return bool(self._missed or self._older)

    def get(self, id: str) -> T | None:
        """Return how a resource was last seen."""
        known = self._known.get(id)
        return None if known is None else known.value

    def values(self) -> list[T]:
        """Return everything there is."""
        return [seen.value for seen in self._known.values() if seen.value is not None]

    def trusts_changes(self, now: float) -> bool:
        """Tell whether a list of changes tells all of them, as far as anybody knows."""
        return self.clock is not None and now >= self._distrusted_until

    def take(self, poll: Poll[T], *, since: datetime | None, began: float) -> Iterator[tuple[Seen[T], bool]]:
        """Add a poll to the snapshot; yield what it shows that is believed, and whether that is new.

        Args:
            poll: What was seen.
            since: What it goes back to; None where it shows everything.
            began: When it was begun, by our clock.
        """
        changes: list[tuple[Seen[T], bool]] = []
        for seen in poll.seen:
            last = self._known.get(seen.id)
            before = last if last is not None else self._buried(seen.id)
            if before is not None and self._goes_backwards(before, seen):
                continue
            is_new = before is None or before.updated != seen.updated
            if since is None and is_new and last is not None:
                self._check(seen, now=began)
            if seen.value is None:
                self._bury(seen, now=began)
            else:
                self._known[seen.id] = seen
                self._gone.pop(seen.id, None)
            self._missed.pop(seen.id, None)
            changes.append((seen, is_new))
        if since is None:
            self._miss({seen.id for seen in poll.seen}, now=began)
            self.full_at = began
        self._since = since
        self.clock = poll.at
        yield from changes

    def bury(self, id: str, *, now: float) -> None:
        """Record that the cloud denies that a resource exists."""
        last = self._known.get(id)
        if last is not None:
            self._bury(last, now=now)

    def _miss(self, listed: set[str], *, now: float) -> None:
        """Record what a list of everything does not show."""
        for id in self._known.keys() - listed:
            value = self._known[id].value
            self._missed[id] = self._missed.get(id, 0) + 1
            if self._missed[id] >= MISSES_BELIEVED or value is None or self._leaves(value):
                self._bury(self._known[id], now=now)
        self._older = {id: times for id, times in self._older.items() if id in listed}
        self._gone = {id: (seen, at) for id, (seen, at) in self._gone.items() if now - at < REMEMBERED_FOR}

    def _bury(self, seen: Seen[T], *, now: float) -> None:
        self._known.pop(seen.id, None)
        self._missed.pop(seen.id, None)
        self._older.pop(seen.id, None)
        self._gone[seen.id] = seen, now

    def _buried(self, id: str) -> Seen[T] | None:
        at = self._gone.get(id)
        return None if at is None else at[0]

    def _goes_backwards(self, last: Seen[T], seen: Seen[T]) -> bool:
        if last.updated is None or seen.updated is None or seen.updated >= last.updated:
            self._older.pop(seen.id, None)
            return False
        # A replica that lags shows an older state once or twice. What stays older was written by a host whose clock
        # is behind, and is the truth.
        self._older[seen.id] = self._older.get(seen.id, 0) + 1
        if self._older[seen.id] < OLDER_BELIEVED:
            return True
        del self._older[seen.id]
        return False

    def _check(self, seen: Seen[T], *, now: float) -> None:
        """Stop believing lists of changes if one should have shown this change and did not."""
        if self._since is not None and seen.updated is not None and seen.updated < self._since:
            # It changed since the last poll, but its stamp is older than what was asked for: the clocks of the
            # cloud's own hosts are that far apart.
            self._distrusted_until = now + DISTRUSTED_FOR
