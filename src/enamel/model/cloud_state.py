"""The state of a cloud, as one process sees it: how its services bear what is asked of them, and what is known already."""

from datetime import datetime

from msgspec import Struct


class Complaint(Struct, frozen=True, kw_only=True):
    """What a service has shown of being asked too much."""

    at: datetime
    trouble: str
    """`too many calls`, `busy` or `no answer`."""
    status: int
    """The status of the answer; 0 where there was none."""
    pause_seconds: float | None
    """For how long the service has asked to be left alone; null where it did not say, or nothing sensible."""


class Waiting(Struct, frozen=True, kw_only=True):
    """How many calls wait for their turn, the most urgent first."""

    writes: int = 0
    reads: int = 0
    waits: int = 0
    """Looks at what is being made."""
    clean_up: int = 0
    """The way back of what has failed."""


class ServiceState(Struct, frozen=True, kw_only=True):
    """How one service of a cloud bears what is asked of it."""

    service: str
    limit: int
    """How many calls may be under way at once now."""
    ceiling: int
    """How many may at the most, as the operator says, over all processes."""
    processes: int
    """How many processes divide the ceiling, as far as they share a cache."""
    rate: float | None
    """How many calls may begin in a second; null where that is not bounded."""
    under_way: int
    """How many calls are."""
    waiting: Waiting
    closed_seconds: float
    """For how long the service is left alone; 0 where it is not."""
    complaints: int
    """How many there were since the process began."""
    last_complaint: Complaint | None = None
    slowness: float | None = None
    """How many times as long as in quiet the last dozen calls took; null where that is not known yet."""


class Token(Struct, frozen=True, kw_only=True):
    """How long the token has been there and will be. The token itself is shown to nobody."""

    since: datetime
    renewed_at: datetime
    """When another one is fetched."""


class Cached(Struct, frozen=True, kw_only=True):
    """Something that is not asked for while it is known."""

    kind: str
    seconds: float
    """For how long it is still believed."""


class CloudState(Struct, frozen=True, kw_only=True):
    """A cloud, as this process sees it."""

    name: str
    """The entry of the configuration."""
    services: tuple[ServiceState, ...] = ()
    """Those that this process has called yet. Entries that lead to the same cloud share them."""
    token: Token | None = None
    """Null where none was needed yet."""
    versions: dict[str, str] = {}
    """By service, what is known of its versions."""
    cached: tuple[Cached, ...] = ()
