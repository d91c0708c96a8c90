"""Limits, quota sets and usage over HTTP."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.compute import state
from enamel.sandbox.network import state as network_state

_ABSOLUTE = {
    "maxTotalInstances": "instances",
    "maxTotalCores": "cores",
    "maxTotalRAMSize": "ram",
    "maxTotalKeypairs": "key_pairs",
    "maxServerMeta": "metadata_items",
    "maxServerGroups": "server_groups",
    "maxServerGroupMembers": "server_group_members",
}
_ABSOLUTE_OLD = {
    "maxImageMeta": "metadata_items",
    "maxPersonality": "injected_files",
    "maxPersonalitySize": "injected_file_content_bytes",
    "maxTotalFloatingIps": "floating_ips",
    "maxSecurityGroups": "security_groups",
    "maxSecurityGroupRules": "security_group_rules",
}
_NETWORK = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")
_FILES = ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")


def limits(request: http.Request) -> kernel.Reply:
    """Answer with the project's limits and what it uses."""
    nova = request.cloud.compute
    project_id = request.caller.project_id
    if request.caller.admin:
        project_id = request.first("tenant_id") or project_id
    names = _ABSOLUTE if request.version >= (2, 57) else _ABSOLUTE | _ABSOLUTE_OLD
    if (2, 36) <= request.version < (2, 57):
        names = {key: name for key, name in names.items() if name not in _NETWORK}
    if request.version >= (2, 39):
        names = {key: name for key, name in names.items() if key != "maxImageMeta"}
    usage = nova.used(project_id)
    absolute = {key: nova.limit(project_id, name) for key, name in names.items()} | {
        "totalInstancesUsed": usage.instances,
        "totalCoresUsed": usage.cores,
        "totalRAMUsed": usage.ram,
        "totalServerGroupsUsed": sum(group.project_id == project_id for group in nova.groups.values()),
    }
    if request.version < (2, 36):
        absolute |= {"totalFloatingIpsUsed": 0, "totalSecurityGroupsUsed": 0}
    if request.cloud.era.nova_network:
        absolute |= _network_limits(request, project_id)
    return kernel.Reply(body={"limits": {"rate": [], "absolute": absolute}})


def _network_limits(request: http.Request, project_id: str) -> dict[str, int]:
    """Return the limits of floating IPs and security groups, where Nova is the network service."""
    tables = network_state.of(request)
    return {
        "maxTotalFloatingIps": tables.limit(project_id, "floatingip"),
        "totalFloatingIpsUsed": tables.floatingips.count(project_id),
        "maxSecurityGroups": tables.limit(project_id, "security_group"),
        "totalSecurityGroupsUsed": tables.security_groups.count(project_id),
    }


def _names(request: http.Request) -> list[str]:
    """Return the names a quota set has at a microversion."""
    names = list(state.LIMITS)
    if request.version >= (2, 36):
        names = [name for name in names if name not in _NETWORK]
    if request.version >= (2, 57):
        names = [name for name in names if name not in _FILES]
    return names


def _project(request: http.Request) -> str:
    """Return the project in the path, when the caller may see its quota."""
    project_id = request.params["project"]
    if not request.caller.sees(project_id):
        raise kernel.Refusal(403, "Policy doesn't allow os_compute_api:os-quota-sets:show to be performed.")
    return project_id


def show(request: http.Request) -> kernel.Reply:
    """Answer with a project's quota set."""
    project_id = _project(request)
    return _set(request, project_id, own=True)


def defaults(request: http.Request) -> kernel.Reply:
    """Answer with the quota set of a new project."""
    return _set(request, _project(request), own=False)


def _set(request: http.Request, project_id: str, *, own: bool) -> kernel.Reply:
    """Return a quota set."""
    nova = request.cloud.compute
    numbers = {name: nova.limit(project_id if own else "", name) for name in _names(request)}
    return kernel.Reply(body={"quota_set": {"id": project_id, **numbers}})


def detail(request: http.Request) -> kernel.Reply:
    """Answer with a project's quota set and what is used of it."""
    project_id, nova = _project(request), request.cloud.compute
    usage = nova.used(project_id)
    used = {
        "instances": usage.instances,
        "cores": usage.cores,
        "ram": usage.ram,
        "server_groups": sum(group.project_id == project_id for group in nova.groups.values()),
    }
    lines: dict[str, Any] = {
        name: {"in_use": used.get(name, 0), "limit": nova.limit(project_id, name), "reserved": 0}
        for name in _names(request)
    }
    return kernel.Reply(body={"quota_set": {"id": project_id, **lines}})


def update(request: http.Request) -> kernel.Reply:
    """Change a project's quota."""
    if not request.caller.admin:
        raise kernel.Refusal(403, "Policy doesn't allow os_compute_api:os-quota-sets:update to be performed.")
    asked = request.body().get("quota_set")
    if not isinstance(asked, dict):
        raise kernel.Refusal(400, "'quota_set' is a required property")
    own = dict(request.cloud.compute.limits.get(request.params["project"], {}))
    names = _names(request)
    for name, value in asked.items():
        if name in ("force", "tenant_id"):
            continue
        if name not in names:
            raise kernel.Refusal(
                400,
                f"Invalid input for field/attribute quota_set. Value: {asked}."
                f" Additional properties are not allowed ({name!r} was unexpected)",
            )
        if not str(value).lstrip("-").isdigit() or int(value) < -1:
            raise kernel.Refusal(
                400,
                f"Invalid input for field/attribute {name}. Value: {value}. {value!r} is no quota",
            )
        own[name] = int(value)
    request.cloud.compute.limits[request.params["project"]] = own
    numbers = {name: request.cloud.compute.limit(request.params["project"], name) for name in names}
    return kernel.Reply(body={"quota_set": numbers})


def reset(request: http.Request) -> kernel.Reply:
    """Reset a project's quota to the defaults."""
    if not request.caller.admin:
        raise kernel.Refusal(403, "Policy doesn't allow os_compute_api:os-quota-sets:delete to be performed.")
    request.cloud.compute.limits.pop(request.params["project"], None)
    return kernel.Reply(status=202)


def usage(request: http.Request) -> kernel.Reply:
    """Answer with how long the project's servers have run."""
    project_id = _project(request)
    now = request.cloud.now()
    servers = request.cloud.compute.of_project.get(project_id, {}).values()
    hours = [((now - server.created).total_seconds() / 3600, server) for server in servers]
    if not hours:
        return kernel.Reply(body={"tenant_usage": {}})
    body = {
        "tenant_id": project_id,
        "start": now.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "stop": now.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "total_hours": sum(time for time, _ in hours),
        "total_vcpus_usage": sum(time * server.flavor.vcpus for time, server in hours),
        "total_memory_mb_usage": sum(time * server.flavor.ram for time, server in hours),
        "total_local_gb_usage": sum(time * server.flavor.disk for time, server in hours),
        "server_usages": [
            {
                "instance_id": server.id,
                "name": server.name,
                "hours": time,
                "flavor": server.flavor.name,
                "vcpus": server.flavor.vcpus,
                "memory_mb": server.flavor.ram,
                "local_gb": server.flavor.disk,
                "state": server.vm_state,
                "started_at": server.created.strftime("%Y-%m-%dT%H:%M:%S.%f"),
                "ended_at": None,
                "tenant_id": project_id,
                "uptime": int(time * 3600),
            }
            for time, server in hours
        ],
    }
    return kernel.Reply(body={"tenant_usage": body})


ROUTES = (
    http.Route("GET", "/v2.1/limits", limits),
    http.Route("GET", "/v2.1/os-quota-sets/{project}", show),
    http.Route("PUT", "/v2.1/os-quota-sets/{project}", update),
    http.Route("DELETE", "/v2.1/os-quota-sets/{project}", reset),
    http.Route("GET", "/v2.1/os-quota-sets/{project}/defaults", defaults),
    http.Route("GET", "/v2.1/os-quota-sets/{project}/detail", detail),
    http.Route("GET", "/v2.1/os-simple-tenant-usage/{project}", usage),
)
