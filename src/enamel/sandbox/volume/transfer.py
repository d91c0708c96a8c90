"""Volume transfers: one project offers a volume and another accepts it."""

from __future__ import annotations

from enamel.sandbox import http, kernel, table
from enamel.sandbox.volume import body, state


def listing(request: http.Request) -> kernel.Reply:
    """List transfers without details."""
    return kernel.Reply(body={"transfers": [_brief(request, row) for row in _rows(request)]})


def detail(request: http.Request) -> kernel.Reply:
    """List transfers in detail."""
    return kernel.Reply(body={"transfers": [_view(request, row) for row in _rows(request)]})


def create(request: http.Request) -> kernel.Reply:
    """Create a transfer of a volume and its key."""
    volumes = state.of(request)
    wish = body.item(request, "transfer")
    if not isinstance(wish.get("volume_id"), str):
        raise body.field("transfer", wish, "'volume_id' is a required property")
    body.texts("name", wish.get("name"))
    volume = volumes.seen(request.caller, wish["volume_id"])
    if volume["status"] != "available":
        raise kernel.Refusal(400, "Invalid volume: status must be available")
    row = volumes.transfers.add(
        {
            "id": request.cloud.new_id(),
            "project_id": volume["project_id"],
            "volume_id": volume["id"],
            "name": wish.get("name"),
            "created_at": volumes.stamp(),
            "auth_key": request.cloud.new_hex()[:16],
            "no_snapshots": bool(wish.get("no_snapshots", False)),
        }
    )
    volumes.change(volume, status="awaiting-transfer")
    return kernel.Reply(status=202, body={"transfer": {**_view(request, row), "auth_key": row["auth_key"]}})


def show(request: http.Request) -> kernel.Reply:
    """Show a transfer."""
    row = _offer(request)
    if not request.caller.sees(row["project_id"]):
        raise _unknown(request)
    return kernel.Reply(body={"transfer": _view(request, row)})


def accept(request: http.Request) -> kernel.Reply:
    """Accept a transfer with its key."""
    volumes = state.of(request)
    row = _offer(request)
    wish = body.item(request, "accept")
    if wish.get("auth_key") != row["auth_key"]:
        raise kernel.Refusal(400, f"Invalid auth key: Attempt to transfer {row['id']} with invalid auth key.")
    volume = volumes.volumes[row["volume_id"]]
    volumes.spend(request.caller.project_id, what="volumes", count=1, gigabytes=volume["size"])
    volumes.volumes.give(volume, project_id=request.caller.project_id)
    volumes.change(volume, status="available", user_id=request.caller.user_id)
    volumes.transfers.drop(row["id"])
    return kernel.Reply(status=202, body={"transfer": _brief(request, row)})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a transfer."""
    volumes = state.of(request)
    row = _offer(request)
    if not request.caller.sees(row["project_id"]):
        raise _unknown(request)
    volumes.transfers.drop(row["id"])
    volumes.change(volumes.volumes[row["volume_id"]], status="available")
    return kernel.Reply(status=202)


def _rows(request: http.Request) -> list[table.Row]:
    """Return the transfers of the caller's project."""
    return list(state.of(request).transfers.of(request.caller.project_id))


def _offer(request: http.Request) -> table.Row:
    """Return the transfer that a request names, or refuse."""
    row = state.of(request).transfers.get(request.params["id"])
    if row is None:
        raise _unknown(request)
    return row


def _unknown(request: http.Request) -> kernel.Refusal:
    """Return the refusal of an unknown transfer."""
    return kernel.Refusal(404, f"Transfer {request.params['id']} could not be found.")


def _brief(request: http.Request, row: table.Row) -> kernel.Json:
    """Return a transfer without details."""
    links = [
        {"rel": "self", "href": f"{request.root}/v3/volume-transfers/{row['id']}"},
        {"rel": "bookmark", "href": f"{request.root}/volume-transfers/{row['id']}"},
    ]
    return {"id": row["id"], "volume_id": row["volume_id"], "name": row["name"], "links": links}


def _view(request: http.Request, row: table.Row) -> kernel.Json:
    """Return a transfer in detail."""
    body = {"created_at": row["created_at"], **_brief(request, row)}
    if request.version >= (3, 55):
        body["no_snapshots"] = row["no_snapshots"]
    if request.version >= (3, 57):
        body.update(source_project_id=row["project_id"], destination_project_id=None, accepted=False)
    return body
