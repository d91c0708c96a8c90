"""Clocks that go on evenly when somebody sets the machine's clock.

Between processes, the database's clock counts: it ends leases, deadlines of tasks that wait, and times to live. Within a
process, what was read of it is carried on by the time that has elapsed, which nobody can set.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from enamel import telemetry

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

JUMP = timedelta(seconds=2)
"""The least difference that is called a jump; servers of time correct smaller ones without one."""
_PACE = 0.05
"""The part of the elapsed time by which a clock approaches the machine's: two hours take less than two days."""


def elapsed() -> float:
    """Return seconds that nobody can set; those in which the machine was suspended count, where it tells them."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def machine() -> datetime:
    """Return what the machine's clock shows."""
    return datetime.now(UTC)


class SteadyClock:
    """The machine's clock as it was when the process started, carried on; it approaches the machine's slowly.

    It never goes back. It is the clock of the database where that is a file.
    """

    def __init__(
        self, *, wall: Callable[[], datetime] = machine, elapsed: Callable[[], float] = elapsed
    ) -> None:
        """Start at the machine's time.

        Args:
            wall: The clock that people may set.
            elapsed: Seconds that they cannot.

        """
        self._wall = wall
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._time = wall()
        self._read_at = elapsed()
        self._drift = timedelta(0)
        """By how much the machine's clock was ahead when it was last read."""

    def __call__(self) -> datetime:
        """Return the time; log it where the machine's clock has jumped since the last call."""
        with self._lock:
            now = self._elapsed()
            since = timedelta(seconds=max(0.0, now - self._read_at))
            self._read_at = now
            drift = self._wall() - self._time - since
            jump = drift - self._drift
            correction = max(-since * _PACE, min(since * _PACE, drift))
            self._time += since + correction
            self._drift = drift - correction
            steady = self._time
        if abs(jump) >= JUMP:
            _tell_jump("machine", jump)
        return steady


class StoreClock:
    """The database's clock, as far as this process has read it, carried on by the elapsed time."""

    def __init__(self, *, before: Callable[[], datetime], elapsed: Callable[[], float] = elapsed) -> None:
        """Start before anything was read.

        Args:
            before: Tells the time until then.
            elapsed: Seconds that nobody can set.

        """
        self._before = before
        self._elapsed = elapsed
        self._read: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        """Return the time."""
        if self._read is None:
            return self._before()
        at, when = self._read
        return at + timedelta(seconds=self._elapsed() - when)

    def learn(self, now: datetime, *, asked_at: float) -> None:
        """Take note of what the database's clock showed; log it where that has jumped.

        Args:
            now: The database's time.
            asked_at: The elapsed seconds when it was asked. An answer that took long says little.

        """
        here = self._elapsed()
        late = timedelta(seconds=here - asked_at)
        expected = self() if self._read is not None else now
        if late >= JUMP:
            return
        if abs(now - expected) >= JUMP:
            _tell_jump("database", now - expected)
        self._read = now, here


def _tell_jump(clock: str, by: timedelta) -> None:
    telemetry.CLOCK_JUMPS.labels(clock=clock).inc()
    log.warning("clock.jumped", clock=clock, seconds=round(by.total_seconds(), 1))


MACHINE = SteadyClock()
"""The steady clock of this process."""
