"""Keystone over HTTP: tokens, the catalogue, projects, users and application credentials."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.identity import call, credential, state, token, v2

_HTML_404 = (
    b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
    b"<p>The requested URL was not found on the server. If you entered the URL manually please check your"
    b" spelling and try again.</p>\n"
)


def _version(request: http.Request) -> dict[str, Any]:
    """Return the document of version 3."""
    return {
        "id": next(version for version in request.cloud.era.identity if version.startswith("v3")),
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{request.root}/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }


def _versions(request: http.Request) -> kernel.Reply:
    """Answer with all versions."""
    known = request.cloud.era.identity
    documents = [v2.document(request) if version == "v2.0" else _version(request) for version in known]
    return kernel.Reply(
        status=300,
        body={"versions": {"values": documents}},
        headers={"Location": f"{request.root}/{'v2.0' if known == ('v2.0',) else 'v3'}/"},
    )


def _v3(request: http.Request) -> kernel.Reply:
    """Answer with the version."""
    return kernel.Reply(body={"version": _version(request)})


def _catalogue(request: http.Request) -> kernel.Reply:
    """Answer with the catalogue."""
    return kernel.Reply(
        body={
            "catalog": request.cloud.identity.catalogue(request.caller.project_id),
            "links": {"next": None, "self": request.root + request.path, "previous": None},
        }
    )


def _project_body(request: http.Request, project: state.Project) -> dict[str, Any]:
    """Return a project as Keystone shows it."""
    return {
        "id": project.id,
        "name": project.name,
        "domain_id": "default",
        "description": "",
        "enabled": True,
        "parent_id": "default",
        "is_domain": False,
        "tags": [],
        "options": {},
        "links": {"self": f"{request.root}/v3/projects/{project.id}"},
    }


def _own_projects(request: http.Request) -> kernel.Reply:
    """Answer with the projects the caller may scope a token to."""
    return _with_roles(request, request.caller.user_id)


def _user_projects(request: http.Request) -> kernel.Reply:
    """Answer with the projects in which a user has a role."""
    return _with_roles(request, call.user_of(request, rule="list_user_projects").id)


def _with_roles(request: http.Request, user_id: str) -> kernel.Reply:
    """Return the projects in which a user has a role."""
    keystone = request.cloud.identity
    projects = [keystone.projects[project_id] for user, project_id in keystone.grants if user == user_id]
    return call.listed(request, "projects", [_project_body(request, project) for project in projects])


def _projects(request: http.Request) -> kernel.Reply:
    """Answer an admin with all projects, or with those of a name."""
    if not request.caller.admin:
        raise call.forbid("identity:list_projects")
    name = request.first("name")
    projects = [
        _project_body(request, project)
        for project in request.cloud.identity.projects.values()
        if name in (None, project.name)
    ]
    return call.listed(request, "projects", projects)


def _project(request: http.Request) -> kernel.Reply:
    """Answer with one project, the caller's own or any for an admin."""
    project = request.cloud.identity.projects.get(request.params["id"])
    if not request.caller.admin and (project is None or project.id != request.caller.project_id):
        raise call.forbid("identity:get_project")
    if project is None:
        raise kernel.Refusal(404, f"Could not find project: {request.params['id']}.")
    return kernel.Reply(body={"project": _project_body(request, project)})


def _user_body(request: http.Request, user: state.User) -> dict[str, Any]:
    """Return a user as Keystone shows one."""
    return {
        "id": user.id,
        "name": user.name,
        "domain_id": "default",
        "enabled": True,
        "default_project_id": user.project_id,
        "password_expires_at": None,
        "options": {},
        "links": {"self": f"{request.root}/v3/users/{user.id}"},
    }


def _users(request: http.Request) -> kernel.Reply:
    """Answer an admin with all users, or with those of a name."""
    if not request.caller.admin:
        raise call.forbid("identity:list_users")
    name = request.first("name")
    users = request.cloud.identity.users.values()
    return call.listed(
        request, "users", [_user_body(request, user) for user in users if name in (None, user.name)]
    )


def _user(request: http.Request) -> kernel.Reply:
    """Answer with one user."""
    return kernel.Reply(body={"user": _user_body(request, call.user_of(request, rule="get_user"))})


def _roles(request: http.Request) -> kernel.Reply:
    """Answer an admin with all roles."""
    if not request.caller.admin:
        raise call.forbid("identity:list_roles")
    return call.listed(
        request, "roles", [call.role_body(request, name) for name in request.cloud.identity.roles]
    )


def _regions(request: http.Request) -> kernel.Reply:
    """Answer with the only region."""
    href = f"{request.root}/v3/regions/{state.REGION}"
    region = {"id": state.REGION, "description": "", "parent_region_id": None, "links": {"self": href}}
    return call.listed(request, "regions", [region])


def _services(request: http.Request) -> kernel.Reply:
    """Answer an admin with all services."""
    if not request.caller.admin:
        raise call.forbid("identity:list_services")
    services = [
        {"id": entry["id"], "type": entry["type"], "name": entry["name"], "enabled": True}
        for entry in request.cloud.identity.catalogue(request.caller.project_id)
    ]
    return call.listed(request, "services", services)


def _endpoints(request: http.Request) -> kernel.Reply:
    """Answer an admin with all endpoints."""
    if not request.caller.admin:
        raise call.forbid("identity:list_endpoints")
    endpoints = [
        endpoint | {"service_id": entry["id"], "enabled": True}
        for entry in request.cloud.identity.catalogue(request.caller.project_id)
        for endpoint in entry["endpoints"]
    ]
    return call.listed(request, "endpoints", endpoints)


SERVICE = http.Service(
    name="identity",
    prefix="/identity",
    word=state.word,
    not_found=kernel.Reply(status=404, body=_HTML_404, media="text/html; charset=utf-8"),
    routes=(
        http.Route("GET", "/", _versions, open=True),
        http.Route("GET", "/v3", _v3, open=True),
        *v2.ROUTES,
        http.Route("POST", "/v3/auth/tokens", token.authenticate, open=True),
        http.Route("GET", "/v3/auth/tokens", token.validate),
        http.Route("DELETE", "/v3/auth/tokens", token.revoke),
        http.Route("GET", "/v3/auth/projects", _own_projects),
        http.Route("GET", "/v3/auth/catalog", _catalogue),
        http.Route("GET", "/v3/projects", _projects),
        http.Route("GET", "/v3/projects/{id}", _project),
        http.Route("GET", "/v3/users", _users),
        http.Route("GET", "/v3/users/{id}", _user),
        http.Route("GET", "/v3/users/{id}/projects", _user_projects),
        http.Route("GET", "/v3/users/{id}/application_credentials", credential.listing),
        http.Route("POST", "/v3/users/{id}/application_credentials", credential.create),
        http.Route("GET", "/v3/users/{id}/application_credentials/{credential}", credential.show),
        http.Route("DELETE", "/v3/users/{id}/application_credentials/{credential}", credential.delete),
        http.Route("GET", "/v3/roles", _roles),
        http.Route("GET", "/v3/regions", _regions),
        http.Route("GET", "/v3/services", _services),
        http.Route("GET", "/v3/endpoints", _endpoints),
    ),
)
