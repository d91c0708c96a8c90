"""The list of images: filters, order and pages."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from enamel.sandbox import http, kernel
from enamel.sandbox.image import state

SORT_KEYS = ("name", "status", "container_format", "disk_format", "size", "id", "created_at", "updated_at")
VISIBILITIES = ("public", "private", "shared", "community", "all")
CONTROLS = frozenset({"limit", "marker", "sort", "sort_key", "sort_dir", "member_status"})
PAGE = 25

Test = Callable[[kernel.Json], bool]


def listing(request: http.Request) -> kernel.Reply:
    """List images."""
    images = state.of(request)
    order = _order(request)
    limit = _limit(request)
    tests = [
        _test(request, name, values) for name, values in request.filters().items() if name not in CONTROLS
    ]
    bodies = []
    for record in images.visible(request.caller):
        if _listed(request, record):
            image = record.shown()
            if all(test(image) for test in tests):
                bodies.append(image)
    for key, backwards in reversed(order):
        bodies.sort(key=lambda image: (image[key] is not None, image[key] or ""), reverse=backwards)
    marker = request.first("marker")
    if marker:
        if marker not in images.records:
            raise kernel.Refusal(400, f"No image found with ID {marker}")
        ids = [image["id"] for image in bodies]
        bodies = bodies[ids.index(marker) + 1 :] if marker in ids else []
    page = bodies[:limit]
    query = [(name, value) for name, value in request.query if name != "marker"]
    body = {"images": page, "first": _link(query), "schema": "/v2/schemas/images"}
    if page and len(page) == limit:
        body["next"] = _link([*query, ("marker", page[-1]["id"])])
    return kernel.Reply(body=body)


def _link(query: list[tuple[str, str]]) -> str:
    """Return the path of a list."""
    return f"/v2/images?{urlencode(query)}" if query else "/v2/images"


def _limit(request: http.Request) -> int:
    """Return the size of a page."""
    given = request.first("limit")
    if given is None:
        return min(PAGE, request.cloud.settings.page)
    try:
        limit = int(given)
    except ValueError:
        raise kernel.Refusal(400, "limit param must be an integer") from None
    if limit < 0:
        raise kernel.Refusal(400, "limit param must be positive")
    return min(limit, request.cloud.settings.page)


def _order(request: http.Request) -> list[tuple[str, bool]]:
    """Return the sort keys, each with whether it is descending; newest first by default."""
    keys = request.every("sort_key")
    directions = request.every("sort_dir")
    order = [
        (key, (directions[min(at, len(directions) - 1)] if directions else "desc") == "desc")
        for at, key in enumerate(keys)
    ]
    for part in (request.first("sort") or "").split(","):
        if part:
            key, _, direction = part.partition(":")
            order.append((key.strip(), direction.strip() in ("", "desc")))
    for key, _ in order:
        if key not in SORT_KEYS:
            raise kernel.Refusal(
                400, f"Invalid sort key: {key}. It must be one of the following: {', '.join(SORT_KEYS)}."
            )
    named = {key for key, _ in order}
    return order + [(key, True) for key in ("created_at", "id") if key not in named]


def _listed(request: http.Request, record: state.Record) -> bool:
    """Return whether an image is listed unless a filter asks for it: not hidden, not others' community images."""
    caller, base = request.caller, record.base
    if base["os_hidden"] and request.first("os_hidden") is None:
        return False
    visibility = request.first("visibility")
    mine = base["owner"] == caller.project_id
    if base["visibility"] == "community":
        return mine or visibility in ("community", "all")
    if base["visibility"] == "public" or mine:
        return True
    member = record.members.get(caller.project_id)
    if member is None:
        return caller.admin
    status = request.first("member_status") or "accepted"
    return status in ("all", member["status"])


def _test(request: http.Request, name: str, values: list[str]) -> Test:
    """Return the test of one filter."""
    value = values[-1]
    if name == "visibility":
        if value not in VISIBILITIES:
            raise kernel.Refusal(400, f"Invalid visibility value: {value}")
        return lambda body: value in ("all", body["visibility"])
    if name == "tag":
        return lambda body: set(values) <= set(body["tags"])
    if name in ("size_min", "size_max"):
        try:
            bound = int(value)
        except ValueError:
            raise kernel.Refusal(400, f"Cannot convert {name} to an integer.") from None
        if name == "size_min":
            return lambda body: (body["size"] or 0) >= bound
        return lambda body: (body["size"] or 0) <= bound
    if name in ("protected", "os_hidden"):
        return lambda body: str(body[name]).lower() == value.lower()
    if name in ("created_at", "updated_at"):
        return _moment(name, value)
    several = value.startswith("in:") and request.cloud.era.lists_images_by_id
    accepted = value[3:].split(",") if several else [value]
    return lambda body: name in body and str(body[name]) in accepted


def _moment(name: str, value: str) -> Test:
    """Return the test of a time, with an operator before it."""
    operator, _, moment = value.partition(":")
    compare: dict[str, Callable[[str, str], bool]] = {
        "gt": lambda time, limit: time > limit,
        "gte": lambda time, limit: time >= limit,
        "lt": lambda time, limit: time < limit,
        "lte": lambda time, limit: time <= limit,
        "eq": lambda time, limit: time == limit,
        "neq": lambda time, limit: time != limit,
    }
    if operator in compare:
        return lambda body: compare[operator](body[name], moment)
    return lambda body: bool(body[name] == value)
