"""Lists of servers: filters, order, pages; one server, its change and its deletion."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from enamel.sandbox import http, kernel
from enamel.sandbox.compute import deletion, work
from enamel.sandbox.compute import schema as compute_schema
from enamel.sandbox.compute import server as compute_server
from enamel.sandbox.compute import view as compute_view

_NEVER: kernel.Version = (9, 0)

Test = Callable[[compute_server.Server], bool]

_SORTS: dict[str, Callable[[compute_server.Server], Any]] = {
    "created_at": lambda server: server.created,
    "updated_at": lambda server: server.updated,
    "launched_at": lambda server: str(server.launched or ""),
    "display_name": lambda server: server.name,
    "uuid": lambda server: server.id,
    "vm_state": lambda server: server.vm_state,
    "task_state": lambda server: server.task_state or "",
    "power_state": lambda server: server.power_state,
    "availability_zone": lambda server: server.zone,
    "host": lambda server: server.host or "",
    "image_ref": lambda server: server.image.id if server.image else "",
    "key_name": lambda server: server.key_name or "",
    "project_id": lambda server: server.project_id,
    "user_id": lambda server: server.user_id,
}


def brief(request: http.Request) -> kernel.Reply:
    """Answer with servers by id and name."""
    return _answer(request, compute_view.brief)


def detailed(request: http.Request) -> kernel.Reply:
    """Answer with servers in detail."""
    return _answer(request, compute_view.detailed)


def show(request: http.Request) -> kernel.Reply:
    """Answer with one server."""
    server = request.cloud.compute.find(request.caller, request.params["id"])
    return kernel.Reply(body={"server": compute_view.detailed(request, server, single=True)})


def _answer(
    request: http.Request, view: Callable[[http.Request, compute_server.Server], dict[str, Any]]
) -> kernel.Reply:
    """Filter, sort, cut a page and render it."""
    asked = _counting(request)
    most = request.cloud.settings.page
    limit = _number(asked.pop("limit", [str(most)])[0])
    marker = asked.pop("marker", [""])[0]
    keys, directions = asked.pop("sort_key", ["created_at"]), asked.pop("sort_dir", [])
    candidates = _candidates(request, asked)
    tests = _tests(request, asked)
    servers = [server for server in candidates if _passes(server, tests)]
    for number, key in reversed(list(enumerate(keys))):
        if key not in _SORTS:
            raise kernel.Refusal(
                400,
                f"Invalid input for query parameters sort_key. Value: {key}. {key!r} is not one of the known.",
            )
        ascending = number < len(directions) and directions[number] == "asc"
        servers.sort(key=_SORTS[key], reverse=not ascending)
    if marker:
        places = [number for number, server in enumerate(servers) if server.id == marker]
        if not places:
            raise kernel.Refusal(400, f"marker [{marker}] not found")
        servers = servers[places[0] + 1 :]
    page = servers[: min(limit, most)]
    body: dict[str, Any] = {"servers": [view(request, server) for server in page]}
    if limit and len(page) == min(limit, most):
        query = [(key, value) for key, value in request.query if key not in ("marker",)]
        href = f"{request.root}{request.path}?{urlencode([*query, ('marker', page[-1].id)])}"
        body["servers_links"] = [{"rel": "next", "href": href}]
    return kernel.Reply(body=body)


def _number(text: str) -> int:
    """Return a limit, or refuse an invalid one."""
    if not text.isdigit():
        raise kernel.Refusal(
            400,
            f"Invalid input for query parameters limit. Value: {text}. {text!r} does not match '^[0-9]*$'",
        )
    return int(text)


def _candidates(request: http.Request, asked: dict[str, list[str]]) -> Iterable[compute_server.Server]:
    """Return the servers the caller may see, and the deleted ones when the filters reach back to them."""
    nova, caller = request.cloud.compute, request.caller
    everywhere = "all_tenants" in asked and compute_schema.truth(asked.pop("all_tenants")[0] or "1")
    if everywhere and not caller.admin:
        word = "detail" if request.path.endswith("detail") else "index"
        raise kernel.Refusal(
            403, f"Policy doesn't allow os_compute_api:servers:{word}:get_all_tenants to be performed."
        )
    statuses = {status.upper() for status in asked.get("status", [])}
    if statuses == {"DELETED"} and not caller.admin:
        raise kernel.Refusal(403, "Only administrators may list deleted instances")
    tables = nova.of_project.values() if everywhere else [nova.of_project.get(caller.project_id, {})]
    records = nova.gone.values() if everywhere else [nova.gone.get(caller.project_id, [])]
    servers = [server for table in tables for server in table.values()]
    gone = [server for record in records for server in record]
    if "deleted" in asked or statuses == {"DELETED"}:
        if statuses == {"DELETED"} or compute_schema.truth(asked["deleted"][0]):
            return gone + [server for server in servers if server.vm_state == "soft-delete"]
    elif "changes-since" in asked or "changes-before" in asked:
        return servers + gone
    return [server for server in servers if server.vm_state != "soft-delete"]


def _passes(server: compute_server.Server, tests: list[Test]) -> bool:
    """Return whether a server passes every test."""
    return all(test(server) for test in tests)


def _tests(request: http.Request, asked: dict[str, list[str]]) -> list[Test]:
    """Return a test for each filter that has an effect."""
    return [_FILTERS[name](request, values) for name, values in asked.items() if name in _FILTERS]


def _counting(request: http.Request) -> dict[str, list[str]]:
    """Return the query without the filters that the caller may not use; from 2.75, unknown ones are refused."""
    asked = request.filters()
    if request.version >= (2, 75):
        for name in asked:
            if name not in _FILTERS and name not in _OTHERS and not name.startswith("_"):
                raise kernel.Refusal(400, f"{name!r} does not match any of the regexes: '^_'")
    if request.caller.admin:
        return asked
    return {
        name: values
        for name, values in asked.items()
        if name in ("limit", "marker", "sort_key", "sort_dir", "all_tenants")
        or _EVERYBODYS.get(name, _NEVER) <= request.version
    }


def _by_name(_: http.Request, values: list[str]) -> Test:
    """Return a test for names that a regular expression is found in."""
    try:
        expression = re.compile(values[0], re.IGNORECASE)
    except re.error:
        raise kernel.Refusal(400, f"Invalid filter name: {values[0]}") from None
    return lambda server: expression.search(server.name) is not None


def _by_status(request: http.Request, values: list[str]) -> Test:
    """Return a test for any of several statuses; none of them known is an error from 2.38."""
    statuses = {value.upper() for value in values}
    if not statuses & compute_server.STATUSES and request.version >= (2, 38):
        raise kernel.Refusal(400, "Invalid status value")
    return lambda server: server.status in statuses


def _by_field(
    get: Callable[[compute_server.Server], str | None],
) -> Callable[[http.Request, list[str]], Test]:
    """Return a maker of tests for equality with one field."""
    return lambda _, values: lambda server: get(server) in values


def _moment(text: str) -> datetime:
    """Return the time a filter means."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise kernel.Refusal(
            400,
            f"Invalid input for query parameters changes-since. Value: {text}. {text!r} is not a 'date-time'",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _since(_: http.Request, values: list[str]) -> Test:
    """Return a test for changes at or after a time; Nova keeps whole seconds."""
    start = _moment(values[0])
    return lambda server: server.updated.replace(microsecond=0) >= start


def _before(_: http.Request, values: list[str]) -> Test:
    """Return a test for changes at or before a time."""
    end = _moment(values[0])
    return lambda server: server.updated.replace(microsecond=0) <= end


def _by_tags(
    joint: Callable[[Iterable[bool]], bool], *, present: bool
) -> Callable[[http.Request, list[str]], Test]:
    """Return a maker of tests for all or any of several tags, present or absent."""

    def make(_: http.Request, values: list[str]) -> Test:
        tags = values[0].split(",")
        return lambda server: joint(tag in server.tags for tag in tags) is present

    return make


def _by_address(request: http.Request, values: list[str]) -> Test:
    """Return a test for addresses that a regular expression is found in."""
    expression = re.compile(values[0])
    network = request.cloud.network
    return lambda server: any(
        expression.search(address) for plug in network.plugs(server.id) for address, _ in plug.fixed
    )


def _by_lock(_: http.Request, values: list[str]) -> Test:
    """Return a test for locked servers."""
    locked = compute_schema.truth(values[0])
    return lambda server: (server.locked_by is not None) is locked


_FILTERS: dict[str, Callable[[http.Request, list[str]], Test]] = {
    "name": _by_name,
    "status": _by_status,
    "changes-since": _since,
    "changes-before": _before,
    "reservation_id": _by_field(lambda server: server.reservation_id),
    "image": _by_field(lambda server: server.image.id if server.image else None),
    "flavor": _by_field(lambda server: server.flavor.id),
    "uuid": _by_field(lambda server: server.id),
    "key_name": _by_field(lambda server: server.key_name),
    "availability_zone": _by_field(lambda server: server.zone),
    "user_id": _by_field(lambda server: server.user_id),
    "project_id": _by_field(lambda server: server.project_id),
    "tenant_id": _by_field(lambda server: server.project_id),
    "vm_state": _by_field(lambda server: server.vm_state),
    "task_state": _by_field(lambda server: server.task_state),
    "hostname": _by_field(lambda server: server.hostname),
    "host": _by_field(lambda server: server.host),
    "ip": _by_address,
    "ip6": _by_address,
    "locked": _by_lock,
    "tags": _by_tags(all, present=True),
    "tags-any": _by_tags(any, present=True),
    "not-tags": _by_tags(all, present=False),
    "not-tags-any": _by_tags(any, present=False),
}

_OTHERS = {"limit", "marker", "sort_key", "sort_dir", "all_tenants", "deleted", "soft_deleted"}

_EVERYBODYS: dict[str, kernel.Version] = {
    "reservation_id": (2, 1),
    "name": (2, 1),
    "status": (2, 1),
    "image": (2, 1),
    "flavor": (2, 1),
    "ip": (2, 1),
    "changes-since": (2, 1),
    "ip6": (2, 5),
    "tags": (2, 26),
    "tags-any": (2, 26),
    "not-tags": (2, 26),
    "not-tags-any": (2, 26),
    "changes-before": (2, 66),
    "locked": (2, 73),
    "availability_zone": (2, 83),
    "key_name": (2, 83),
    "task_state": (2, 83),
    "user_id": (2, 83),
    "vm_state": (2, 83),
}
"""The filters for callers without the admin role, by the microversion that added them."""


def _change(version: kernel.Version) -> compute_schema.Schema:
    """Return the schema of a change at a microversion."""
    properties = {
        "name": compute_schema.NAME,
        "OS-DCF:diskConfig": compute_schema.DISK_CONFIG,
        "accessIPv4": compute_schema.TEXT,
        "accessIPv6": compute_schema.TEXT,
    }
    if version >= (2, 19):
        properties["description"] = compute_schema.DESCRIPTION
    if version >= (2, 90):
        properties["hostname"] = compute_schema.HOSTNAME
    return compute_schema.obj(("server",), server=compute_schema.obj((), **properties))


_CHANGES = {turn: compute_schema.checker(_change(turn)) for turn in ((2, 90), (2, 19), (2, 1))}


def update(request: http.Request) -> kernel.Reply:
    """Change a server's name, description or hostname."""
    server = request.cloud.compute.find(request.caller, request.params["id"])
    body = request.body()
    compute_schema.check(body, next(schema for turn, schema in _CHANGES.items() if turn <= request.version))
    asked = body["server"]
    server.name = asked.get("name", server.name).strip()
    server.hostname = asked.get("hostname", server.hostname)
    server.description = asked.get("description", server.description)
    server.disk_config = asked.get("OS-DCF:diskConfig", server.disk_config)
    server.access_v4 = asked.get("accessIPv4", server.access_v4)
    server.access_v6 = asked.get("accessIPv6", server.access_v6)
    server.updated = request.cloud.now()
    return kernel.Reply(body={"server": compute_view.detailed(request, server, single=True)})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a server; a soft delete where `reclaim_seconds` is set."""
    server = request.cloud.compute.find(request.caller, request.params["id"])
    if server.locked_by is not None and not request.caller.admin:
        raise kernel.Refusal(409, f"Instance {server.id} is locked")
    if server.task_state not in ("deleting", "soft-deleting"):
        work.log(server, request, name="delete", event="compute_terminate_instance")
        deletion.delete(request.cloud, server)
    return kernel.Reply(status=204)
