"""Nova as its own network service: public addresses and security groups on clouds without Neutron.

It works on the same state that Neutron shows on other clouds, with numbers for ids and older names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from enamel.sandbox import http, kernel, table
from enamel.sandbox.compute import guard
from enamel.sandbox.compute import server as compute_server
from enamel.sandbox.network import floatingip as network_floatingip
from enamel.sandbox.network import group as network_group
from enamel.sandbox.network import rule as network_rule
from enamel.sandbox.network import state as network_state

DONE = kernel.Reply(status=202)


def pools(request: http.Request) -> kernel.Reply:
    """List the pools of floating IPs."""
    names = [row["name"] for row in network_state.of(request).networks if row["router:external"]]
    return kernel.Reply(body={"floating_ip_pools": [{"name": name} for name in names]})


def addresses(request: http.Request) -> kernel.Reply:
    """List the project's floating IPs."""
    rows = network_state.of(request).floatingips.of(request.caller.project_id)
    return kernel.Reply(body={"floating_ips": [_address(request, row) for row in rows]})


def take_address(request: http.Request) -> kernel.Reply:
    """Allocate a floating IP from a pool."""
    asked = request.body() if request.content else {}
    outside = [row for row in network_state.of(request).networks if row["router:external"]]
    name = asked.get("pool") or (outside[0]["name"] if outside else "")
    pool = next((row for row in outside if row["name"] == name), None)
    if pool is None:
        raise kernel.Refusal(404, f"Floating ip pool {name} not found.")
    body = {"floatingip": {"floating_network_id": pool["id"]}}
    try:
        address = network_floatingip.create(_inner(request, body)).body["floatingip"]
    except kernel.Refusal as refusal:
        if refusal.kind == "OverQuota":
            raise kernel.Refusal(413, "Floating ip quota exceeded") from None
        raise kernel.Refusal(404, f"No more floating ips in pool {name}.") from None
    return kernel.Reply(body={"floating_ip": _address(request, address)})


def show_address(request: http.Request) -> kernel.Reply:
    """Show a floating IP."""
    return kernel.Reply(body={"floating_ip": _address(request, _address_row(request))})


def give_address_back(request: http.Request) -> kernel.Reply:
    """Release a floating IP."""
    network_floatingip.delete(_inner(request, None, id=_address_row(request)["id"]))
    return DONE


def groups(request: http.Request) -> kernel.Reply:
    """List the project's security groups."""
    tables = network_state.of(request)
    network_group.default(tables, request.caller.project_id)
    rows = tables.security_groups.of(request.caller.project_id)
    return kernel.Reply(body={"security_groups": [_group(request, row) for row in rows]})


def make_group(request: http.Request) -> kernel.Reply:
    """Create a security group without rules."""
    asked = request.body().get("security_group") or {}
    name, description = str(asked.get("name") or ""), str(asked.get("description") or "")
    if not name or not description:
        raise kernel.Refusal(400, "Security group name and description cannot be empty.")
    tables = network_state.of(request)
    if any(row["name"] == name for row in tables.security_groups.of(request.caller.project_id)):
        raise kernel.Refusal(400, f"Security group {name} already exists")
    body = {"security_group": {"name": name, "description": description}}
    try:
        group = network_group.create(_inner(request, body)).body["security_group"]
    except kernel.Refusal as refusal:
        raise kernel.Refusal(413, "Quota exceeded, too many security groups.") from refusal
    return kernel.Reply(body={"security_group": _group(request, group)})


def show_group(request: http.Request) -> kernel.Reply:
    """Show a security group."""
    return kernel.Reply(body={"security_group": _group(request, _group_row(request, request.params["id"]))})


ANYWHERE = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}


def drop_group(request: http.Request) -> kernel.Reply:
    """Delete a security group that no server is in."""
    row = _group_row(request, request.params["id"])
    try:
        network_group.delete(_inner(request, None, id=row["id"]))
    except kernel.Refusal:
        raise kernel.Refusal(400, "Security group is still in use") from None
    return DONE


def add_rule(request: http.Request) -> kernel.Reply:
    """Add a rule to a security group."""
    asked = request.body().get("security_group_rule") or {}
    group = _group_row(request, str(asked.get("parent_group_id")))
    protocol = str(asked.get("ip_protocol") or "").lower()
    if protocol not in ("tcp", "udp", "icmp"):
        raise kernel.Refusal(400, f"Invalid IP protocol {protocol}.")
    low, high = int(asked.get("from_port", -1)), int(asked.get("to_port", -1))
    if protocol != "icmp" and not 1 <= low <= high <= 65535:
        raise kernel.Refusal(400, f"Invalid port range {low}:{high}.")
    wish: table.Row = {
        "security_group_id": group["id"],
        "direction": "ingress",
        "protocol": protocol,
        "port_range_min": None if low < 0 else low,
        "port_range_max": None if high < 0 else high,
    }
    if asked.get("group_id") is not None:
        wish["remote_group_id"] = _group_row(request, str(asked["group_id"]))["id"]
    else:
        wish["remote_ip_prefix"] = cidr = asked.get("cidr") or "0.0.0.0/0"
        wish["ethertype"] = "IPv6" if ":" in cidr else "IPv4"
    try:
        rule = network_rule.create(_inner(request, {"security_group_rule": wish})).body["security_group_rule"]
    except kernel.Refusal as refusal:
        if refusal.status == 409:
            raise kernel.Refusal(
                400, f"This rule already exists in group {_number(request, group)}"
            ) from None
        raise
    return kernel.Reply(body={"security_group_rule": _rule(request, rule)})


def drop_rule(request: http.Request) -> kernel.Reply:
    """Delete a rule of a security group."""
    for row in network_state.of(request).rules.of(request.caller.project_id):
        if str(_number(request, row)) == request.params["id"]:
            network_rule.delete(_inner(request, None, id=row["id"]))
            return DONE
    raise kernel.Refusal(404, f"Rule ({request.params['id']}) not found")


def associate(*, put: bool) -> guard.Act:
    """Return the action that associates a floating IP with a server, or disassociates it."""

    def act(request: http.Request, server: compute_server.Server, asked: Any) -> kernel.Reply:
        if not request.cloud.era.nova_network:
            raise kernel.Refusal(400, "There is no such action: addFloatingIp")
        tables = network_state.of(request)
        text = asked.get("address") if isinstance(asked, dict) else None
        rows = tables.floatingips.of(request.caller.project_id)
        row = next((address for address in rows if address["floating_ip_address"] == text), None)
        if row is None:
            raise kernel.Refusal(404, "floating ip not found")
        ports = tables.ports_by_device.of(server.id)
        if put and (not ports or server.vm_state == "building"):
            raise kernel.Refusal(400, "No nw_info cache associated with instance")
        if not put and row["port_id"] not in ports:
            raise kernel.Refusal(422, "Floating ip is not associated with this instance")
        body = {"floatingip": {"port_id": ports[0] if put else None}}
        network_floatingip.update(_inner(request, body, id=row["id"]))
        return DONE

    return act


def _inner(request: http.Request, body: Any, **params: str) -> http.Request:
    """Return the equivalent request to Neutron."""
    content = b"" if body is None else msgspec.json.encode(body)
    return msgspec.structs.replace(request, content=content, params=params, query=[])


def _number(request: http.Request, row: table.Row) -> int:
    """Return the number by which Nova knows a row."""
    return request.cloud.compute.number(str(row["id"]))


def _address_row(request: http.Request) -> table.Row:
    """Return the address that a request names by its number, or refuse."""
    for row in network_state.of(request).floatingips.of(request.caller.project_id):
        if str(_number(request, row)) == request.params["id"]:
            return row
    raise kernel.Refusal(404, f"Floating ip not found for id {request.params['id']}")


def _group_row(request: http.Request, number: str) -> table.Row:
    """Return the security group of a number, or refuse."""
    tables = network_state.of(request)
    network_group.default(tables, request.caller.project_id)
    for row in tables.security_groups.of(request.caller.project_id):
        if str(_number(request, row)) == number:
            return row
    raise kernel.Refusal(404, f"Security group {number} not found.")


def _address(request: http.Request, row: table.Row) -> kernel.Json:
    """Return a floating IP as Nova shows it."""
    tables = network_state.of(request)
    port = tables.ports.get(row["port_id"]) if row["port_id"] else None
    return {
        "id": _number(request, row),
        "ip": row["floating_ip_address"],
        "pool": tables.networks[row["floating_network_id"]]["name"],
        "fixed_ip": row["fixed_ip_address"],
        "instance_id": port["device_id"] if port else None,
    }


def _group(request: http.Request, row: table.Row) -> kernel.Json:
    """Return a security group as Nova shows it."""
    tables = network_state.of(request)
    rules = [tables.rules[rule] for rule in tables.rules_by_group.of(row["id"])]
    ingress = [_rule(request, rule) for rule in rules if rule["direction"] == "ingress"]
    return {
        "id": _number(request, row),
        "name": row["name"],
        "description": row["description"],
        "tenant_id": row["project_id"],
        "rules": ingress,
    }


def _rule(request: http.Request, row: table.Row) -> kernel.Json:
    """Return a rule as Nova shows it."""
    tables = network_state.of(request)
    other = tables.security_groups.get(row["remote_group_id"]) if row["remote_group_id"] else None
    return {
        "id": _number(request, row),
        "parent_group_id": request.cloud.compute.number(row["security_group_id"]),
        "ip_protocol": "icmp" if row["protocol"] == "ipv6-icmp" else row["protocol"],
        "from_port": -1 if row["port_range_min"] is None else row["port_range_min"],
        "to_port": -1 if row["port_range_max"] is None else row["port_range_max"],
        "group": {"name": other["name"], "tenant_id": other["project_id"]} if other else {},
        "ip_range": {} if other else {"cidr": row["remote_ip_prefix"] or ANYWHERE[row["ethertype"]]},
    }


_HANDLERS: tuple[tuple[str, str, Callable[[http.Request], kernel.Reply]], ...] = (
    ("GET", "/os-floating-ip-pools", pools),
    ("GET", "/os-floating-ips", addresses),
    ("POST", "/os-floating-ips", take_address),
    ("GET", "/os-floating-ips/{id}", show_address),
    ("DELETE", "/os-floating-ips/{id}", give_address_back),
    ("GET", "/os-security-groups", groups),
    ("POST", "/os-security-groups", make_group),
    ("GET", "/os-security-groups/{id}", show_group),
    ("DELETE", "/os-security-groups/{id}", drop_group),
    ("POST", "/os-security-group-rules", add_rule),
    ("DELETE", "/os-security-group-rules/{id}", drop_rule),
)
ROUTES = tuple(http.Route(method, f"/v2.1{path}", handler) for method, path, handler in _HANDLERS)
