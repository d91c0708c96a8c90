"""Keystone's HTTP face: tokens, the catalogue, projects, users and application credentials."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from enamel.sandbox import identity, kernel

_MALFORMED = (
    " The server could not comply with the request since it is either malformed or otherwise incorrect."
    " The client is assumed to be in error."
)
_HTML_404 = (
    b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
    b"<p>The requested URL was not found on the server. If you entered the URL manually please check your"
    b" spelling and try again.</p>\n"
)


def _version(request: kernel.Request) -> dict[str, Any]:
    """Return the only version's document."""
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{request.root}/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }


def _versions(request: kernel.Request) -> kernel.Reply:
    """Answer with all versions."""
    return kernel.Reply(
        status=300,
        body={"versions": {"values": [_version(request)]}},
        headers={"Location": f"{request.root}/v3/"},
    )


def _v3(request: kernel.Request) -> kernel.Reply:
    """Answer with the version."""
    return kernel.Reply(body={"version": _version(request)})


def _expected(body: object, *names: str) -> Any:
    """Return what stands under these names in a body, or refuse it as Keystone does."""
    for name in names:
        if not isinstance(body, dict) or name not in body:
            raise kernel.Refusal(400, f"Expecting to find {name} in request body.{_MALFORMED}")
        body = body[name]
    return body


def _body(request: kernel.Request) -> kernel.Json:
    """Return the JSON body, or refuse it as Keystone does."""
    try:
        return request.body()
    except kernel.Refusal:
        raise kernel.Refusal(400, f"Expecting to find valid JSON in request body.{_MALFORMED}") from None


def _unauthenticated(request: kernel.Request) -> identity.Unauthenticated:
    """Return the refusal of wrong credentials."""
    return identity.Unauthenticated(f"{request.root}/v3")


def _in_default(domain: object) -> bool:
    """Tell whether a reference to a domain means the only one."""
    return isinstance(domain, dict) and (
        domain.get("id") == identity.DOMAIN["id"] or domain.get("name") == identity.DOMAIN["name"]
    )


def _find_user(request: kernel.Request, wanted: object) -> identity.User | None:
    """Return the user whom a request means by id or by name and domain."""
    if not isinstance(wanted, dict):
        return None
    users = request.cloud.identity.users
    if "id" in wanted:
        return users.get(str(wanted["id"]))
    if not _in_default(wanted.get("domain")):
        return None
    return next((user for user in users.values() if user.name == wanted.get("name")), None)


def _find_project(request: kernel.Request, wanted: object) -> identity.Project | None:
    """Return the project which a scope means by id or by name and domain."""
    if not isinstance(wanted, dict):
        return None
    projects = request.cloud.identity.projects
    if "id" in wanted:
        return projects.get(str(wanted["id"]))
    if not _in_default(wanted.get("domain")):
        return None
    return next((project for project in projects.values() if project.name == wanted.get("name")), None)


def _authenticate(request: kernel.Request) -> kernel.Reply:
    """Make a token out of a password, another token or an application credential."""
    auth = _expected(_body(request), "auth")
    proof = _expected(auth, "identity")
    methods = _expected(proof, "methods")
    method = methods[0] if isinstance(methods, list) and methods else ""
    if method == "application_credential":
        token = _with_credential(request, _expected(proof, method))
    elif method == "password":
        wanted = _expected(proof, "password", "user")
        user = _find_user(request, wanted)
        if user is None or wanted.get("password") != user.password:
            raise _unauthenticated(request)
        token = _scoped(request, user, scope=auth.get("scope"), method=method)
    elif method == "token":
        known = request.cloud.identity.token(str(_expected(proof, "token", "id")))
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


def _scoped(request: kernel.Request, user: identity.User, *, scope: object, method: str) -> identity.Token:
    """Make a token for the project that the scope names, or for the user's default project."""
    keystone = request.cloud.identity
    if scope == "unscoped" or (isinstance(scope, dict) and "unscoped" in scope):
        return keystone.issue(user, project=None, roles=(), methods=(method,))
    project: identity.Project | None = keystone.projects[user.project_id]
    if isinstance(scope, dict) and "project" in scope:
        project = _find_project(request, scope["project"])
    roles = keystone.grants.get((user.id, project.id)) if project else None
    if roles is None:
        raise _unauthenticated(request)
    return keystone.issue(user, project=project, roles=roles, methods=(method,))


def _with_credential(request: kernel.Request, proof: object) -> identity.Token:
    """Make a token out of an application credential."""
    keystone = request.cloud.identity
    found: identity.Credential | None = None
    if isinstance(proof, dict):
        if "id" in proof:
            found = keystone.credentials.get(str(proof["id"]))
            if found is None:
                raise kernel.Refusal(404, f"Could not find Application Credential: {proof['id']}.")
        else:
            user = _find_user(request, proof.get("user"))
            found = next(
                (
                    credential
                    for credential in keystone.credentials.values()
                    if user and credential.user_id == user.id and credential.name == proof.get("name")
                ),
                None,
            )
        if found is not None and proof.get("secret") != found.secret:
            found = None
    if found is None or (found.expires_at is not None and found.expires_at <= request.cloud.now()):
        raise _unauthenticated(request)
    return keystone.issue(
        keystone.users[found.user_id],
        project=keystone.projects[found.project_id],
        roles=found.roles,
        methods=("application_credential",),
        credential=found,
    )


def _time(moment: datetime) -> str:
    """Return a time as Keystone writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def _token_body(request: kernel.Request, token: identity.Token) -> dict[str, Any]:
    """Return what a token says."""
    keystone, caller = request.cloud.identity, token.caller
    body: dict[str, Any] = {
        "methods": token.methods,
        "user": {
            "domain": identity.DOMAIN,
            "id": caller.user_id,
            "name": caller.user_name,
            "password_expires_at": None,
        },
        "audit_ids": [token.audit_id],
        "expires_at": _time(token.expires_at),
        "issued_at": _time(token.issued_at),
    }
    if caller.project_id:
        body["project"] = {
            "domain": identity.DOMAIN,
            "id": caller.project_id,
            "name": caller.project_name,
        }
        body["is_domain"] = False
        body["roles"] = [{"id": keystone.roles[name], "name": name} for name in sorted(caller.roles)]
        if request.first("nocatalog") is None:
            body["catalog"] = keystone.catalogue()
    if token.credential_id:
        credential = keystone.credentials[token.credential_id]
        body["application_credential"] = {
            "id": credential.id,
            "name": credential.name,
            "restricted": not credential.unrestricted,
        }
    return body


def _subject(request: kernel.Request) -> identity.Token:
    """Return the token that a call is about."""
    token = request.cloud.identity.token(request.headers.get("x-subject-token", ""))
    if token is None:
        raise kernel.Refusal(404, "Could not recognize Fernet token")
    return token


def _validate(request: kernel.Request) -> kernel.Reply:
    """Answer with what a token stands for."""
    token = _subject(request)
    return kernel.Reply(
        body={"token": _token_body(request, token)}, headers={"X-Subject-Token": token.caller.token}
    )


def _revoke(request: kernel.Request) -> kernel.Reply:
    """Make a token worthless."""
    token = _subject(request)
    request.cloud.identity.tokens.pop(token.caller.token, None)
    return kernel.Reply(status=204)


def _listed(request: kernel.Request, name: str, items: Sequence[object]) -> kernel.Reply:
    """Answer with a list in Keystone's envelope."""
    links = {"next": None, "self": request.root + request.path, "previous": None}
    return kernel.Reply(body={name: items, "links": links})


def _catalogue(request: kernel.Request) -> kernel.Reply:
    """Answer with the catalogue."""
    return kernel.Reply(
        body={
            "catalog": request.cloud.identity.catalogue(),
            "links": {"next": None, "self": request.root + request.path, "previous": None},
        }
    )


def _project_body(request: kernel.Request, project: identity.Project) -> dict[str, Any]:
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


def _own_projects(request: kernel.Request) -> kernel.Reply:
    """Answer with the projects the caller may scope a token to."""
    keystone = request.cloud.identity
    mine = [project for user_id, project in keystone.grants if user_id == request.caller.user_id]
    return _listed(request, "projects", [_project_body(request, keystone.projects[key]) for key in mine])


def _forbid(rule: str) -> kernel.Refusal:
    """Return the refusal of what only an admin may do."""
    return kernel.Refusal(403, f"You are not authorized to perform the requested action: {rule}.")


def _projects(request: kernel.Request) -> kernel.Reply:
    """Answer an admin with all projects, or with those of a name."""
    if not request.caller.admin:
        raise _forbid("identity:list_projects")
    name = request.first("name")
    projects = [
        _project_body(request, project)
        for project in request.cloud.identity.projects.values()
        if name in (None, project.name)
    ]
    return _listed(request, "projects", projects)


def _project(request: kernel.Request) -> kernel.Reply:
    """Answer with one project, the caller's own or any for an admin."""
    project = request.cloud.identity.projects.get(request.params["id"])
    if not request.caller.admin and (project is None or project.id != request.caller.project_id):
        raise _forbid("identity:get_project")
    if project is None:
        raise kernel.Refusal(404, f"Could not find project: {request.params['id']}.")
    return kernel.Reply(body={"project": _project_body(request, project)})


def _user_body(request: kernel.Request, user: identity.User) -> dict[str, Any]:
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


def _users(request: kernel.Request) -> kernel.Reply:
    """Answer an admin with all users, or with those of a name."""
    if not request.caller.admin:
        raise _forbid("identity:list_users")
    name = request.first("name")
    users = request.cloud.identity.users.values()
    return _listed(
        request, "users", [_user_body(request, user) for user in users if name in (None, user.name)]
    )


def _user_of(request: kernel.Request, *, rule: str) -> identity.User:
    """Return the user in the path, when it is the caller or the caller is an admin."""
    user = request.cloud.identity.users.get(request.params["id"])
    if not request.caller.admin and (user is None or user.id != request.caller.user_id):
        raise _forbid(f"identity:{rule}")
    if user is None:
        raise kernel.Refusal(404, f"Could not find user: {request.params['id']}.")
    return user


def _user(request: kernel.Request) -> kernel.Reply:
    """Answer with one user."""
    return kernel.Reply(body={"user": _user_body(request, _user_of(request, rule="get_user"))})


def _role_body(request: kernel.Request, name: str) -> dict[str, Any]:
    """Return a role as Keystone shows it."""
    role_id = request.cloud.identity.roles[name]
    immutable = {"immutable": True} if name != "creator" else {}
    return {"id": role_id, "name": name, "domain_id": None, "description": None, "options": immutable}


def _credential_body(request: kernel.Request, credential: identity.Credential) -> dict[str, Any]:
    """Return an application credential as Keystone shows it, without its secret."""
    return {
        "id": credential.id,
        "name": credential.name,
        "description": credential.description,
        "user_id": credential.user_id,
        "project_id": credential.project_id,
        "system": None,
        "expires_at": _time(credential.expires_at) if credential.expires_at else None,
        "unrestricted": credential.unrestricted,
        "roles": [_role_body(request, name) for name in credential.roles],
        "links": {"self": f"{request.root}/v3/application_credentials/{credential.id}"},
    }


def _credentials(request: kernel.Request) -> kernel.Reply:
    """Answer with a user's application credentials."""
    user = _user_of(request, rule="list_application_credentials")
    name = request.first("name")
    mine = [
        _credential_body(request, credential)
        for credential in request.cloud.identity.credentials.values()
        if credential.user_id == user.id and name in (None, credential.name)
    ]
    return _listed(request, "application_credentials", mine)


def _create_credential(request: kernel.Request) -> kernel.Reply:
    """Make an application credential for the caller in the token's project."""
    user = _user_of(request, rule="create_application_credential")
    keystone = request.cloud.identity
    wanted = _expected(_body(request), "application_credential")
    name = _expected(wanted, "name")
    token = keystone.tokens[request.caller.token]
    if token.credential_id and not keystone.credentials[token.credential_id].unrestricted:
        raise _forbid("identity:create_application_credential")
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
        secret=wanted.get("secret"),
        roles=_wanted_roles(request, wanted.get("roles")),
        description=wanted.get("description"),
        expires_at=_expiry(wanted.get("expires_at")),
        unrestricted=wanted.get("unrestricted"),
    )
    body = _credential_body(request, credential) | {"secret": credential.secret}
    return kernel.Reply(status=201, body={"application_credential": body})


def _wanted_roles(request: kernel.Request, wanted: object) -> list[str]:
    """Return the names of the roles asked for, all of the caller's when none are."""
    mine = sorted(request.caller.roles)
    if not isinstance(wanted, list) or not wanted:
        return mine
    keystone = request.cloud.identity
    names = [
        name
        for role in wanted
        for name in mine
        if isinstance(role, dict) and (role.get("name") == name or role.get("id") == keystone.roles[name])
    ]
    if len(names) != len(wanted):
        raise kernel.Refusal(
            400,
            "Invalid application credential: Could not find role assignment with role: "
            f"{wanted}, user or group: {request.caller.user_id}, project, domain, or system:"
            f" {request.caller.project_id}.",
        )
    return names


def _expiry(text: object) -> datetime | None:
    """Return the time an application credential is to expire."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise kernel.Refusal(
            400, f"Invalid input for field 'expires_at': {text!r} is not a 'date-time'"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _credential_of(request: kernel.Request, *, rule: str) -> identity.Credential:
    """Return the application credential in the path."""
    user = _user_of(request, rule=rule)
    credential = request.cloud.identity.credentials.get(request.params["credential"])
    if credential is None or credential.user_id != user.id:
        raise kernel.Refusal(404, f"Could not find Application Credential: {request.params['credential']}.")
    return credential


def _credential(request: kernel.Request) -> kernel.Reply:
    """Answer with one application credential."""
    credential = _credential_of(request, rule="get_application_credential")
    return kernel.Reply(body={"application_credential": _credential_body(request, credential)})


def _delete_credential(request: kernel.Request) -> kernel.Reply:
    """Delete an application credential; its tokens stop working."""
    credential = _credential_of(request, rule="delete_application_credential")
    request.cloud.identity.revoke_credential(credential.id)
    return kernel.Reply(status=204)


def _roles(request: kernel.Request) -> kernel.Reply:
    """Answer an admin with all roles."""
    if not request.caller.admin:
        raise _forbid("identity:list_roles")
    return _listed(request, "roles", [_role_body(request, name) for name in request.cloud.identity.roles])


def _regions(request: kernel.Request) -> kernel.Reply:
    """Answer with the only region."""
    href = f"{request.root}/v3/regions/{identity.REGION}"
    region = {"id": identity.REGION, "description": "", "parent_region_id": None, "links": {"self": href}}
    return _listed(request, "regions", [region])


def _services(request: kernel.Request) -> kernel.Reply:
    """Answer an admin with all services."""
    if not request.caller.admin:
        raise _forbid("identity:list_services")
    services = [
        {"id": entry["id"], "type": entry["type"], "name": entry["name"], "enabled": True}
        for entry in request.cloud.identity.catalogue()
    ]
    return _listed(request, "services", services)


def _endpoints(request: kernel.Request) -> kernel.Reply:
    """Answer an admin with all endpoints."""
    if not request.caller.admin:
        raise _forbid("identity:list_endpoints")
    endpoints = [
        endpoint | {"service_id": entry["id"], "enabled": True}
        for entry in request.cloud.identity.catalogue()
        for endpoint in entry["endpoints"]
    ]
    return _listed(request, "endpoints", endpoints)


SERVICE = kernel.Service(
    name="identity",
    prefix="/identity",
    word=identity.word,
    not_found=kernel.Reply(status=404, body=_HTML_404, media="text/html; charset=utf-8"),
    routes=(
        kernel.Route("GET", "/", _versions, open=True),
        kernel.Route("GET", "/v3", _v3, open=True),
        kernel.Route("POST", "/v3/auth/tokens", _authenticate, open=True),
        kernel.Route("GET", "/v3/auth/tokens", _validate),
        kernel.Route("DELETE", "/v3/auth/tokens", _revoke),
        kernel.Route("GET", "/v3/auth/projects", _own_projects),
        kernel.Route("GET", "/v3/auth/catalog", _catalogue),
        kernel.Route("GET", "/v3/projects", _projects),
        kernel.Route("GET", "/v3/projects/{id}", _project),
        kernel.Route("GET", "/v3/users", _users),
        kernel.Route("GET", "/v3/users/{id}", _user),
        kernel.Route("GET", "/v3/users/{id}/projects", _own_projects),
        kernel.Route("GET", "/v3/users/{id}/application_credentials", _credentials),
        kernel.Route("POST", "/v3/users/{id}/application_credentials", _create_credential),
        kernel.Route("GET", "/v3/users/{id}/application_credentials/{credential}", _credential),
        kernel.Route("DELETE", "/v3/users/{id}/application_credentials/{credential}", _delete_credential),
        kernel.Route("GET", "/v3/roles", _roles),
        kernel.Route("GET", "/v3/regions", _regions),
        kernel.Route("GET", "/v3/services", _services),
        kernel.Route("GET", "/v3/endpoints", _endpoints),
    ),
)
