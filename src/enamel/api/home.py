"""JSON Home: every route, for clients that start with none."""

import functools
from collections.abc import Sequence
from typing import Any

import msgspec

import enamel
from enamel.api import version
from enamel.api.route import Route, Table

MEDIA_TYPE = "application/json-home"


@functools.cache
def document(table: Table) -> dict[str, Any]:
    """Return the home document of a table of routes."""
    by_path: dict[str, list[Route]] = {}
    for route in table:
        by_path.setdefault(route.path, []).append(route)
    return {
        "api": {
            "title": "Enamel",
            "description": "The porcelain API for OpenStack.",
            "release": enamel.__version__,
            "version": version.text(version.NEWEST),
            "min_version": version.text(version.OLDEST),
            "links": {"describedBy": "/openapi.json"},
        },
        "resources": {relation(lines[0]): _resource(path, lines) for path, lines in by_path.items()},
    }


def relation(route: Route) -> str:
    """Return the link relation of a path, by which clients find it."""
    return f"urn:enamel:rel:{route.relation}"


def _resource(path: str, lines: Sequence[Route]) -> dict[str, Any]:
    hints: dict[str, Any] = {
        "allow": [route.method for route in lines],
        "formats": {kind: {} for route in lines if route.method != "HEAD" for kind in route.media_types},
    }
    for route in lines:
        if route.request is not None:
            hints["acceptPost"] = ["application/json"]
    queries = list(
        dict.fromkeys(field.encode_name for route in lines for field in msgspec.structs.fields(route.query))
    )
    variables = [*lines[0].variables, *queries]
    if not variables:
        return {"href": path, "hints": hints}
    return {
        "hrefTemplate": path + (f"{{?{','.join(queries)}}}" if queries else ""),
        "hrefVars": {name: f"urn:enamel:param:{name}" for name in variables},
        "hints": hints,
    }
