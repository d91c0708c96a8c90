"""Lists of the network service: filters, fields, order and pages, for every kind alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from enamel.sandbox import http, kernel, table
from enamel.sandbox.network import attribute

Test = Callable[[table.Row], bool]

CONTROLS = frozenset({"fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir"})
"""Parameters that shape a list instead of choosing its members."""

TAGS: dict[str, Callable[[set[str], set[str]], bool]] = {
    "tags": lambda tags, have: tags <= have,
    "tags-any": lambda tags, have: bool(tags & have),
    "not-tags": lambda tags, have: not tags <= have,
    "not-tags-any": lambda tags, have: not tags & have,
}
"""The four ways to choose by tags."""


def answer(kind: attribute.Kind, request: http.Request, rows: Iterable[table.Row]) -> kernel.Reply:
    """Answer a list request from the rows that the caller may see."""
    tests = _tests(kind, request)
    matches = [row for row in rows if all(test(row) for test in tests)]
    matches = _ordered(kind, request, matches)
    page, links = _page(kind, request, matches)
    body: kernel.Json = {kind.collection: [view(kind, request, row) for row in page]}
    if links:
        body[f"{kind.collection}_links"] = links
    return kernel.Reply(body=body)


def view(kind: attribute.Kind, request: http.Request, row: table.Row) -> table.Row:
    """Return what the caller sees of a row: without what is for administrators, only the fields asked for."""
    fields = request.every("fields") if request.method == "GET" else []
    hidden = () if request.caller.admin else kind.hidden
    if fields:
        return {name: row[name] for name in fields if name in row and name not in hidden}
    return {name: value for name, value in row.items() if name not in hidden} if hidden else row


def _tests(kind: attribute.Kind, request: http.Request) -> list[Test]:
    """Return one test per filter, or refuse filters the kind does not know."""
    filters = {name: values for name, values in request.filters().items() if name not in CONTROLS}
    era = request.cloud.era
    unknown = [
        name
        for name in filters
        if (name not in kind.attributes and name not in TAGS) or not era.knows(kind.name, name)
    ]
    if not era.filters_strictly:
        filters = {name: values for name, values in filters.items() if name not in unknown}
    elif unknown:
        raise attribute.bad(f"{unknown} is invalid attribute for filtering")
    return [_test(name, values) for name, values in filters.items()]


def _test(name: str, values: Sequence[str]) -> Test:
    """Return the test of one filter."""
    if name in TAGS:
        tags = {tag for value in values for tag in value.split(",")}
        choose = TAGS[name]
        return lambda row: choose(tags, set(row.get("tags", ())))
    if name == "fixed_ips":
        return _fixed_ips(values)
    accepted = frozenset(values)
    folded = frozenset(value.lower() for value in values)

    def test(row: table.Row) -> bool:
        value = row.get(name)
        if isinstance(value, bool):
            return str(value).lower() in folded or str(int(value)) in folded
        if isinstance(value, list):
            return any(str(item) in accepted for item in value)
        return value is not None and str(value) in accepted

    return test


def _fixed_ips(values: Sequence[str]) -> Test:
    """Return the test of `fixed_ips=ip_address=…`, `ip_address_substr=…` and `subnet_id=…`."""
    criteria: dict[str, list[str]] = {}
    for value in values:
        key, _, what = value.partition("=")
        criteria.setdefault(key, []).append(what)

    def fits(fixed: table.Row) -> bool:
        return all(
            any(what in fixed["ip_address"] for what in whats)
            if key == "ip_address_substr"
            else fixed.get(key) in whats
            for key, whats in criteria.items()
        )

    return lambda row: any(fits(fixed) for fixed in row["fixed_ips"])


def _ordered(kind: attribute.Kind, request: http.Request, rows: list[table.Row]) -> list[table.Row]:
    """Return rows in the requested order, finally by id, as Neutron's pages need."""
    keys, directions = request.every("sort_key"), request.every("sort_dir")
    unknown = [key for key in keys if key not in kind.attributes]
    if unknown:
        raise attribute.bad(f"{unknown} is invalid attribute for sort_keys")
    rows.sort(key=lambda row: str(row["id"]))
    for position in range(len(keys) - 1, -1, -1):
        backwards = position < len(directions) and directions[position] == "desc"
        rows.sort(key=_sorting(keys[position]), reverse=backwards)
    return rows


def _sorting(key: str) -> Callable[[table.Row], tuple[bool, str]]:
    """Return the sort key of a row; rows without the value come first."""

    def compared(row: table.Row) -> tuple[bool, str]:
        value: Any = row.get(key)
        return value is not None, f"{value:020}" if isinstance(value, int) else str(value)

    return compared


def _page(
    kind: attribute.Kind, request: http.Request, rows: list[table.Row]
) -> tuple[list[table.Row], list[dict[str, str]]]:
    """Return one page and the links to its neighbours; no limit, no links."""
    backwards = (request.first("page_reverse") or "").lower() in ("true", "1")
    marker = request.first("marker")
    position = next((at for at, row in enumerate(rows) if row["id"] == marker), None) if marker else None
    if position is not None:
        rows = rows[:position] if backwards else rows[position + 1 :]
    limit = _limit(request)
    if not limit:
        return rows, []
    page = rows[-limit:] if backwards else rows[:limit]
    if not page:
        return page, []
    links = []
    if len(page) == limit:
        links.append(_link(kind, request, marker=page[-1]["id"], rel="next"))
    if marker or page:
        links.append(_link(kind, request, marker=page[0]["id"], rel="previous"))
    return page, links


def _limit(request: http.Request) -> int:
    """Return the size of a page; 0 is no limit."""
    given = request.first("limit")
    most = request.cloud.settings.network_page
    if given is None:
        return most
    if not given.isdecimal():
        raise kernel.Refusal(
            400,
            f"Bad limit request: Limit must be an integer 0 or greater and not '{given}'.",
            kind="BadRequest",
        )
    return min(int(given) or most, most) if most else int(given)


def _link(kind: attribute.Kind, request: http.Request, *, marker: str, rel: str) -> dict[str, str]:
    """Return the link to the next or the previous page."""
    query = [(name, value) for name, value in request.query if name not in ("marker", "page_reverse")]
    query.append(("marker", marker))
    if rel == "previous":
        query.append(("page_reverse", "True"))
    return {"rel": rel, "href": f"{request.root}/v2.0/{kind.collection}?{urlencode(query)}"}
