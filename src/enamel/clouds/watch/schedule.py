"""The schedule of polls: often while something is due, seldom while nothing changes, not at all before.

How long waits took decides when the next resource of the kind is polled first.
"""

import heapq
import itertools
from datetime import timedelta

from enamel.clouds.watch import durations

OFTEN = 0.5
"""Seconds between two polls while something is due."""
SELDOM = 10.0
"""The longest pause while somebody waits."""
GROWTH = 1.3
UNKNOWN = 2.0
"""Seconds until the first poll if it is not known how long a wait takes."""
LITTLE_BEFORE = 0.8
"""The first poll comes after this share of the expected time, if that was not learnt."""
LONG_AFTER = 1.5
"""It is overdue after this share of the time that nearly all have taken."""


class Expectation:
    """When somebody expects what they wait for."""

    def __init__(self, *, since: float, first: float, end: float) -> None:
        self.since = since
        self.first = first
        """When it may be there, at the earliest."""
        self.end = end
        """When it should be there, at the latest."""
        self.over = False
        """Whether nobody waits any more."""


class Schedule:
    """When to poll next."""

    def __init__(self, *, often: float = OFTEN, seldom: float = SELDOM, unknown: float = UNKNOWN) -> None:
        self.often = often
        """Seconds between two polls while something is due."""
        self.learnt = durations.Durations()
        """How long it takes until something is there."""
        self._seldom = seldom
        self._unknown = unknown
        self._order = itertools.count()
        self._ahead: list[tuple[float, int, Expectation]] = []
        self._due: list[tuple[float, int, Expectation]] = []
        """Waits whose first poll is over, the one that ends last in front."""
        self._interval = self.often
        self._last = float("-inf")
        self._took = 0.0

    def expect(self, now: float, *, due: timedelta | None) -> Expectation:
        """Record a wait that begins now, expected to end in `due`, or else as soon as others did."""
        if due is not None:
            seconds = due.total_seconds()
            return self._schedule(now, first=seconds * LITTLE_BEFORE, end=seconds * 2 + self.often)
        quickest = self.learnt.quickest()
        return self._schedule(
            now,
            first=self._unknown if quickest is None else quickest,
            end=self._unknown + self._seldom,
        )

    def expect_like(self, kind: str, old: Expectation) -> Expectation:
        """Return what to expect of a wait now that its kind is known."""
        known = self.learnt.of(kind)
        if known is None:
            return old
        old.over = True
        return self._schedule(old.since, first=known.quickest, end=known.nearly_all * LONG_AFTER + self.often)

    def moved(self) -> None:
        """Record a change: more may follow."""
        self._interval = self.often

    def looked(self, now: float, *, took: float) -> None:
        """Record a poll that has just ended."""
        self._last, self._took = now, took
        if not self.is_hot(now):
            self._interval = min(self._seldom, self._interval * GROWTH)

    def pause(self, now: float) -> float:
        """Return for how many seconds nothing needs to be polled."""
        while self._ahead and (self._ahead[0][0] <= now or self._ahead[0][2].over):
            expected = heapq.heappop(self._ahead)[2]
            if not expected.over:
                heapq.heappush(self._due, (-expected.end, next(self._order), expected))
                self._interval = self.often
        # A cloud that takes long to answer is not asked all the time.
        if self.is_hot(now):
            return max(0.0, self._last + max(self.often, 2 * self._took) - now)
        pauses = [self._seldom]
        if self._due:
            pauses.append(self._last + max(self._interval, 2 * self._took) - now)
        if self._ahead:
            pauses.append(max(self._ahead[0][0], self._last + self.often) - now)
        return max(0.0, min(pauses))

    def is_hot(self, now: float) -> bool:
        """Tell whether something is due."""
        while self._due and self._due[0][2].over:
            heapq.heappop(self._due)
        return bool(self._due) and self._due[0][2].end > now

    def _schedule(self, since: float, *, first: float, end: float) -> Expectation:
        expected = Expectation(since=since, first=since + first, end=since + end)
        heapq.heappush(self._ahead, (expected.first, next(self._order), expected))
        return expected
