"""The latency of a service: whether its answers take much longer than they do when it is idle.

Each kind of call is compared to itself only: to make a server takes longer than to read one, on an idle cloud, too.
"""

import re
import statistics
from collections.abc import Hashable

LOOKS = 12
"""How many calls make one verdict."""
FAMILIAR = 3
"""How often a kind of call must have been seen to be compared."""
TIMES = 3.0
"""The service is strained if half of the calls take this many times as long as when it is idle …"""
LONGER = 0.5
"""… and this many seconds longer: what is quick enough for everybody is no strain."""
FORGETTING = 1.002
"""A cloud that grows becomes slower for good: by so much the memory of the quickest answer fades with each call."""

_ID = re.compile(
    r"(?<=/)(?:[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d+)(?=/|$)"
)


def kind(method: str, path: str, *, sent: int, got: int) -> Hashable:
    """Return what calls share that should take about the same time: route, and roughly how much goes to and fro."""
    return method, _ID.sub("*", path), (sent // 256).bit_length(), (got // 4096).bit_length()


class Latency:
    """What is known of how long calls to one service take."""

    def __init__(self) -> None:
        self._floors: dict[Hashable, tuple[float, int]] = {}
        self._looks: list[tuple[float, float]] = []
        self.times: float | None = None
        """How many times as long as when idle the calls of the last verdict took."""

    def took(self, kind: Hashable, seconds: float) -> bool | None:
        """Record a call; return whether the service is strained, or None if no verdict is due."""
        floor, seen = self._floors.get(kind, (seconds, 0))
        self._floors[kind] = min(seconds, floor * FORGETTING), seen + 1
        if seen < FAMILIAR:
            return None
        self._looks.append((seconds / max(floor, 0.001), seconds - floor))
        if len(self._looks) < LOOKS:
            return None
        self.times = statistics.median(times for times, _ in self._looks)
        longer = statistics.median(longer for _, longer in self._looks)
        self._looks.clear()
        return self.times > TIMES and longer > LONGER
