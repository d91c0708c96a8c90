"""The watch over the event loop: whatever keeps it from its other work is counted, and logged."""

import asyncio
import time
from datetime import timedelta

import structlog

from enamel import telemetry

log = structlog.get_logger(__name__)

INTERVAL = timedelta(milliseconds=50)
"""How often the loop is looked at."""
LONGEST = timedelta(milliseconds=50)
"""For how long one piece of work may keep the loop."""
SEVERE = timedelta(milliseconds=500)
"""For how long a piece of work may compute before the line about it is a warning."""
QUIET = timedelta(seconds=10)
"""How long the log is silent after a line; the metric counts all."""


async def watch(
    *, interval: timedelta = INTERVAL, longest: timedelta = LONGEST, quiet: timedelta = QUIET
) -> None:
    """Report each time the loop was kept for too long, until cancelled.

    `cpu_ms` tells how much of that the loop's own thread was computing: where it is much less than `ms`, the machine has too
    few processors, or something waited for a disk or a lock on the loop.

    Args:
        interval: How often to look.
        longest: What is not reported yet.
        quiet: How long not to log after a line.
    """
    silent_until, unlogged = 0.0, 0
    while True:
        before, cpu_before = time.monotonic(), time.thread_time()
        await asyncio.sleep(interval.total_seconds())
        now = time.monotonic()
        kept = now - before - interval.total_seconds()
        if kept <= longest.total_seconds():
            continue
        telemetry.LOOP_KEPT.observe(kept)
        if now < silent_until:
            unlogged += 1
            continue
        cpu = time.thread_time() - cpu_before
        tell = log.warning if cpu >= SEVERE.total_seconds() else log.info
        tell("loop.kept", ms=round(kept * 1000), cpu_ms=round(cpu * 1000), unlogged=unlogged)
        silent_until, unlogged = now + quiet.total_seconds(), 0
