"""Cinder's API v1: volumes and snapshots have a `display_name`, and later features are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from enamel.sandbox import http, kernel

WORDS = {"name": "display_name", "description": "display_description"}
"""Names that differ in the first API."""
NAMED = ("volume", "snapshot")
LATER = frozenset(
    {"multiattach", "replication_status", "consistencygroup_id", "updated_at", "user_id", "links"}
)
"""Attributes of volumes and snapshots that it does not show."""
KNOWN = (
    "/volumes",
    "/snapshots",
    "/types",
    "/limits",
    "/os-quota-sets",
    "/extensions",
    "/os-availability-zone",
)
"""The beginnings of the paths that it has."""


def routes(table: Sequence[http.Route]) -> tuple[http.Route, ...]:
    """Return the routes of the first API, derived from today's."""
    return tuple(
        route._replace(template=f"/v1/{{tenant_id}}{route.template}", handler=_as_then(route.handler))
        for route in table
        if route.template.startswith(KNOWN)
    )


def _as_then(handler: http.Handler) -> http.Handler:
    """Return a handler that reads and shows resources with the names of the first API."""
    today = {old: new for new, old in WORDS.items()}

    def handle(request: http.Request) -> kernel.Reply:
        if request.content and request.method in ("POST", "PUT"):
            body = request.body()
            asked = {word: _renamed(value, today) if word in NAMED else value for word, value in body.items()}
            request = msgspec.structs.replace(request, content=msgspec.json.encode(asked))
        reply = handler(request)
        if not isinstance(reply.body, dict):
            return reply
        body = {
            word: _shown(value) if word.removesuffix("s") in NAMED else value
            for word, value in reply.body.items()
            if not word.endswith("_links")
        }
        return msgspec.structs.replace(reply, body=body)

    return handle


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if not isinstance(value, dict):
        return value
    return _renamed({name: item for name, item in value.items() if name not in LATER}, WORDS)


def _renamed(value: Any, words: dict[str, str]) -> Any:
    if not isinstance(value, dict):
        return value
    return {words.get(name, name): content for name, content in value.items()}
