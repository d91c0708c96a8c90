"""The route: one row of the table from which everything about the API derives."""

import functools
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from msgspec import Meta, Struct

from enamel.api import version
from enamel.api.request import Request, Response
from enamel.api.version import Version
from enamel.model.errors import (
    CapabilityMissing,
    CloudError,
    CloudUnknown,
    CloudUnreachable,
    EnamelError,
    NameTaken,
    QuotaExceeded,
)

Handler = Callable[[Request], Awaitable[Response]]


CLOUD_ERRORS: tuple[type[EnamelError], ...] = (CloudError, CloudUnreachable)
"""What can go wrong wherever a cloud is called."""
LAUNCH_ERRORS: tuple[type[EnamelError], ...] = (
    NameTaken,
    QuotaExceeded,
    CapabilityMissing,
    CloudUnknown,
    *CLOUD_ERRORS,
)
"""What a launch can be refused for."""


class NoQuery(Struct, frozen=True):
    """No query parameters."""


Cloud = Annotated[str, Meta(min_length=1, max_length=255)]


class OnCloud(Struct, frozen=True, kw_only=True):
    """Which cloud a request is about."""

    cloud: Cloud | None = None
    """Name of the cloud. If not set, a resource is found on whichever cloud has it, and all else is on the default one."""


class Route(Struct, frozen=True, kw_only=True):
    """One method on one path."""

    method: str
    path: str
    """With its variables in braces."""
    name: str
    """Its operationId in OpenAPI."""
    relation: str
    """The path's link relation in JSON Home; the same for all methods of a path."""
    handler: Handler
    summary: str
    query: type[Struct] = NoQuery
    request: Any = None
    """The body's type; None if it has no body."""
    body_required: bool = True
    """Whether a request without a body is refused."""
    responses: dict[int, tuple[Any, ...]]
    """The statuses of success, each with the types that its body may have; none for no body."""
    errors: tuple[type[EnamelError], ...] = ()
    """What can go wrong besides what can on every route."""
    rules: tuple[str, ...] = ()
    """The rules of the policy that its use case checks; where there are several, the request decides. None: anyone may."""
    since: Version = version.OLDEST
    """The version of the API that it came with."""
    media_types: tuple[str, ...] = ("application/json",)
    """Of the answer."""

    def __hash__(self) -> int:
        """Return the hash of what differs in every row of the table, so that tables can be keys of caches."""
        return hash((self.method, self.path))

    @property
    def is_open(self) -> bool:
        """Whether anyone may send it, without authentication."""
        return not self.rules

    @property
    def variables(self) -> list[str]:
        """Return the names of the path's variables."""
        return re.findall(r"{(\w+)}", self.path)


Table = tuple[Route, ...]


@functools.cache
def offered(table: Table, version: Version) -> Table:
    """Return the rows of a table that a version of the API has."""
    return tuple(route for route in table if route.since <= version)
