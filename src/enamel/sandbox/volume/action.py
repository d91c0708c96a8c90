"""Actions on volumes: one line per action."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from enamel.sandbox import http, kernel, table
from enamel.sandbox.volume import body as volume_body
from enamel.sandbox.volume import state, type_table

Action = Callable[[http.Request, table.Row, kernel.Json], kernel.Reply]
ACCEPTED = kernel.Reply(status=202)


def act(request: http.Request) -> kernel.Reply:
    """Carry out an action on a volume."""
    row = state.of(request).seen(request.caller, request.params["id"])
    body = request.body()
    name = next(iter(body), "")
    action = ACTIONS.get(name)
    if action is None or len(body) != 1:
        raise kernel.Refusal(
            400,
            f"There is no such action: {name}. Verify the request body and Content-Type header and try again.",
        )
    wish = {} if body[name] is None else body[name]
    if not isinstance(wish, dict):
        raise volume_body.field(name, wish, f"{wish!r} is not of type 'object'")
    return action(request, row, wish)


def extend(request: http.Request, row: table.Row, wish: kernel.Json) -> kernel.Reply:
    """Extend a volume."""
    volumes = state.of(request)
    size = volume_body.size(wish.get("new_size"), name="new_size")
    if row["status"] != "available" and not (row["status"] == "in-use" and request.version >= (3, 42)):
        raise kernel.Refusal(
            400,
            f"Invalid volume: Volume {row['id']} status must be '{{'available'}}' to extend, currently {row['status']}.",
        )
    if size <= row["size"]:
        raise kernel.Refusal(
            400,
            "Invalid input received: New size for extend must be greater than current size. (current:"
            f" {row['size']}, extended: {size}).",
        )
    volumes.spend(row["project_id"], what="volumes", count=0, gigabytes=size - row["size"])
    before = row["status"]
    volumes.change(row, status="extending")
    volumes.later(row, 0.1, 0.3, when="extending", act=lambda: volumes.change(row, status=before, size=size))
    return ACCEPTED


def retype(request: http.Request, row: table.Row, wish: kernel.Json) -> kernel.Reply:
    """Retype a volume."""
    volumes = state.of(request)
    kind = type_table.named(volumes.types, str(wish.get("new_type")))
    if row["status"] not in ("available", "in-use"):
        raise kernel.Refusal(
            400,
            f"Invalid volume: Volume {row['id']} status must be available or in-use, not {row['status']}.",
        )
    before = row["status"]
    multiattach = kind["extra_specs"].get("multiattach") == "<is> True"
    volumes.change(row, status="retyping")

    def finish() -> None:
        volumes.change(row, status=before, type_id=kind["id"], multiattach=multiattach)

    def stay() -> None:
        volumes.change(row, status=before)

    volumes.later(row, 0.1, 0.3, when="retyping", act=finish if type_table.has_backend(kind) else stay)
    return ACCEPTED


def set_bootable(request: http.Request, row: table.Row, wish: kernel.Json) -> kernel.Reply:
    """Set whether a volume is bootable."""
    bootable = wish.get("bootable")
    if str(bootable).lower() not in ("true", "false", "1", "0"):
        raise volume_body.field("bootable", bootable, f"{bootable!r} is not one of [True, False]")
    state.of(request).change(row, bootable=str(bootable).lower() in ("true", "1"))
    return kernel.Reply()


def reset_status(request: http.Request, row: table.Row, wish: kernel.Json) -> kernel.Reply:
    """Reset a volume's status (administrators only)."""
    _administrators(request, "volume_extension:volume_admin_actions:reset_status")
    status = wish.get("status")
    if not isinstance(status, str):
        raise volume_body.field("status", status, f"{status!r} is not of type 'string'")
    state.of(request).change(row, status=status)
    return ACCEPTED


def force_delete(request: http.Request, row: table.Row, wish: kernel.Json) -> kernel.Reply:
    """Force-delete a volume (administrators only)."""
    _administrators(request, "volume_extension:volume_admin_actions:force_delete")
    state.of(request).drop(row)
    return ACCEPTED


def reserve(request: http.Request, row: table.Row, wish: kernel.Json) -> kernel.Reply:
    """Reserve an available volume."""
    if row["status"] != "available":
        raise kernel.Refusal(
            400,
            f"Invalid volume: Volume status must be available to reserve, but the status is {row['status']}.",
        )
    state.of(request).change(row, status="attaching")
    return ACCEPTED


def unreserve(request: http.Request, row: table.Row, wish: kernel.Json) -> kernel.Reply:
    """Drop the reservation of a volume."""
    if row["status"] == "attaching":
        state.of(request).change(row, status="in-use" if row["attachments"] else "available")
    return ACCEPTED


def begin_detaching(request: http.Request, row: table.Row, wish: kernel.Json) -> kernel.Reply:
    """Set an attached volume to `detaching`."""
    if row["status"] != "in-use":
        raise kernel.Refusal(
            400,
            "Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be"
            f" 'attached' to detach, but the status is {row['status']}.",
        )
    state.of(request).change(row, status="detaching")
    return ACCEPTED


def roll_detaching(request: http.Request, row: table.Row, wish: kernel.Json) -> kernel.Reply:
    """Return a volume from `detaching` to `in-use`."""
    if row["status"] == "detaching":
        state.of(request).change(row, status="in-use")
    return ACCEPTED


def set_image_metadata(request: http.Request, row: table.Row, wish: kernel.Json) -> kernel.Reply:
    """Add to a volume's image metadata."""
    metadata = volume_body.metadata(wish.get("metadata") or {})
    state.of(request).change(row, image={**row["image"], **metadata})
    return kernel.Reply(body={"metadata": row["image"]})


def show_image_metadata(request: http.Request, row: table.Row, wish: kernel.Json) -> kernel.Reply:
    """Show a volume's image metadata."""
    return kernel.Reply(body={"metadata": row["image"]})


ACTIONS: Mapping[str, Action] = {
    "os-extend": extend,
    "os-retype": retype,
    "os-set_bootable": set_bootable,
    "os-reset_status": reset_status,
    "os-force_delete": force_delete,
    "os-reserve": reserve,
    "os-unreserve": unreserve,
    "os-begin_detaching": begin_detaching,
    "os-roll_detaching": roll_detaching,
    "os-set_image_metadata": set_image_metadata,
    "os-show_image_metadata": show_image_metadata,
}


def _administrators(request: http.Request, rule: str) -> None:
    """Refuse what only administrators may do."""
    if not request.caller.admin:
        raise kernel.Refusal(403, f"Policy doesn't allow {rule} to be performed.")
