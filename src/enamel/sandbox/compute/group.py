"""Server groups over HTTP."""

from __future__ import annotations

from typing import Any

from enamel.sandbox import http, kernel
from enamel.sandbox.compute import schema, state

_POLICIES = ["anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity"]
_OLD = schema.checker(
    schema.obj(
        ("server_group",),
        server_group={
            "type": "object",
            "properties": {
                "name": schema.NAME,
                "policies": {"type": "array", "items": {"enum": _POLICIES}, "minItems": 1, "maxItems": 1},
            },
            "required": ["name", "policies"],
            "additionalProperties": False,
        },
    )
)
_NEW = schema.checker(
    schema.obj(
        ("server_group",),
        server_group={
            "type": "object",
            "properties": {
                "name": schema.NAME,
                "policy": {"enum": _POLICIES},
                "rules": schema.obj(max_server_per_host=schema.POSITIVE),
            },
            "required": ["name", "policy"],
            "additionalProperties": False,
        },
    )
)


def _shown(request: http.Request, group: state.Group) -> dict[str, Any]:
    """Return a group as Nova shows it; the policy has its own field from 2.64."""
    body: dict[str, Any] = {"id": group.id, "name": group.name}
    if request.version >= (2, 64):
        body |= {"policy": group.policy, "rules": group.rules, "members": group.members}
    else:
        body |= {"policies": [group.policy], "members": group.members, "metadata": {}}
    if request.version >= (2, 13):
        body |= {"project_id": group.project_id, "user_id": group.user_id}
    return body


def listed(request: http.Request) -> kernel.Reply:
    """Answer with the project's groups."""
    nova = request.cloud.compute
    every = request.caller.admin and request.first("all_projects") is not None
    groups = [*(nova.groups.values() if every else nova.visible_groups(request.caller))]
    # Nova gives no link to the next page; whoever wants the rest counts for themselves.
    start, most = request.first("offset") or "0", request.first("limit") or "0"
    for name, text in (("offset", start), ("limit", most)):
        if not text.isdigit():
            raise kernel.Refusal(400, f"Invalid input for query parameters {name}. Value: {text}.")
    limit = min(int(most) or request.cloud.settings.page, request.cloud.settings.page)
    page = groups[int(start) :][:limit]
    return kernel.Reply(body={"server_groups": [_shown(request, group) for group in page]})


def _group(request: http.Request) -> state.Group:
    """Return the group in the path."""
    group = request.cloud.compute.groups.get(request.params["id"])
    if group is None or not request.caller.sees(group.project_id):
        raise kernel.Refusal(404, f"Instance group {request.params['id']} could not be found.")
    return group


def show(request: http.Request) -> kernel.Reply:
    """Answer with one group."""
    return kernel.Reply(body={"server_group": _shown(request, _group(request))})


def create(request: http.Request) -> kernel.Reply:
    """Create a group."""
    body, nova, caller = request.body(), request.cloud.compute, request.caller
    schema.check(body, _NEW if request.version >= (2, 64) else _OLD)
    asked = body["server_group"]
    if 0 <= nova.limit(caller.project_id, "server_groups") <= sum(1 for _ in nova.visible_groups(caller)):
        raise kernel.Refusal(403, "Quota exceeded, too many server groups.")
    group = state.Group(
        id=request.cloud.new_id(),
        name=asked["name"],
        policy=asked["policy"] if "policy" in asked else asked["policies"][0],
        rules={key: int(value) for key, value in asked.get("rules", {}).items()},
        project_id=caller.project_id,
        user_id=caller.user_id,
    )
    nova.groups[group.id] = group
    return kernel.Reply(body={"server_group": _shown(request, group)})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a group; its servers stay."""
    del request.cloud.compute.groups[_group(request).id]
    return kernel.Reply(status=204)


ROUTES = (
    http.Route("GET", "/v2.1/os-server-groups", listed),
    http.Route("POST", "/v2.1/os-server-groups", create),
    http.Route("GET", "/v2.1/os-server-groups/{id}", show),
    http.Route("DELETE", "/v2.1/os-server-groups/{id}", delete),
)
