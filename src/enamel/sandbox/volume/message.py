"""Messages: the volume service's reports of asynchronous failures."""

from __future__ import annotations

from enamel.sandbox import http, kernel, table
from enamel.sandbox.volume import state


def listing(request: http.Request) -> kernel.Reply:
    """List messages, newest first."""
    rows = state.of(request).messages.of(request.caller.project_id)
    filters = request.filters()
    bodies = [
        _view(request, row)
        for row in rows
        if all(
            row.get(name) in values
            for name, values in filters.items()
            if name in ("resource_uuid", "resource_type", "event_id", "request_id", "message_level")
        )
    ]
    return kernel.Reply(body={"messages": bodies[::-1]})


def show(request: http.Request) -> kernel.Reply:
    """Show one message."""
    return kernel.Reply(body={"message": _view(request, _named(request))})


def delete(request: http.Request) -> kernel.Reply:
    """Delete one message."""
    state.of(request).messages.drop(_named(request)["id"])
    return kernel.Reply(status=204)


def _named(request: http.Request) -> table.Row:
    """Return the message a request names, or refuse."""
    row = state.of(request).messages.get(request.params["id"])
    if row is None or not request.caller.sees(row["project_id"]):
        raise kernel.Refusal(404, f"Message {request.params['id']} could not be found.")
    return row


def _view(request: http.Request, row: table.Row) -> kernel.Json:
    """Return a message as it is shown."""
    body = {name: value for name, value in row.items() if name != "project_id"}
    links = [
        {"rel": "self", "href": f"{request.root}/v3/messages/{row['id']}"},
        {"rel": "bookmark", "href": f"{request.root}/messages/{row['id']}"},
    ]
    return {**body, "links": links}
