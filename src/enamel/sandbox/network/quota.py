"""Quotas of the network service: the limits of a project, and how much of them is used."""

from __future__ import annotations

from enamel.sandbox import http, kernel
from enamel.sandbox.network import attribute, group, state


def show(request: http.Request) -> kernel.Reply:
    """Show a project's limits."""
    tables = state.of(request)
    return kernel.Reply(body={"quota": _limits(tables, _project(request))})


def details(request: http.Request) -> kernel.Reply:
    """Show a project's limits and what it uses of them."""
    tables = state.of(request)
    project_id = _project(request)
    group.default(tables, project_id)
    limits = {
        name: {
            "limit": limit,
            "used": tables.used[name].count(project_id) if name in tables.used else 0,
            "reserved": 0,
        }
        for name, limit in _limits(tables, project_id).items()
    }
    return kernel.Reply(body={"quota": limits})


def defaults(request: http.Request) -> kernel.Reply:
    """Show what a project has before an administrator sets something else."""
    _project(request)
    cloud = request.cloud
    limits = {name: cloud.quota(name, default=limit) for name, limit in state.QUOTAS.items()}
    return kernel.Reply(body={"quota": limits})


def listing(request: http.Request) -> kernel.Reply:
    """List the limits that administrators set."""
    if not request.caller.admin:
        raise attribute.forbidden("get_quota")
    tables = state.of(request)
    quotas = [
        {**_limits(tables, project_id), "project_id": project_id, "tenant_id": project_id}
        for project_id in tables.limits
    ]
    return kernel.Reply(body={"quotas": quotas})


def update(request: http.Request) -> kernel.Reply:
    """Set a project's limits."""
    if not request.caller.admin:
        raise attribute.forbidden("update_quota")
    tables = state.of(request)
    wish = request.body().get("quota")
    if not isinstance(wish, dict):
        raise attribute.bad("Unable to find 'quota' in request body")
    # Clients send tenant_id as well; it is not a limit.
    wish.pop("check_limit", None)
    wish.pop("force", None)
    unknown = [name for name in wish if name not in state.QUOTAS]
    if unknown:
        raise attribute.bad(f"Unrecognized attribute(s) {', '.join(repr(name) for name in unknown)}")
    for name, value in wish.items():
        if attribute.number(value) or int(value) < -1:
            raise attribute.bad(
                f"Invalid input for {name}. Reason: '{value}' should be an integer, -1 or more."
            )
    project_id = request.params["project_id"]
    tables.limits.setdefault(project_id, {}).update({name: int(value) for name, value in wish.items()})
    return kernel.Reply(body={"quota": _limits(tables, project_id)})


def reset(request: http.Request) -> kernel.Reply:
    """Reset a project's limits to the defaults."""
    if not request.caller.admin:
        raise attribute.forbidden("delete_quota")
    state.of(request).limits.pop(request.params["project_id"], None)
    return kernel.Reply(status=204)


def _project(request: http.Request) -> str:
    """Return the project a request is about; others' quotas are for administrators."""
    project_id = request.params["project_id"]
    if not request.caller.sees(project_id):
        raise attribute.forbidden("get_quota")
    return project_id


def _limits(tables: state.Tables, project_id: str) -> dict[str, int]:
    """Return a project's limits by name."""
    return {name: tables.limit(project_id, name) for name in state.QUOTAS}
