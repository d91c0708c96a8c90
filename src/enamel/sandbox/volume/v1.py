"""Cinder's first API: volumes and snapshots with a `display_name`, and nothing that came later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from enamel.sandbox import http, kernel

WORDS = {"name": "display_name", "description": "display_description"}
"""What the first API calls otherwise."""
NAMED = ("volume", "snapshot")
LATER = frozenset(
    {"multiattach", "replication_status", "consistencygroup_id", "updated_at", "user_id", "links"}
)
"""What it does not show of volumes and snapshots."""
KNOWN = (
    "/volumes",
    "/snapshots",
    "/types",
    "/limits",
    "/os-quota-sets",
    "/extensions",
    "/os-availability-zone",
)
"""What the paths that it has begin with."""


def routes(table: Sequence[http.Route]) -> tuple[http.Route, ...]:
    """Return the routes of the first API, made of today's."""
    return tuple(
        route._replace(template=f"/v1/{{tenant_id}}{route.template}", handler=_as_then(route.handler))
        for route in table
        if route.template.startswith(KNOWN)
    )


def _as_then(handler: http.Handler) -> http.Handler:
    """Return a handler that takes and shows resources in the words of the first API."""
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
        return [_shown(one) for one in value]
    if not isinstance(value, dict):
        return value
    return _renamed({name: one for name, one in value.items() if name not in LATER}, WORDS)


def _renamed(value: Any, words: dict[str, str]) -> Any:
    if not isinstance(value, dict):
        return value
    return {words.get(name, name): one for name, one in value.items()}
