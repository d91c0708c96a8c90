"""Request and response: what a handler gets and what it returns, free of the web server's types."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from msgspec import Struct

from enamel.model.call_context import CallContext
from enamel.service.services import Services


class Documents(Protocol):
    """What the service tells about its routes, as far as the agreed version of the API has them."""

    def home(self) -> dict[str, Any]:
        """Return the JSON Home document."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""

    def schema_names(self) -> tuple[str, ...]:
        """Return the names of all schemas."""

    def schema(self, name: str) -> dict[str, Any] | None:
        """Return one schema, or None if no body has that name."""


class Request(Struct, frozen=True, kw_only=True):
    """A request, checked against its route."""

    services: Services
    ctx: CallContext
    """On whose behalf, and under which id, use cases are called."""
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
    """Awaits something that may take long, and cancels it when the client has gone."""
    documents: Documents

    @property
    def cloud(self) -> str | None:
        """Return the cloud that the query names."""
        cloud: str | None = getattr(self.query, "cloud", None)
        return cloud

    def at(self, path: str) -> str:
        """Return a path on the cloud that the query names, for links to what is not found on every cloud."""
        return path if self.cloud is None else f"{path}?cloud={quote(self.cloud, safe='')}"


class Response(Struct, frozen=True, kw_only=True):
    """A response."""

    status: int = 200
    body: Any = None
    """What is sent as JSON; bytes as they are; None for no body at all."""
    headers: Mapping[str, str] = {}
    media_type: str = "application/json"
    stream: AsyncIterator[bytes] | None = None
    """Sent piece by piece instead of a body."""
