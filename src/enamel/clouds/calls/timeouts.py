"""Timeouts: how long and how often a cloud is called before a call counts as failed."""

from msgspec import Struct

from enamel.clouds.pacing.budget import Pauses


class Timeouts(Struct, frozen=True, kw_only=True):
    """How long and how often a cloud is called; durations are seconds."""

    tries: int = 5
    first_pause: float = 0.25
    """Each further pause is twice as long; a random part is taken off, so that not all calls come back at once."""
    longest_pause: float = 8.0
    throttled: float = 150.0
    """For how long a task's call is repeated while the cloud throttles it …"""
    throttled_now: float = 10.0
    """… and a call for somebody who waits for the answer to a request."""
    connect: float = 10.0
    read: float = 60.0
    write: float = 120.0

    @property
    def pauses(self) -> Pauses:
        """Return how long calls to a service are paused that does not say for how long."""
        return Pauses(first=self.first_pause, longest=2 * self.longest_pause)

    def with_throttling(self, *, patient: bool) -> float:
        """Return for how long a call is repeated while the cloud throttles it."""
        return self.throttled if patient else self.throttled_now
