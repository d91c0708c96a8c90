"""The metadata of volumes."""

from __future__ import annotations

from enamel.sandbox import http, kernel, table
from enamel.sandbox.volume import body, state


def show(request: http.Request) -> kernel.Reply:
    """Show a volume's metadata."""
    return kernel.Reply(body={"metadata": _row(request)["metadata"]})


def extend(request: http.Request) -> kernel.Reply:
    """Add to a volume's metadata."""
    row = _row(request)
    row["metadata"] = {**row["metadata"], **body.metadata(body.item(request, "metadata"))}
    return kernel.Reply(body={"metadata": row["metadata"]})


def replace(request: http.Request) -> kernel.Reply:
    """Replace a volume's metadata."""
    row = _row(request)
    row["metadata"] = dict(body.metadata(body.item(request, "metadata")))
    return kernel.Reply(body={"metadata": row["metadata"]})


def show_item(request: http.Request) -> kernel.Reply:
    """Show one item of a volume's metadata."""
    row, key = _row(request), request.params["key"]
    _refuse_missing(row, key)
    return kernel.Reply(body={"meta": {key: row["metadata"][key]}})


def set_item(request: http.Request) -> kernel.Reply:
    """Set one item of a volume's metadata."""
    row, key = _row(request), request.params["key"]
    wish = body.metadata(body.item(request, "meta"))
    if list(wish) != [key]:
        raise kernel.Refusal(400, "Request body and URI mismatch")
    row["metadata"] = {**row["metadata"], **wish}
    return kernel.Reply(body={"meta": wish})


def unset_item(request: http.Request) -> kernel.Reply:
    """Delete one item of a volume's metadata."""
    row, key = _row(request), request.params["key"]
    _refuse_missing(row, key)
    row["metadata"] = {name: value for name, value in row["metadata"].items() if name != key}
    return kernel.Reply()


def _refuse_missing(row: table.Row, key: str) -> None:
    """Refuse an item the metadata does not have."""
    if key not in row["metadata"]:
        raise kernel.Refusal(404, f"Volume {row['id']} has no metadata with key {key}.")


def _row(request: http.Request) -> table.Row:
    """Return the volume a request names, or refuse."""
    return state.of(request).seen(request.caller, request.params["id"])
