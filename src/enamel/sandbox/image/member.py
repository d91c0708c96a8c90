"""The projects an image is shared with."""

from __future__ import annotations

from enamel.sandbox import http, kernel
from enamel.sandbox.image import state


def listing(request: http.Request) -> kernel.Reply:
    """List an image's members; a member sees only itself."""
    record = state.named(request)
    _refuse_unshared(record)
    members = list(record.members.values())
    if not request.caller.sees(record.base["owner"]):
        members = [member for member in members if member["member_id"] == request.caller.project_id]
    return kernel.Reply(body={"members": members, "schema": "/v2/schemas/members"})


def create(request: http.Request) -> kernel.Reply:
    """Share an image with a project."""
    record = state.owned(request, action="add_member")
    _refuse_unshared(record)
    project_id = request.body().get("member")
    if not isinstance(project_id, str) or not project_id:
        raise kernel.Refusal(400, "Member to be added not specified")
    if project_id in record.members:
        raise kernel.Refusal(409, f"Member {project_id} is duplicated for image {record.base['id']}")
    now = state.of(request).stamp()
    record.members[project_id] = {
        "member_id": project_id,
        "image_id": record.base["id"],
        "status": "pending",
        "created_at": now,
        "updated_at": now,
        "schema": "/v2/schemas/member",
    }
    return kernel.Reply(body=record.members[project_id])


def show(request: http.Request) -> kernel.Reply:
    """Show a member."""
    return kernel.Reply(body=_member(request, state.named(request)))


def update(request: http.Request) -> kernel.Reply:
    """Accept or reject an image; only the project it is shared with may."""
    record = state.named(request)
    status = request.body().get("status")
    if status not in ("pending", "accepted", "rejected"):
        raise kernel.Refusal(400, "Status not specified: it must be pending, accepted or rejected.")
    member = _member(request, record)
    if request.caller.project_id != member["member_id"] and not request.caller.admin:
        raise kernel.Refusal(403, "You are not authorized to complete modify_member action.")
    member.update(status=status, updated_at=state.of(request).stamp())
    return kernel.Reply(body=member)


def delete(request: http.Request) -> kernel.Reply:
    """Stop sharing an image with a project."""
    record = state.owned(request, action="delete_member")
    del record.members[_member(request, record)["member_id"]]
    return kernel.Reply(status=204)


def _member(request: http.Request, record: state.Record) -> kernel.Json:
    """Return the member a request names, or refuse."""
    project_id = request.params["member"]
    member = record.members.get(project_id)
    hidden = request.caller.project_id != project_id and not request.caller.sees(record.base["owner"])
    if member is None or hidden:
        raise kernel.Refusal(
            404, f"{project_id} not found in the member list of the image {record.base['id']}."
        )
    return member


def _refuse_unshared(record: state.Record) -> None:
    """Refuse members of images whose visibility is not `shared`."""
    if record.base["visibility"] != "shared":
        raise kernel.Refusal(403, "Only shared images have members.")
