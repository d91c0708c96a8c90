"""What every service of the sandbox uses: settings, callers, replies and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

Json = dict[str, Any]
Version = tuple[int, int]


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of one sandbox."""

    seed: int = 1
    """Seed of the random numbers, from which ids, boot times and random faults follow: the same calls make the same cloud."""
    host: str = "127.0.0.1"
    """The loopback address to listen on."""
    port: int = 0
    """The port of all services; 0 chooses a free one."""
    boot_seconds: tuple[float, float] = (1.0, 3.0)
    """The shortest and the longest time a server takes to start."""
    pace: float = 1.0
    """Scales every other delay in the cloud (actions, volumes, ports); 0 makes them immediate."""
    guests: bool = True
    """Whether running servers with a public address listen on it."""
    block: int = 77
    """The N of 127.N.0.0/16, the range of public addresses; `enamel.sandbox.serve` chooses a free one where guests listen."""
    reclaim_seconds: float = 0.0
    """How long a deleted server stays SOFT_DELETED; 0 deletes at once."""
    token_ttl: float = 86_400.0
    """Seconds until a token expires."""
    quotas: Mapping[str, int] = {}
    """Limits that differ from the defaults, by the services' own names (instances, cores, floatingip, volumes …)."""
    page: int = 1000
    """The most entries that a list shows at once: osapi_max_limit of Cinder, max_limit of Nova, api_limit_max of Glance."""
    network_page: int = 0
    """The same of Neutron, pagination_max_limit; 0 is no limit, as by default."""
    hosts_per_zone: int = 2
    """Hypervisors in each availability zone."""
    hints: bool = True
    """Whether the scheduler obeys `same_host` and `different_host`, which Nova's default filters do not."""
    era: str = "2026"
    """The era, a year; see `enamel.sandbox.era`."""


class Caller(Struct, frozen=True, kw_only=True):
    """The user and project of a request's token."""

    token: str
    """The token's id."""
    user_id: str
    """The user's id."""
    user_name: str
    """The user's name."""
    project_id: str
    """The project the token is scoped to; empty when unscoped."""
    project_name: str
    """That project's name."""
    roles: frozenset[str]
    """Names of the roles in that project."""

    @property
    def admin(self) -> bool:
        """Return whether the caller may see and change everything."""
        return "admin" in self.roles

    def sees(self, project_id: str) -> bool:
        """Return whether the caller sees resources of that project."""
        return self.project_id == project_id or self.admin


NOBODY = Caller(token="", user_id="", user_name="", project_id="", project_name="", roles=frozenset())


class Reply(Struct, frozen=True, kw_only=True):
    """What a handler answers."""

    status: int = 200
    """The HTTP status."""
    body: Any = None
    """Bytes are sent as they are, None sends nothing, everything else is sent as JSON."""
    headers: Mapping[str, str] = {}
    """Headers beyond the usual ones."""
    media: str = "application/json"
    """The content type."""


class Refusal(Exception):
    """A request is refused; each service renders it in its own format."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "",
        detail: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the status, the sentence and, where the service names its errors, the name."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.detail = detail
        self.headers = headers or {}
