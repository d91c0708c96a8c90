"""Tags on the resources of the network service."""

from __future__ import annotations

from collections.abc import Callable

from enamel.sandbox import http, kernel, table
from enamel.sandbox.network import attribute, floatingip, group, network, port, router, state, subnet

Find = Callable[[state.Tables, kernel.Caller, str], table.Row]

FINDERS: dict[str, Find] = {
    "networks": network.find,
    "subnets": subnet.find,
    "routers": router.find,
    "ports": port.find,
    "floatingips": floatingip.find,
    "security-groups": group.find,
}
"""What can be tagged."""


def listing(request: http.Request) -> kernel.Reply:
    """List the tags of a resource."""
    return kernel.Reply(body={"tags": _row(request)["tags"]})


def show(request: http.Request) -> kernel.Reply:
    """Return whether a resource has a tag."""
    _refuse_missing(request, _row(request))
    return kernel.Reply(status=204)


def replace(request: http.Request) -> kernel.Reply:
    """Replace a resource's tags."""
    row = _row(request)
    row["tags"] = sorted(set(_wished(request)))
    state.of(request).changed(row)
    return kernel.Reply(body={"tags": row["tags"]})


def extend(request: http.Request) -> kernel.Reply:
    """Add tags to a resource."""
    row = _row(request)
    wished = _wished(request)
    row["tags"] = sorted({*row["tags"], *wished})
    state.of(request).changed(row)
    return kernel.Reply(body={"tags": wished})


def add(request: http.Request) -> kernel.Reply:
    """Add a tag to a resource."""
    row = _row(request)
    row["tags"] = sorted({*row["tags"], request.params["tag"]})
    state.of(request).changed(row)
    return kernel.Reply(status=201, body=b"null")


def remove(request: http.Request) -> kernel.Reply:
    """Remove a tag from a resource."""
    row = _row(request)
    _refuse_missing(request, row)
    row["tags"] = [tag for tag in row["tags"] if tag != request.params["tag"]]
    state.of(request).changed(row)
    return kernel.Reply(status=204)


def clear(request: http.Request) -> kernel.Reply:
    """Remove all tags of a resource."""
    row = _row(request)
    row["tags"] = []
    state.of(request).changed(row)
    return kernel.Reply(status=204)


def _row(request: http.Request) -> table.Row:
    """Return the resource a request is about, or refuse."""
    find = FINDERS.get(request.params["collection"])
    if find is None:
        raise kernel.Refusal(404, "The resource could not be found.", kind="HTTPNotFound")
    return find(state.of(request), request.caller, request.params["id"])


def _wished(request: http.Request) -> list[str]:
    """Return the tags in a body, or refuse."""
    tags = request.body().get("tags")
    if not isinstance(tags, list):
        raise attribute.bad("Invalid tags body")
    for tag in tags:
        if not isinstance(tag, str) or not 0 < len(tag) <= 255:
            raise attribute.bad(f"Invalid input for operation: '{tag}' is not a tag of 1 to 255 characters.")
    return tags


def _refuse_missing(request: http.Request, row: table.Row) -> None:
    """Refuse a tag the resource does not have."""
    if request.params["tag"] not in row["tags"]:
        raise kernel.Refusal(404, f"Tag {request.params['tag']} could not be found.", kind="TagNotFound")
