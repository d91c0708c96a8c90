"""Application credentials over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.identity import call, state


def _credential_body(request: http.Request, credential: state.Credential) -> dict[str, Any]:
    """Return an application credential as Keystone shows it, without its secret."""
    return {
        "id": credential.id,
        "name": credential.name,
        "description": credential.description,
        "user_id": credential.user_id,
        "project_id": credential.project_id,
        "system": None,
        "expires_at": call.time(credential.expires_at) if credential.expires_at else None,
        "unrestricted": credential.unrestricted,
        "roles": [call.role_body(request, name) for name in credential.roles],
        "links": {"self": f"{request.root}/v3/application_credentials/{credential.id}"},
    }


def listing(request: http.Request) -> kernel.Reply:
    """Answer with a user's application credentials."""
    user = call.user_of(request, rule="list_application_credentials")
    name = request.first("name")
    mine = [
        _credential_body(request, credential)
        for credential in request.cloud.identity.credentials.values()
        if credential.user_id == user.id and name in (None, credential.name)
    ]
    return call.listed(request, "application_credentials", mine)


def create(request: http.Request) -> kernel.Reply:
    """Create an application credential for the caller in the token's project."""
    user = call.user_of(request, rule="create_application_credential")
    keystone = request.cloud.identity
    wish = call.expected(call.body(request), "application_credential")
    name = call.expected(wish, "name")
    token = keystone.tokens[request.caller.token]
    if token.credential_id and not keystone.credentials[token.credential_id].unrestricted:
        raise call.forbid("identity:create_application_credential")
    if any(known.user_id == user.id and known.name == name for known in keystone.credentials.values()):
        raise kernel.Refusal(
            409,
            "Conflict occurred attempting to store application_credential - "
            f"Duplicate entry found with name {name}.",
        )
    credential = keystone.add_credential(
        user,
        project_id=request.caller.project_id,
        name=str(name),
        secret=wish.get("secret"),
        roles=_requested_roles(request, wish.get("roles")),
        description=wish.get("description"),
        expires_at=_expiry(wish.get("expires_at")),
        unrestricted=wish.get("unrestricted"),
    )
    body = _credential_body(request, credential) | {"secret": credential.secret}
    return kernel.Reply(status=201, body={"application_credential": body})


def _requested_roles(request: http.Request, requested: object) -> list[str]:
    """Return the names of the requested roles; all of the caller's by default."""
    mine = sorted(request.caller.roles)
    if not isinstance(requested, list) or not requested:
        return mine
    keystone = request.cloud.identity
    names = [
        name
        for role in requested
        for name in mine
        if isinstance(role, dict) and (role.get("name") == name or role.get("id") == keystone.roles[name])
    ]
    if len(names) != len(requested):
        raise kernel.Refusal(
            400,
            "Invalid application credential: Could not find role assignment with role: "
            f"{requested}, user or group: {request.caller.user_id}, project, domain, or system:"
            f" {request.caller.project_id}.",
        )
    return names


def _expiry(text: object) -> datetime | None:
    """Return the time at which an application credential expires."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise kernel.Refusal(
            400, f"Invalid input for field 'expires_at': {text!r} is not a 'date-time'"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _credential_of(request: http.Request, *, rule: str) -> state.Credential:
    """Return the application credential in the path."""
    user = call.user_of(request, rule=rule)
    credential = request.cloud.identity.credentials.get(request.params["credential"])
    if credential is None or credential.user_id != user.id:
        raise kernel.Refusal(404, f"Could not find Application Credential: {request.params['credential']}.")
    return credential


def show(request: http.Request) -> kernel.Reply:
    """Answer with one application credential."""
    credential = _credential_of(request, rule="get_application_credential")
    return kernel.Reply(body={"application_credential": _credential_body(request, credential)})


def delete(request: http.Request) -> kernel.Reply:
    """Delete an application credential; its tokens stop working."""
    credential = _credential_of(request, rule="delete_application_credential")
    request.cloud.identity.revoke_credential(credential.id)
    return kernel.Reply(status=204)
