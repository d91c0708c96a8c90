"""Patience: how long and how often an OpenStack cloud is tried before a call counts as failed."""

from msgspec import Struct

from enamel.clouds.pacing.budget import Pauses


class Timeouts(Struct, frozen=True, kw_only=True):
    """How long and how often a cloud is tried."""

    tries: int = 5
    first_pause: float = 0.25
    """Seconds; each further pause is twice as long, and shortened by chance so that not all come at once."""
    longest_pause: float = 8.0
    throttled: float = 150.0
    """Seconds for which a task's call is tried again and again where the cloud says that there are too many …"""
    throttled_now: float = 10.0
    """… and the call of somebody who waits for the answer of a request."""
    connect: float = 10.0
    read: float = 60.0
    write: float = 120.0

    @property
    def pauses(self) -> Pauses:
        """Return how long a service is left alone that does not say for how long."""
        return Pauses(first=self.first_pause, longest=2 * self.longest_pause)

    def with_throttling(self, *, patient: bool) -> float:
        """Return for how long a call is tried where the cloud says that there are too many."""
        return self.throttled if patient else self.throttled_now
