"""Calls to the sandbox: a request, the routes that answer it, and the services they belong to.

A service is one literal table of routes and a few facts: how it words a refusal, which microversions it knows.
A handler is a plain function from a request to a reply. It never waits, so every call is atomic; what takes time
is scheduled with `core.Core.later`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from enamel.sandbox import kernel, state


class Request(Struct, kw_only=True):
    """One call, after its token was checked and its route found."""

    cloud: state.Cloud
    """The cloud it is for."""
    caller: kernel.Caller
    """Who sent it; `NOBODY` on open routes without a token."""
    method: str
    """GET, POST …"""
    path: str
    """The path below the service's root."""
    root: str
    """The service's public URL without a trailing slash."""
    params: dict[str, str]
    """The values of the parameters in the route's template."""
    query: list[tuple[str, str]]
    """The query, in order, repeated names kept."""
    headers: dict[str, str]
    """Headers with lower-case names."""
    content: bytes
    """The body as it came."""
    request_id: str = ""
    """The id the answer will carry."""
    version: kernel.Version = (0, 0)
    """The microversion asked for."""

    def body(self) -> kernel.Json:
        """Return the JSON object in the body, or refuse anything else."""
        try:
            body = msgspec.json.decode(self.content)
        except msgspec.DecodeError:
            raise kernel.Refusal(400, "Malformed request body") from None
        if not isinstance(body, dict):
            raise kernel.Refusal(400, "Malformed request body")
        return body

    def first(self, name: str) -> str | None:
        """Return the first value of a query parameter, or None."""
        return next((value for key, value in self.query if key == name), None)

    def every(self, name: str) -> list[str]:
        """Return all values of a query parameter."""
        return [value for key, value in self.query if key == name]

    def filters(self) -> dict[str, list[str]]:
        """Return the query as lists of values by name."""
        filters: dict[str, list[str]] = {}
        for key, value in self.query:
            filters.setdefault(key, []).append(value)
        return filters


Handler = Callable[[Request], kernel.Reply]


class Route(NamedTuple):
    """One line of a service's table."""

    method: str
    """GET, POST …"""
    template: str
    """The path below the service's root; `{name}` is one segment, `{name:path}` at the end is the rest."""
    handler: Handler
    """What answers it."""
    open: bool = False
    """Whether it answers without a token."""


class Service(Struct, frozen=True, kw_only=True):
    """One OpenStack service: its root, its routes, and how it words refusals and versions."""

    name: str
    """Its name in call counts and fault rules: identity, compute, network, image, volume, key-manager."""
    prefix: str
    """The path of its root, like `/compute`."""
    routes: Sequence[Route]
    """The table of routes."""
    word: Callable[[kernel.Refusal], kernel.Reply]
    """Renders a refusal in the service's own shape."""
    lowest: kernel.Version | None = None
    """The microversion of requests that name none, for services that have them."""
    microversion_types: tuple[str, ...] = ()
    """Service types accepted in `OpenStack-API-Version`; the first is echoed."""
    microversion_header: str = ""
    """The service's older header of its own, where it has one."""
    request_id_header: str = ""
    """A second name under which the request id is sent, where the service has one."""
    media_types: tuple[str, ...] = ()
    """What a request's Content-Type may be, body or not, where the service is strict about it."""
    not_found: kernel.Reply = kernel.Reply(status=404, body=b"404 Not Found", media="text/plain")
    """The answer to a path no route knows."""


class Router:
    """Finds the route of a path: by method and number of segments, then segment by segment, literals before parameters."""

    def __init__(self, routes: Sequence[Route]) -> None:
        """Sort the table so that a lookup compares few lines."""
        self._fixed: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}
        self._rests: list[tuple[tuple[str, ...], Route]] = []
        for route in routes:
            segments = tuple(route.template.strip("/").split("/"))
            if segments[-1].endswith(":path}"):
                self._rests.append((segments, route))
            else:
                self._fixed.setdefault((route.method, len(segments)), []).append((segments, route))
        for lines in self._fixed.values():
            lines.sort(key=lambda line: [segment.startswith("{") for segment in line[0]])

    def find(self, *, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route and the values of its parameters, or None."""
        parts = path.strip("/").split("/")
        for segments, route in self._fixed.get((method, len(parts)), ()):
            params = _match(segments, parts)
            if params is not None:
                return route, params
        for segments, route in self._rests:
            head = len(segments) - 1
            if route.method == method and len(parts) > head:
                params = _match(segments[:-1], parts[:head])
                if params is not None:
                    params[segments[-1][1:-6]] = "/".join(parts[head:])
                    return route, params
        return None


def _match(segments: Sequence[str], parts: Sequence[str]) -> dict[str, str] | None:
    """Return the values of a template's parameters, or None when a literal differs."""
    params = {}
    for segment, part in zip(segments, parts, strict=True):
        if segment.startswith("{"):
            if not part:
                return None
            params[segment[1:-1]] = part
        elif segment != part:
            return None
    return params
