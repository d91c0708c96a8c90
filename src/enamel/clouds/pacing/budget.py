"""The budget of calls to one service: how many at once, and how many per second, it seems to bear.

Both grow slowly while calls go well and fall by half when the service complains. After a pause that it has asked for, one
call goes ahead of all others; then there are twice as many for each round that goes well, up to half of what was too
much, and only then one more for each round. So those who have waited do not all come back in the same instant.
"""

import enum
import time
from collections import deque
from collections.abc import Callable

from msgspec import Struct

LEAST_RATE = 2.0
"""No cloud is thought to bear fewer calls per second than this; one that does says for how long to leave it alone."""
CUT = 0.5
"""What is left of how many may call at once after a complaint …"""
CUT_RATE = 0.7
"""… and of the calls per second that went well before."""
EASED = 0.85
"""What is left of how many may call at once where answers take long, without a complaint …"""
EASED_LEAST = 4.0
"""… and at least how many."""
RATE_GROWTH = 0.05
"""By this share of itself the rate grows in each second in which all goes well."""
RATE_AFTER = 2
"""How many complaints …"""
RATE_WITHIN = 10.0
"""… within how many seconds mean that the service counts calls; a single one may be a coincidence."""
RATE_FORGOTTEN = 4.0
"""How many times over a rate must have grown to be dropped."""
RATE_WINDOW = 5.0
"""Seconds over which it is counted how many calls went well."""
BROKEN_AFTER = 6
"""How many failed calls in a row mean that a service is down."""


class Ceiling(Struct, frozen=True, kw_only=True):
    """What an operator allows at the most."""

    max_concurrent_calls: int = 32
    """Calls under way at the same time."""
    max_calls_per_second: float | None = None
    """Calls begun in a second; None means as many as go well."""


class Trouble(enum.Enum):
    """What a service shows when there is too much for it."""

    TOO_MANY = "too many calls"
    """429, or 413 with a time: it counts calls."""
    BUSY = "busy"
    """503."""
    SILENT = "no answer"
    """No connection, no answer in time, or something that is none."""


class Pauses(Struct, frozen=True, kw_only=True):
    """How long calls to a service are paused that does not say for how long; in seconds."""

    first: float = 0.25
    longest: float = 15.0


class Budget:
    """What one service seems to bear."""

    def __init__(
        self,
        ceiling: Ceiling,
        *,
        pauses: Pauses | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ceiling = ceiling
        self.share = 1
        """How many processes call together; each keeps to its share of the ceiling."""
        self.open_from = 0.0
        """Until when calls are paused."""
        self._pauses = pauses or Pauses()
        self._now = now
        self._limit = float(ceiling.max_concurrent_calls)
        self._enough = float("inf")
        """Below this the limit grows fast."""
        self._rate: float | None = None
        self._rate_at_first = 0.0
        self._next = 0.0
        """When the next call would begin at an even pace."""
        self._cut_at = float("-inf")
        self._in_a_row = 0
        self._cuts_in_a_row = 0
        self._went_well: deque[float] = deque()
        self._counted: deque[float] = deque(maxlen=RATE_AFTER)
        """When the service last said that there were too many calls."""

    @property
    def limit(self) -> int:
        """Return how many calls may be under way at once."""
        return max(1, int(min(self._limit, self.ceiling.max_concurrent_calls / self.share)))

    @property
    def rate(self) -> float | None:
        """Return how many calls may begin in a second; None where that is not bounded."""
        allowed = self.ceiling.max_calls_per_second
        if allowed is None:
            return self._rate
        return min(allowed / self.share, self._rate or allowed)

    def pause(self) -> float:
        """Return the seconds until a call may begin, as far as it is a question of time; 0 means now."""
        now = self._now()
        if now < self.open_from:
            return self.open_from - now
        rate = self.rate
        if rate is None:
            return 0.0
        burst = max(1.0, rate / 4)
        return max(0.0, self._next - (burst - 1) / rate - now)

    def began(self) -> None:
        """Record a call that begins."""
        if (rate := self.rate) is not None:
            self._next = max(self._next, self._now()) + 1 / rate

    def went_well(self) -> None:
        """Record a call that the service answered without complaint."""
        now = self._now()
        self._in_a_row = self._cuts_in_a_row = 0
        most = float(self.ceiling.max_concurrent_calls)
        if self._limit < most:
            self._limit = min(most, self._limit + (1.0 if self._limit < self._enough else 1.0 / self._limit))
        self._went_well.append(now)
        while self._went_well[0] < now - RATE_WINDOW:
            self._went_well.popleft()
        if self._rate is not None:
            self._rate += RATE_GROWTH
            if self._rate > RATE_FORGOTTEN * self._rate_at_first:
                self._rate = None

    def eased(self) -> None:
        """Record that answers take long: allow somewhat fewer calls at once."""
        self._enough = self._limit = max(min(EASED_LEAST, self._limit), self._limit * EASED)

    def complained(self, trouble: Trouble, *, began: float, pause: float | None = None) -> float:
        """Record a complaint; return for how many seconds calls to the service are paused.

        Args:
            trouble: What it looks like.
            began: When the call began that was complained of: complaints of one burst count once.
            pause: Seconds that the service has asked for.
        """
        self._in_a_row += 1
        fresh = began >= self._cut_at
        broken = self._in_a_row >= BROKEN_AFTER
        if fresh:
            self._cut(trouble)
        closes = pause is not None or trouble is Trouble.TOO_MANY or broken
        if not closes:
            return 0.0
        own = min(self._pauses.longest, self._pauses.first * 2 ** min(16, self._cuts_in_a_row - 1))
        # A service that asks for no pause again and again is not believed.
        wait = own if pause is None or (pause < own and self._cuts_in_a_row > 1) else pause
        if fresh or pause is not None:
            self.close(wait)
        return wait

    def close(self, pause: float) -> None:
        """Pause calls for some seconds, and begin with a single call then."""
        self._limit = 1.0
        self.open_from = max(self.open_from, self._now() + pause)

    def _cut(self, trouble: Trouble) -> None:
        now = self._now()
        self._limit = max(1.0, self._limit * CUT)
        if not self._cuts_in_a_row:
            # A service that is down for a while says nothing of how much it bears when it is back.
            self._enough = self._limit
        self._cuts_in_a_row += 1
        self._cut_at = now
        if trouble is Trouble.TOO_MANY:
            self._counted.append(now)
            if len(self._counted) == RATE_AFTER and now - self._counted[0] < RATE_WITHIN:
                self._bound_rate(now)

    def _bound_rate(self, now: float) -> None:
        """Let fewer calls begin in a second than went well of late."""
        recent = [at for at in self._went_well if at > now - RATE_WINDOW]
        if recent:
            rate = CUT_RATE * len(recent) / max(1.0, now - recent[0])
            self._rate = self._rate_at_first = max(LEAST_RATE, rate)
            self._next = now
