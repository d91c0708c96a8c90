"""Security groups, which begin with two rules that allow all egress."""

from __future__ import annotations

import ipaddress

from enamel.sandbox import http, kernel, table
from enamel.sandbox.network import attribute, state
from enamel.sandbox.network import listing as network_listing

GROUP = attribute.Kind(
    name="security_group",
    collection="security_groups",
    error="SecurityGroupNotFound",
    missing="Security group {id} does not exist",
    attributes={
        **attribute.COMMON,
        "name": attribute.Attribute(),
        "stateful": attribute.Attribute(attribute.flag),
        "shared": attribute.READ_ONLY,
        "security_group_rules": attribute.READ_ONLY,
    },
)


def find(tables: state.Tables, caller: kernel.Caller, group_id: str) -> table.Row:
    """Return a group the caller may see, or refuse."""
    row = tables.security_groups.get(group_id)
    if row is None or not caller.sees(row["project_id"]):
        raise GROUP.unknown(group_id)
    return row


def default(tables: state.Tables, project_id: str) -> str:
    """Return the id of a project's default group, created on first use."""
    known = tables.defaults.get(project_id)
    if known is not None:
        return known
    group = _make(tables, project_id, {"name": "default", "description": "Default security group"})
    tables.defaults[project_id] = group["id"]
    for ethertype in ("IPv4", "IPv6"):
        wish = {"direction": "ingress", "ethertype": ethertype, "remote_group_id": group["id"]}
        add_rule(tables, group, {**wish, "description": None})
    return str(group["id"])


def named(tables: state.Tables, project_id: str, name: str) -> list[str]:
    """Return the ids of a project's groups that have that name or id."""
    own = tables.security_groups.get(name)
    if own is not None and own["project_id"] == project_id:
        return [name]
    default(tables, project_id)
    return [row["id"] for row in tables.security_groups.of(project_id) if row["name"] == name]


def listing(request: http.Request) -> kernel.Reply:
    """List groups, with their rules."""
    tables = state.of(request)
    default(tables, request.caller.project_id)
    rows = (
        tables.security_groups
        if request.caller.admin
        else tables.security_groups.of(request.caller.project_id)
    )
    reply = network_listing.answer(GROUP, request, rows)
    fields = request.every("fields")
    if not fields or "security_group_rules" in fields:
        bodies = [_with_rules(tables, row) for row in reply.body["security_groups"] if "id" in row]
        reply.body["security_groups"] = bodies
    return reply


def create(request: http.Request) -> kernel.Reply:
    """Create groups, each with two rules that allow all egress."""
    tables = state.of(request)
    wishes, bulk = attribute.created(GROUP, request)
    groups = []
    for wish in wishes:
        project_id = tables.project(request, wish)
        default(tables, project_id)
        if wish.get("name") == "default":
            raise kernel.Refusal(
                409, "Default security group already exists.", kind="SecurityGroupDefaultAlreadyExists"
            )
        tables.spend(project_id, security_group=len(wishes), security_group_rule=2 * len(wishes))
    for wish in wishes:
        groups.append(_with_rules(tables, _make(tables, tables.project(request, wish), wish)))
    return kernel.Reply(
        status=201, body={"security_groups": groups} if bulk else {"security_group": groups[0]}
    )


def show(request: http.Request) -> kernel.Reply:
    """Show a group with its rules."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    return kernel.Reply(
        body={"security_group": network_listing.view(GROUP, request, _with_rules(tables, row))}
    )


def update(request: http.Request) -> kernel.Reply:
    """Change a group's name or description."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    changes = attribute.updated(GROUP, request)
    if row["name"] == "default" and changes.get("name", "default") != "default":
        raise kernel.Refusal(
            409, "Updating default security group not allowed.", kind="SecurityGroupCannotUpdateDefault"
        )
    row.update(changes)
    tables.changed(row)
    return kernel.Reply(body={"security_group": _with_rules(tables, row)})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a group that no port uses."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    if row["name"] == "default" and not request.caller.admin:
        raise kernel.Refusal(
            409,
            "Insufficient rights for removing default security group.",
            kind="SecurityGroupCannotRemoveDefault",
        )
    if tables.ports_by_group.any(row["id"]):
        raise kernel.Refusal(409, f"Security Group {row['id']} in use.", kind="SecurityGroupInUse")
    for rule_id in tables.rules_by_group.of(row["id"]):
        tables.rules.drop(rule_id)
        tables.rules_by_group.drop(row["id"], rule_id)
    tables.security_groups.drop(row["id"])
    if tables.defaults.get(row["project_id"]) == row["id"]:
        del tables.defaults[row["project_id"]]
    return kernel.Reply(status=204)


def _make(tables: state.Tables, project_id: str, wish: table.Row) -> table.Row:
    """Create a group with the rules every group begins with."""
    group = tables.security_groups.add(
        {
            "id": tables.cloud.new_id(),
            "name": wish.get("name", ""),
            "stateful": wish.get("stateful", True),
            "tenant_id": project_id,
            "project_id": project_id,
            "description": wish.get("description", ""),
            "shared": False,
            **tables.born(revision=1),
        }
    )
    for ethertype in ("IPv4", "IPv6"):
        add_rule(tables, group, {"direction": "egress", "ethertype": ethertype, "description": None})
    return group


def _with_rules(tables: state.Tables, group: table.Row) -> table.Row:
    """Return a group as it is shown: with its rules between its own fields."""
    body = dict(group)
    stamps: table.Row = {
        name: body.pop(name)
        for name in ("tags", "created_at", "updated_at", "revision_number")
        if name in body
    }
    body["security_group_rules"] = [
        {**tables.rules[rule_id], "tags": []} for rule_id in tables.rules_by_group.of(group["id"])
    ]
    return {**body, **stamps}


def add_rule(tables: state.Tables, group: table.Row, wish: table.Row) -> table.Row:
    """Add a rule to a group."""
    prefix = wish.get("remote_ip_prefix")
    stamps = tables.born()
    del stamps["tags"]
    rule = tables.rules.add(
        {
            "id": tables.cloud.new_id(),
            "project_id": group["project_id"],
            "security_group_id": group["id"],
            "ethertype": wish.get("ethertype", "IPv4"),
            "direction": wish["direction"],
            "protocol": wish.get("protocol"),
            "port_range_min": wish.get("port_range_min"),
            "port_range_max": wish.get("port_range_max"),
            "remote_ip_prefix": prefix,
            "remote_address_group_id": wish.get("remote_address_group_id"),
            "normalized_cidr": str(ipaddress.ip_network(prefix, strict=False)) if prefix else None,
            "remote_group_id": wish.get("remote_group_id"),
            "belongs_to_default_sg": group["name"] == "default",
            "description": wish.get("description", ""),
            **stamps,
            "tenant_id": group["project_id"],
        }
    )
    tables.rules_by_group.add(group["id"], rule["id"])
    tables.changed(group)
    return rule
