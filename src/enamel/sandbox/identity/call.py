"""What Keystone's routes share: reading a request, rendering a list, and access to the caller's own user only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.identity import state

_MALFORMED = (
    " The server could not comply with the request since it is either malformed or otherwise incorrect."
    " The client is assumed to be in error."
)


def expected(body: object, *names: str) -> Any:
    """Return the value under these keys of a body, or refuse it as Keystone does."""
    for name in names:
        if not isinstance(body, dict) or name not in body:
            raise kernel.Refusal(400, f"Expecting to find {name} in request body.{_MALFORMED}")
        body = body[name]
    return body


def body(request: http.Request) -> kernel.Json:
    """Return the JSON body, or refuse it as Keystone does."""
    try:
        return request.body()
    except kernel.Refusal:
        raise kernel.Refusal(400, f"Expecting to find valid JSON in request body.{_MALFORMED}") from None


def time(moment: datetime) -> str:
    """Return a time as Keystone writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def listed(request: http.Request, name: str, items: Sequence[object]) -> kernel.Reply:
    """Answer with a list in Keystone's envelope."""
    links = {"next": None, "self": request.root + request.path, "previous": None}
    return kernel.Reply(body={name: items, "links": links})


def forbid(rule: str) -> kernel.Refusal:
    """Return the refusal of what only an admin may do."""
    return kernel.Refusal(403, f"You are not authorized to perform the requested action: {rule}.")


def user_of(request: http.Request, *, rule: str) -> state.User:
    """Return the user in the path, when it is the caller or the caller is an admin."""
    user = request.cloud.identity.users.get(request.params["id"])
    if not request.caller.admin and (user is None or user.id != request.caller.user_id):
        raise forbid(f"identity:{rule}")
    if user is None:
        raise kernel.Refusal(404, f"Could not find user: {request.params['id']}.")
    return user


def role_body(request: http.Request, name: str) -> dict[str, Any]:
    """Return a role as Keystone shows it."""
    role_id = request.cloud.identity.roles[name]
    immutable = {"immutable": True} if name != "creator" else {}
    return {"id": role_id, "name": name, "domain_id": None, "description": None, "options": immutable}
