"""The exchange: what a handler is asked and what it answers, free of the web server's types."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from enamel.model.caller import Caller
from enamel.service.services import Services

if TYPE_CHECKING:
    from enamel.api.route import Route

T = TypeVar("T")


class Request(Struct, frozen=True, kw_only=True):
    """A request, checked against its route."""

    services: Services
    caller: Caller
    request_id: str
    path: str
    """With its query, as it was sent: what `_links.self` names."""
    params: Mapping[str, str]
    """The variables of the route's path."""
    query: Any
    """The route's query Struct."""
    body: Any
    """JSON data, or None."""
    headers: Mapping[str, str]
    """By names in lower case."""
    while_here: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]
    """Awaits something that may take long, and gives it up when the client has gone."""
    table: "tuple[Route, ...]"
    """Every route of the version that was agreed on."""


class Response(Struct, frozen=True, kw_only=True):
    """An answer."""

    status: int = 200
    body: Any = None
    """What is sent as JSON; bytes as they are; None for no body at all."""
    headers: Mapping[str, str] = {}
    media_type: str = "application/json"
    stream: AsyncIterator[bytes] | None = None
    """Sent piece by piece instead of a body."""


ACCEPTED = {"Retry-After": "1"}
"""A task that was accepted is worth a look after a second."""
LONGEST_WAIT = timedelta(seconds=60)
