"""The log of the calls that a sandbox answered, and their number by route."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime

from msgspec import Struct

LOGGED_CALLS = 2000


class Call(Struct, kw_only=True):
    """One call as the log keeps it."""

    at: datetime
    """When it came."""
    method: str
    """GET, POST …"""
    service: str
    """The service's name."""
    template: str
    """The route's template, `?` when no route knows the path."""
    path: str
    """The path below the service's root."""
    query: list[tuple[str, str]]
    """The query."""
    request_id: str
    """The id the answer carried."""
    status: int = 0
    """The status of the answer; 0 while there is none, and when the connection was dropped."""
    fault: bool = False
    """Whether a fault rule struck it."""


class Calls:
    """Counts every call by its route and remembers the last ones."""

    def __init__(self) -> None:
        """Start with none."""
        self.counts: Counter[str] = Counter()
        self.log: deque[Call] = deque(maxlen=LOGGED_CALLS)

    def add(self, call: Call) -> None:
        """Count a call and put it in the log."""
        self.counts[f"{call.method} {call.service} {call.template}"] += 1
        self.log.append(call)

    def clear(self) -> None:
        """Start over."""
        self.counts.clear()
        self.log.clear()
