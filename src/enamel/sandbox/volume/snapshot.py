"""Snapshots of volumes."""

from __future__ import annotations

from collections.abc import Iterable

from enamel.sandbox import http, kernel, table
from enamel.sandbox.volume import body, state, view
from enamel.sandbox.volume import listing as volume_listing


def listing(request: http.Request) -> kernel.Reply:
    """List snapshots without details."""
    return volume_listing.answer(
        request,
        _rows(request),
        word="snapshots",
        known=volume_listing.SNAPSHOT_FILTERS,
        view=lambda row: view.snapshot(request, row, brief=True),
    )


def detail(request: http.Request) -> kernel.Reply:
    """List snapshots in detail."""
    return volume_listing.answer(
        request,
        _rows(request),
        word="snapshots",
        known=volume_listing.SNAPSHOT_FILTERS,
        view=lambda row: view.snapshot(request, row),
    )


def create(request: http.Request) -> kernel.Reply:
    """Create a snapshot of a volume."""
    volumes = state.of(request)
    wish = body.item(request, "snapshot")
    if not isinstance(wish.get("volume_id"), str):
        raise body.field("snapshot", wish, "'volume_id' is a required property")
    for name in ("name", "description"):
        body.texts(name, wish.get(name))
    metadata = dict(body.metadata(wish.get("metadata") or {}))
    origin = volumes.seen(request.caller, wish["volume_id"])
    if origin["status"] not in ("available", "in-use"):
        raise kernel.Refusal(
            400,
            f"Invalid volume: Volume {origin['id']} status must be available or in-use, but current status is:"
            f" {origin['status']}.",
        )
    volumes.spend(origin["project_id"], what="snapshots", count=1, gigabytes=origin["size"])
    row = volumes.snapshots.add(
        {
            "id": request.cloud.new_id(),
            "project_id": origin["project_id"],
            "user_id": request.caller.user_id,
            "created_at": volumes.stamp(),
            "updated_at": None,
            "name": wish.get("name"),
            "description": wish.get("description"),
            "volume_id": origin["id"],
            "status": "creating",
            "size": origin["size"],
            "metadata": metadata,
            "type_id": origin["type_id"],
            "bootable": origin["bootable"],
            "image": origin["image"],
        }
    )
    volumes.snapshots_of.add(origin["id"], row["id"])
    volumes.settle(row, 0.1, 0.5, when="creating", then="available")
    return kernel.Reply(status=202, body={"snapshot": view.snapshot(request, row, full=False)})


def show(request: http.Request) -> kernel.Reply:
    """Show a snapshot."""
    return kernel.Reply(body={"snapshot": view.snapshot(request, _row(request))})


def update(request: http.Request) -> kernel.Reply:
    """Change a snapshot's name or description."""
    row = _row(request)
    wish = body.item(request, "snapshot")
    for name in ("name", "description"):
        body.texts(name, wish.get(name))
    state.of(request).change(row, **{name: wish[name] for name in ("name", "description") if name in wish})
    return kernel.Reply(body={"snapshot": view.snapshot(request, row, full=False)})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a snapshot."""
    row = _row(request)
    if row["status"] not in ("available", "error"):
        raise kernel.Refusal(
            400, "Invalid snapshot: Snapshot status must be available or error, not " + row["status"] + "."
        )
    state.of(request).drop_snapshot(row)
    return kernel.Reply(status=202)


def _row(request: http.Request) -> table.Row:
    """Return the snapshot a request names, or refuse."""
    return state.of(request).seen_snapshot(request.caller, request.params["id"])


def _rows(request: http.Request) -> Iterable[table.Row]:
    """Return the snapshots of a list."""
    snapshots = state.of(request).snapshots
    if request.caller.admin and request.first("all_tenants") in ("1", "True", "true"):
        return snapshots
    return snapshots.of(request.caller.project_id)
