"""Lists of the volume service: filters, order and pages."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from enamel.sandbox import http, kernel, table

CONTROLS = frozenset(
    {"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "with_count", "all_tenants"}
)
VOLUME_FILTERS = frozenset(
    {
        "availability_zone",
        "bootable",
        "created_at",
        "group_id",
        "metadata",
        "migration_status",
        "name",
        "size",
        "status",
        "updated_at",
        "volume_type",
        "id",
        "project_id",
        "user_id",
        "host",
        "glance_metadata",
    }
)
SNAPSHOT_FILTERS = frozenset(
    {
        "name",
        "status",
        "volume_id",
        "metadata",
        "availability_zone",
        "created_at",
        "updated_at",
        "project_id",
        "id",
    }
)
PLACES = {"availability_zone": "zone"}
"""Filters that have another name in the row."""
View = Callable[[table.Row], kernel.Json]


def answer(
    request: http.Request, rows: Iterable[table.Row], *, word: str, known: frozenset[str], view: View
) -> kernel.Reply:
    """Answer a list request from the rows that the caller may see, which are oldest first."""
    filters = {name: values[-1] for name, values in request.filters().items() if name not in CONTROLS}
    unknown = [name for name in filters if name.removesuffix("~") not in known]
    if unknown:
        raise kernel.Refusal(400, f"Invalid filters {','.join(unknown)} are found in query options.")
    tests = [_test(name, value) for name, value in filters.items()]
    matches = [row for row in rows if all(test(row) for test in tests)]
    matches.reverse()
    for key, backwards in reversed(_order(request)):
        matches.sort(key=lambda row, key=key: _comparable(row, key), reverse=backwards)  # type: ignore[misc]
    total = len(matches)
    page, links = paged(request, matches, word=word)
    body: kernel.Json = {word: [view(row) for row in page]}
    if links:
        body[f"{word}_links"] = links
    if (request.first("with_count") or "").lower() in ("true", "1") and request.version >= (3, 45):
        body["count"] = total
    return kernel.Reply(body=body)


def paged(
    request: http.Request, rows: list[table.Row], *, word: str
) -> tuple[list[table.Row], list[dict[str, str]]]:
    """Return one page of rows, and the link to the next one where the page is full."""
    limit = _number(request, "limit", usual=request.cloud.settings.page)
    page = _after(request, rows, word=word)[_number(request, "offset", usual=0) :][:limit]
    if not page or len(page) < limit:
        return page, []
    query = [(name, value) for name, value in request.query if name != "marker"]
    query.append(("marker", page[-1]["id"]))
    return page, [{"rel": "next", "href": f"{request.root}{request.path}?{urlencode(query)}"}]


def _number(request: http.Request, name: str, *, usual: int) -> int:
    """Return a parameter that is a number, or refuse."""
    given = request.first(name)
    if given is None:
        return usual
    try:
        number = int(given)
    except ValueError:
        raise kernel.Refusal(400, f"{name} param must be an integer") from None
    if number < 0:
        raise kernel.Refusal(400, f"{name} param must be positive")
    return min(number, request.cloud.settings.page) if name == "limit" else number


def _after(request: http.Request, rows: list[table.Row], *, word: str) -> list[table.Row]:
    """Return what comes after the marker."""
    marker = request.first("marker")
    if not marker:
        return rows
    for position, row in enumerate(rows):
        if row["id"] == marker:
            return rows[position + 1 :]
    raise kernel.Refusal(404, f"{word[:-1].capitalize()} {marker} could not be found.")


def _order(request: http.Request) -> list[tuple[str, bool]]:
    """Return the sort keys, each with whether it is descending."""
    parts = [part for part in (request.first("sort") or "").split(",") if part]
    if request.first("sort_key"):
        parts.append(f"{request.first('sort_key')}:{request.first('sort_dir') or 'desc'}")
    order = []
    for part in parts:
        key, _, direction = part.partition(":")
        if direction not in ("", "asc", "desc"):
            raise kernel.Refusal(
                400, "Invalid input received: Unknown sort direction, must be 'desc' or 'asc'."
            )
        order.append((key.strip(), direction != "asc"))
    return order


def _comparable(row: table.Row, key: str) -> tuple[bool, str]:
    """Return the sort key of a row."""
    value: Any = row.get(PLACES.get(key, key))
    return value is not None, f"{value:020}" if isinstance(value, int) else str(value)


def _test(name: str, value: str) -> Callable[[table.Row], bool]:
    """Return the test of one filter."""
    if name == "metadata":
        metadata = _mapping(value)
        return lambda row: all(row["metadata"].get(key) == expected for key, expected in metadata.items())
    if name == "glance_metadata":
        metadata = _mapping(value)
        return lambda row: all(row["image"].get(key) == expected for key, expected in metadata.items())
    if name.endswith("~"):
        return lambda row: value in str(row.get(PLACES.get(name[:-1], name[:-1])) or "")
    place = PLACES.get(name, name)
    folded = value.lower()

    def test(row: table.Row) -> bool:
        held = row.get(place)
        return (
            str(held).lower() == folded if isinstance(held, bool) else held is not None and str(held) == value
        )

    return test


def _mapping(value: str) -> dict[str, str]:
    """Return the dictionary that a filter holds as a Python literal, or refuse."""
    try:
        mapping = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        mapping = None
    if not isinstance(mapping, dict):
        raise kernel.Refusal(400, f"Invalid filter value: {value} is not a dictionary.")
    return {str(key): str(text) for key, text in mapping.items()}
