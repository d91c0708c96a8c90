"""Tokens over HTTP: issued, validated, revoked."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.identity import call, state


def _unauthenticated(request: http.Request) -> state.Unauthenticated:
    """Return the refusal of wrong credentials."""
    return state.Unauthenticated(f"{request.root}/v3")


def _in_default(domain: object) -> bool:
    """Return whether a reference to a domain means `Default`."""
    return isinstance(domain, dict) and (
        domain.get("id") == state.DOMAIN["id"] or domain.get("name") == state.DOMAIN["name"]
    )


def _find_user(request: http.Request, reference: object) -> state.User | None:
    """Return the user that a request names by id or by name and domain."""
    if not isinstance(reference, dict):
        return None
    users = request.cloud.identity.users
    if "id" in reference:
        return users.get(str(reference["id"]))
    if not _in_default(reference.get("domain")):
        return None
    return next((user for user in users.values() if user.name == reference.get("name")), None)


def _find_project(request: http.Request, reference: object) -> state.Project | None:
    """Return the project that a scope names by id or by name and domain."""
    if not isinstance(reference, dict):
        return None
    projects = request.cloud.identity.projects
    if "id" in reference:
        return projects.get(str(reference["id"]))
    if not _in_default(reference.get("domain")):
        return None
    return next((project for project in projects.values() if project.name == reference.get("name")), None)


def authenticate(request: http.Request) -> kernel.Reply:
    """Issue a token for a password, another token or an application credential."""
    auth = call.expected(call.body(request), "auth")
    proof = call.expected(auth, "identity")
    methods = call.expected(proof, "methods")
    method = methods[0] if isinstance(methods, list) and methods else ""
    if method == "application_credential":
        token = _with_credential(request, call.expected(proof, method))
    elif method == "password":
        reference = call.expected(proof, "password", "user")
        user = _find_user(request, reference)
        if user is None or reference.get("password") != user.password:
            raise _unauthenticated(request)
        token = _scoped(request, user, scope=auth.get("scope"), method=method)
    elif method == "token":
        known = request.cloud.identity.token(str(call.expected(proof, "token", "id")))
        if known is None:
            raise _unauthenticated(request)
        user = request.cloud.identity.users[known.caller.user_id]
        token = _scoped(request, user, scope=auth.get("scope"), method=method)
    else:
        raise _unauthenticated(request)
    return kernel.Reply(
        status=201,
        body={"token": _token_body(request, token)},
        headers={"X-Subject-Token": token.caller.token, "Vary": "X-Auth-Token"},
    )


def _scoped(request: http.Request, user: state.User, *, scope: object, method: str) -> state.Token:
    """Issue a token for the project of the scope, or for the user's default project."""
    keystone = request.cloud.identity
    if scope == "unscoped" or (isinstance(scope, dict) and "unscoped" in scope):
        return keystone.issue(user, project=None, roles=(), methods=(method,))
    project: state.Project | None = keystone.projects[user.project_id]
    if isinstance(scope, dict) and "project" in scope:
        project = _find_project(request, scope["project"])
    roles = keystone.grants.get((user.id, project.id)) if project else None
    if roles is None:
        raise _unauthenticated(request)
    return keystone.issue(user, project=project, roles=roles, methods=(method,))


def _with_credential(request: http.Request, proof: object) -> state.Token:
    """Issue a token for an application credential."""
    keystone = request.cloud.identity
    credential: state.Credential | None = None
    if isinstance(proof, dict):
        if "id" in proof:
            credential = keystone.credentials.get(str(proof["id"]))
            if credential is None:
                raise kernel.Refusal(404, f"Could not find Application Credential: {proof['id']}.")
        else:
            user = _find_user(request, proof.get("user"))
            credential = next(
                (
                    own
                    for own in keystone.credentials.values()
                    if user and own.user_id == user.id and own.name == proof.get("name")
                ),
                None,
            )
        if credential is not None and proof.get("secret") != credential.secret:
            credential = None
    if credential is None or (
        credential.expires_at is not None and credential.expires_at <= request.cloud.now()
    ):
        raise _unauthenticated(request)
    return keystone.issue(
        keystone.users[credential.user_id],
        project=keystone.projects[credential.project_id],
        roles=credential.roles,
        methods=("application_credential",),
        credential=credential,
    )


def _token_body(request: http.Request, token: state.Token) -> dict[str, Any]:
    """Return the body of a token."""
    keystone, caller = request.cloud.identity, token.caller
    body: dict[str, Any] = {
        "methods": token.methods,
        "user": {
            "domain": state.DOMAIN,
            "id": caller.user_id,
            "name": caller.user_name,
            "password_expires_at": None,
        },
        "audit_ids": [token.audit_id],
        "expires_at": call.time(token.expires_at),
        "issued_at": call.time(token.issued_at),
    }
    if caller.project_id:
        body["project"] = {
            "domain": state.DOMAIN,
            "id": caller.project_id,
            "name": caller.project_name,
        }
        body["is_domain"] = False
        body["roles"] = [{"id": keystone.roles[name], "name": name} for name in sorted(caller.roles)]
        if request.first("nocatalog") is None:
            body["catalog"] = keystone.catalogue(caller.project_id)
    if token.credential_id:
        credential = keystone.credentials[token.credential_id]
        body["application_credential"] = {
            "id": credential.id,
            "name": credential.name,
            "restricted": not credential.unrestricted,
        }
    return body


def _subject(request: http.Request) -> state.Token:
    """Return the token that a call names."""
    token = request.cloud.identity.token(request.headers.get("x-subject-token", ""))
    if token is None:
        raise kernel.Refusal(404, "Could not recognize Fernet token")
    return token


def validate(request: http.Request) -> kernel.Reply:
    """Answer with the body of a token."""
    token = _subject(request)
    return kernel.Reply(
        body={"token": _token_body(request, token)}, headers={"X-Subject-Token": token.caller.token}
    )


def revoke(request: http.Request) -> kernel.Reply:
    """Revoke a token."""
    token = _subject(request)
    request.cloud.identity.tokens.pop(token.caller.token, None)
    return kernel.Reply(status=204)
