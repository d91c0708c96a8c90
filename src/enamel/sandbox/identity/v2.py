"""Keystone's API v2.0: tenants instead of projects, no domains, and tokens in a body."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.identity import call, state


def document(request: http.Request) -> dict[str, Any]:
    """Return the document of the version."""
    return {
        "id": "v2.0",
        "status": "stable" if request.cloud.era.names_in_v2 else "deprecated",
        "updated": "2014-04-17T00:00:00Z",
        "links": [{"rel": "self", "href": f"{request.root}/v2.0/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v2.0+json"}],
    }


def version(request: http.Request) -> kernel.Reply:
    """Answer with the version."""
    return kernel.Reply(body={"version": document(request)})


def authenticate(request: http.Request) -> kernel.Reply:
    """Issue a token for a password or another token."""
    auth = call.expected(call.body(request), "auth")
    user = _user(request, auth)
    project = _tenant(request, auth)
    roles: tuple[str, ...] | None = ()
    if project is not None:
        roles = request.cloud.identity.grants.get((user.id, project.id))
    if roles is None:
        raise state.Unauthenticated(f"{request.root}/v2.0")
    token = request.cloud.identity.issue(user, project=project, roles=roles, methods=("password",))
    return kernel.Reply(body={"access": _access(request, token)})


def tenants(request: http.Request) -> kernel.Reply:
    """Answer with the tenants that the caller may scope a token to."""
    keystone = request.cloud.identity
    mine = [project for user_id, project in keystone.grants if user_id == request.caller.user_id]
    bodies = [_shown(keystone.projects[key]) for key in mine]
    return kernel.Reply(body={"tenants": bodies, "tenants_links": []})


def _user(request: http.Request, auth: Any) -> state.User:
    """Return the user that the credentials authenticate."""
    keystone = request.cloud.identity
    if "token" in auth:
        known = keystone.token(str(call.expected(auth, "token", "id")))
        if known is not None:
            return keystone.users[known.caller.user_id]
        raise state.Unauthenticated(f"{request.root}/v2.0")
    proof = call.expected(auth, "passwordCredentials")
    for user in keystone.users.values():
        named = user.id == proof.get("userId") or user.name == proof.get("username")
        if named and user.password == proof.get("password"):
            return user
    raise state.Unauthenticated(f"{request.root}/v2.0")


def _tenant(request: http.Request, auth: Any) -> state.Project | None:
    """Return the tenant of a requested token, or None for an unscoped one."""
    id, name = auth.get("tenantId"), auth.get("tenantName")
    if not id and not name:
        return None
    for project in request.cloud.identity.projects.values():
        if id == project.id or (not id and name == project.name):
            return project
    raise state.Unauthenticated(f"{request.root}/v2.0")


def _shown(project: state.Project) -> dict[str, Any]:
    """Return a tenant as this API shows one."""
    return {"id": project.id, "name": project.name, "description": "", "enabled": True}


def _access(request: http.Request, token: state.Token) -> dict[str, Any]:
    """Return the body of a token."""
    keystone, caller = request.cloud.identity, token.caller
    body: dict[str, Any] = {
        "id": caller.token,
        "expires": token.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "issued_at": token.issued_at.strftime("%Y-%m-%dT%H:%M:%S.%f"),
    }
    if caller.project_id:
        body["tenant"] = _shown(keystone.projects[caller.project_id])
    names = sorted(caller.roles)
    return {
        "token": body,
        "serviceCatalog": [_service(service) for service in keystone.catalogue(caller.project_id)]
        if caller.project_id
        else [],
        "user": {
            "id": caller.user_id,
            "name": caller.user_name,
            "username": caller.user_name,
            "roles": [{"name": name} for name in names],
            "roles_links": [],
        },
        "metadata": {"is_admin": 0, "roles": [keystone.roles[name] for name in names]},
    }


def _service(service: dict[str, Any]) -> dict[str, Any]:
    """Return a service of the catalogue in the older shape."""
    first = service["endpoints"][0]
    place = {f"{endpoint['interface']}URL": endpoint["url"] for endpoint in service["endpoints"]}
    return {
        "type": service["type"],
        "name": service["name"],
        "endpoints": [{"id": first["id"], "region": first["region"], **place}],
        "endpoints_links": [],
    }


ROUTES = (
    http.Route("GET", "/v2.0", version, open=True),
    http.Route("POST", "/v2.0/tokens", authenticate, open=True),
    http.Route("GET", "/v2.0/tenants", tenants),
)
