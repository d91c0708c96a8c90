"""The state of a cloud, as one process sees it: how its services take their calls, and what is cached."""

from datetime import datetime

from msgspec import Struct

from enamel.model.problem import Problem


class Complaint(Struct, frozen=True, kw_only=True):
    """How a service reported that it was called too much."""

    at: datetime
    trouble: str
    """`too many calls`, `busy` or `no answer`."""
    status: int
    """The status of the answer; 0 where there was none."""
    pause_seconds: float | None
    """For how long the service asked not to be called; null if it did not say, or nothing sensible."""


class Waiting(Struct, frozen=True, kw_only=True):
    """How many calls wait for their turn, the most urgent first."""

    writes: int = 0
    reads: int = 0
    waits: int = 0
    """Polls of what is being made."""
    clean_up: int = 0
    """Undoing what has failed."""


class ServiceState(Struct, frozen=True, kw_only=True):
    """How one service of a cloud takes its calls."""

    service: str
    limit: int
    """How many calls may be under way at once now."""
    ceiling: int
    """How many may be at most, as configured, over all processes."""
    processes: int
    """How many processes divide the ceiling, as far as they share a cache."""
    rate: float | None
    """How many calls may begin in a second; null where that is not bounded."""
    under_way: int
    """How many calls are."""
    waiting: Waiting
    closed_seconds: float
    """For how long calls are paused; 0 if they are not."""
    complaints: int
    """How many there were since the process began."""
    last_complaint: Complaint | None = None
    slowness: float | None = None
    """How many times as long as when idle the last dozen calls took; null if that is not known yet."""


class Token(Struct, frozen=True, kw_only=True):
    """How long the token has been there and will be. The token itself is shown to nobody."""

    since: datetime
    renew_at: datetime
    """When another one will be fetched."""


class Cached(Struct, frozen=True, kw_only=True):
    """Something that is not asked for while it is known."""

    kind: str
    seconds: float
    """For how long it is still believed."""


class Unusable(Struct, frozen=True, kw_only=True):
    """Why a cloud cannot be used."""

    since: datetime | None
    """When that was noticed; null where it has been so since the process started."""
    problem: Problem


class CloudState(Struct, frozen=True, kw_only=True):
    """A cloud, as this process sees it."""

    name: str
    """The entry of the configuration."""
    services: tuple[ServiceState, ...] = ()
    """Those that this process has called yet. Entries that lead to the same cloud share them."""
    unusable: Unusable | None = None
    """Null while the cloud accepts the credentials, or was not asked yet."""
    token: Token | None = None
    """Null where none was needed yet."""
    versions: dict[str, str] = {}
    """By service, what is known of its versions."""
    cached: tuple[Cached, ...] = ()
