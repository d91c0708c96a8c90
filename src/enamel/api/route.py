"""The route: one line of the table from which everything about the API derives."""

import functools
import re
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from enamel.api import version
from enamel.api.request import Request, Response
from enamel.api.version import Version
from enamel.model.errors import EnamelError

Handler = Callable[[Request], Awaitable[Response]]


class NoQuery(Struct, frozen=True):
    """No query parameters."""


class Route(Struct, frozen=True, kw_only=True):
    """One method on one path."""

    method: str
    path: str
    """With its variables in braces."""
    name: str
    """What clients call it: operation of OpenAPI."""
    relation: str
    """What the path is to clients that find their way by JSON Home; the same for all methods of a path."""
    handler: Handler
    summary: str
    query: type[Struct] = NoQuery
    request: Any = None
    """The body's type; None where no body is taken."""
    body_required: bool = True
    """Whether a request without a body is refused."""
    responses: dict[int, tuple[Any, ...]]
    """The statuses of success, each with the types that its body may have; none for no body."""
    errors: tuple[type[EnamelError], ...] = ()
    """What can go wrong besides what can on every route."""
    rule: str
    """The rule of the policy; empty where anyone may request."""
    since: Version = version.OLDEST
    """The version of the API that it came with."""
    media_types: tuple[str, ...] = ("application/json",)
    """Of the answer."""

    def __hash__(self) -> int:
        """Return the hash of what is different in every line of the table, so that tables can be keys of caches."""
        return hash((self.method, self.path))

    @property
    def variables(self) -> list[str]:
        """Return the names of the path's variables."""
        return re.findall(r"{(\w+)}", self.path)


Table = tuple[Route, ...]


@functools.cache
def offered(table: Table, wanted: Version) -> Table:
    """Return the lines of a table that a version of the API has."""
    return tuple(line for line in table if line.since <= wanted)
