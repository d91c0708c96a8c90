"""Ports: one at a time or many in one call, all or none."""

from __future__ import annotations

from enamel.sandbox import http, kernel, table
from enamel.sandbox.network import attribute, fixed_address, group, state
from enamel.sandbox.network import listing as network_listing

PORT = attribute.Kind(
    name="port",
    collection="ports",
    error="PortNotFound",
    missing="Port {id} could not be found.",
    attributes={
        **attribute.COMMON,
        # Neutron (seen with 2026.2) accepts tags in the body of a new port and drops them; only PUT …/tags sets them.
        "tags": attribute.Attribute(attribute.texts, put=False),
        "name": attribute.Attribute(),
        "network_id": attribute.Attribute(attribute.identifier, required=True, put=False),
        "mac_address": attribute.Attribute(),
        "admin_state_up": attribute.Attribute(attribute.flag),
        "status": attribute.READ_ONLY,
        "device_id": attribute.Attribute(),
        "device_owner": attribute.Attribute(),
        "fixed_ips": attribute.Attribute(attribute.fixed_addresses),
        "allowed_address_pairs": attribute.Attribute(attribute.objects),
        "extra_dhcp_opts": attribute.Attribute(attribute.objects),
        "security_groups": attribute.Attribute(attribute.identifiers),
        "binding:vnic_type": attribute.Attribute(),
        "binding:profile": attribute.Attribute(attribute.mapping, admin=True, hidden=True),
        "binding:host_id": attribute.Attribute(admin=True, hidden=True),
        "binding:vif_type": attribute.HIDDEN,
        "binding:vif_details": attribute.HIDDEN,
        "resource_request": attribute.HIDDEN,
        "port_security_enabled": attribute.Attribute(attribute.flag),
        "qos_policy_id": attribute.Attribute(attribute.identifier_or_none),
        "qos_network_policy_id": attribute.READ_ONLY,
        "dns_name": attribute.Attribute(),
        "dns_domain": attribute.Attribute(),
        "dns_assignment": attribute.READ_ONLY,
    },
)


def find(tables: state.Tables, caller: kernel.Caller, port_id: str) -> table.Row:
    """Return a port the caller may see, or refuse."""
    row = tables.ports.get(port_id)
    if row is None or not _sees(tables, caller, row):
        raise PORT.unknown(port_id)
    return row


def _visible(tables: state.Tables, caller: kernel.Caller) -> list[table.Row]:
    """Return the ports that the caller sees."""
    others = (
        tables.ports[port_id]
        for network in tables.networks.of(caller.project_id)
        for port_id in tables.ports_by_network.of(network["id"])
        if not caller.sees(tables.ports[port_id]["project_id"])
    )
    return [*tables.ports.of(caller.project_id), *others]


def _sees(tables: state.Tables, caller: kernel.Caller, row: table.Row) -> bool:
    """Return whether the caller sees a port: an own one, or one on an own network."""
    return caller.sees(row["project_id"]) or caller.sees(tables.networks[row["network_id"]]["project_id"])


def listing(request: http.Request) -> kernel.Reply:
    """List ports: one's own, and those of others on one's own networks."""
    tables = state.of(request)
    devices = request.every("device_id")
    if devices and all(devices):
        candidates = (
            tables.ports[port_id] for device in devices for port_id in tables.ports_by_device.of(device)
        )
        rows = [row for row in candidates if _sees(tables, request.caller, row)]
    else:
        rows = list(tables.ports) if request.caller.admin else _visible(tables, request.caller)
    return network_listing.answer(PORT, request, rows)


def create(request: http.Request) -> kernel.Reply:
    """Create ports, all or none."""
    tables = state.of(request)
    wishes, bulk = attribute.created(PORT, request)
    for wish in wishes:
        _admit(tables, request, wish)
        _refuse_useless_groups(tables, wish)
    tables.spend(tables.project(request, wishes[0]), port=len(wishes))
    ports: list[table.Row] = []
    try:
        for wish in wishes:
            ports.append(make(tables, project_id=tables.project(request, wish), wish=wish))
    except kernel.Refusal:
        for row in ports:
            drop(tables, row)
        raise
    bodies = [network_listing.view(PORT, request, row) for row in ports]
    return kernel.Reply(status=201, body={"ports": bodies} if bulk else {"port": bodies[0]})


def show(request: http.Request) -> kernel.Reply:
    """Show a port."""
    row = find(state.of(request), request.caller, request.params["id"])
    return kernel.Reply(body={"port": network_listing.view(PORT, request, row)})


def update(request: http.Request) -> kernel.Reply:
    """Change a port."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    changes = attribute.updated(PORT, request)
    for group_id in changes.get("security_groups", ()):
        group.find(tables, request.caller, group_id)
    secure = changes.get("port_security_enabled", row["port_security_enabled"])
    if not secure and changes.get("security_groups", row["security_groups"]):
        raise kernel.Refusal(
            409,
            "Port has security group associated. Cannot disable port security or IP address until security group"
            " is removed.",
            kind="PortSecurityPortHasSecurityGroup",
        )
    if "fixed_ips" in changes:
        _readdress(tables, row, changes.pop("fixed_ips") or [])
    if "security_groups" in changes:
        regroup(tables, row, changes.pop("security_groups"))
    if "device_id" in changes:
        rebind(
            tables, row, device_id=changes.pop("device_id"), device_owner=changes.pop("device_owner", None)
        )
    row.update(changes)
    tables.changed(row)
    tables.touch_port(row)
    return kernel.Reply(body={"port": network_listing.view(PORT, request, row)})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a port that no server uses."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    owner = row["device_owner"]
    if owner.startswith("compute:") and request.cloud.era.guards_ports and not request.caller.admin:
        # Only the compute service deletes a server's port, even that of a SOFT_DELETED server.
        raise attribute.forbidden("delete_port")
    if owner.startswith("network:router_"):
        raise kernel.Refusal(
            409,
            f"Port {row['id']} cannot be deleted directly via the port API: has device owner {owner}.",
            kind="ServicePortInUse",
        )
    drop(tables, row)
    return kernel.Reply(status=204)


def make(tables: state.Tables, *, project_id: str, wish: table.Row) -> table.Row:
    """Create a port from a checked request, with an address of each requested subnet."""
    port_id = tables.cloud.new_id()
    secure = _secure(tables, wish)
    groups = wish.get("security_groups")
    if groups is None:
        groups = [group.default(tables, project_id)] if secure else []
    mac = wish.get("mac_address") or _mac(tables)
    # The gateway's own port has no address but the gateway's.
    fixed = fixed_address.allocate(
        tables,
        wish["network_id"],
        port_id,
        wish.get("fixed_ips"),
        mac="" if wish.get("device_owner", "").startswith("network:router_") else mac,
    )
    row = tables.ports.add(
        {
            "id": port_id,
            "name": wish.get("name", ""),
            "network_id": wish["network_id"],
            "project_id": project_id,
            "mac_address": mac,
            "admin_state_up": wish.get("admin_state_up", True),
            "status": "DOWN",
            "device_id": "",
            "device_owner": wish.get("device_owner", ""),
            "fixed_ips": fixed,
            "allowed_address_pairs": wish.get("allowed_address_pairs") or [],
            "extra_dhcp_opts": wish.get("extra_dhcp_opts") or [],
            "security_groups": [],
            "description": wish.get("description", ""),
            "binding:vnic_type": wish.get("binding:vnic_type", "normal"),
            "binding:profile": wish.get("binding:profile") or {},
            "binding:host_id": wish.get("binding:host_id", ""),
            "binding:vif_type": "unbound",
            "binding:vif_details": {},
            "port_security_enabled": secure,
            "qos_policy_id": wish.get("qos_policy_id"),
            "qos_network_policy_id": None,
            "resource_request": None,
            "dns_name": wish.get("dns_name", ""),
            "dns_assignment": _names(fixed),
            **tables.born(revision=1),
            "tenant_id": project_id,
        }
    )
    tables.ports_by_network.add(row["network_id"], port_id)
    regroup(tables, row, groups)
    rebind(tables, row, device_id=wish.get("device_id", ""))
    return row


def drop(tables: state.Tables, row: table.Row) -> None:
    """Delete a port, release its addresses and disassociate its floating IPs."""
    for floating_id in tables.floatingips_by_port.of(row["id"]):
        let_go(tables, tables.floatingips[floating_id])
    for fixed in row["fixed_ips"]:
        tables.free(fixed["ip_address"], subnet_id=fixed["subnet_id"])
    tables.touch_port(row)
    tables.ports.drop(row["id"])
    tables.ports_by_network.drop(row["network_id"], row["id"])
    tables.ports_by_device.drop(row["device_id"], row["id"])
    tables.made_for_servers.discard(row["id"])
    for group_id in row["security_groups"]:
        tables.ports_by_group.drop(group_id, row["id"])


def let_go(tables: state.Tables, floating: table.Row) -> None:
    """Disassociate a floating IP from its port."""
    port = tables.ports.get(floating["port_id"] or "")
    if port is None:
        return
    tables.floatingips_by_port.drop(port["id"], floating["id"])
    floating.update(port_id=None, router_id=None, fixed_ip_address=None, port_details=None, status="DOWN")
    tables.changed(floating)
    tables.touch_port(port)


def regroup(tables: state.Tables, row: table.Row, groups: list[str]) -> None:
    """Set the security groups of a port."""
    for group_id in row["security_groups"]:
        tables.ports_by_group.drop(group_id, row["id"])
    row["security_groups"] = list(dict.fromkeys(groups))
    for group_id in row["security_groups"]:
        tables.ports_by_group.add(group_id, row["id"])


def rebind(
    tables: state.Tables,
    row: table.Row,
    *,
    device_id: str,
    device_owner: str | None = None,
    host: str = "",
) -> None:
    """Bind a port to a device, or to none."""
    tables.touch_port(row)
    tables.ports_by_device.drop(row["device_id"], row["id"])
    row["device_id"] = device_id
    if device_owner is not None:
        row["device_owner"] = device_owner
    row["binding:host_id"] = host
    row["binding:vif_type"] = "ovs" if host else "unbound"
    tables.ports_by_device.add(device_id, row["id"])
    tables.touch_port(row)


def _admit(tables: state.Tables, request: http.Request, wish: table.Row) -> None:
    """Refuse a port on a network or in groups that the caller cannot use."""
    network = tables.networks.get(wish["network_id"])
    if network is None or not tables.sees_network(request.caller, network):
        raise kernel.Refusal(404, f"Network {wish['network_id']} could not be found.", kind="NetworkNotFound")
    if not network["shared"] and not request.caller.sees(network["project_id"]):
        raise attribute.forbidden("create_port")
    for group_id in wish.get("security_groups") or ():
        group.find(tables, request.caller, group_id)


def _secure(tables: state.Tables, wish: table.Row) -> bool:
    """Return whether a new port gets security groups: as it says itself, or as its network does."""
    return bool(
        wish.get("port_security_enabled", tables.networks[wish["network_id"]]["port_security_enabled"])
    )


def _refuse_useless_groups(tables: state.Tables, wish: table.Row) -> None:
    """Refuse security groups for a port that has none."""
    if wish.get("security_groups") and not _secure(tables, wish):
        raise kernel.Refusal(
            400,
            "Port security must be enabled and port must have an IP address in order to use security groups.",
            kind="PortSecurityAndIPRequiredForSecurityGroups",
        )


def _readdress(tables: state.Tables, row: table.Row, requests: list[table.Row]) -> None:
    """Change the addresses of a port, keeping those in both lists."""
    kept = [fixed for fixed in row["fixed_ips"] if any(_stays(fixed, wish) for wish in requests)]
    fresh = [wish for wish in requests if not any(_stays(fixed, wish) for fixed in kept)]
    taken = fixed_address.allocate(tables, row["network_id"], row["id"], fresh)
    for fixed in row["fixed_ips"]:
        if fixed not in kept:
            tables.free(fixed["ip_address"], subnet_id=fixed["subnet_id"])
    row["fixed_ips"] = kept + taken
    row["dns_assignment"] = _names(row["fixed_ips"])


def _stays(fixed: table.Row, wish: table.Row) -> bool:
    """Return whether one of the requested addresses matches an address of the port."""
    return all(fixed.get(name) == value for name, value in wish.items())


def _names(fixed_ips: list[table.Row]) -> list[table.Row]:
    """Return the names that the network's own DNS gives to addresses."""
    assigned = []
    for fixed in fixed_ips:
        host = "host-" + fixed["ip_address"].replace(".", "-").replace(":", "-")
        assigned.append(
            {"ip_address": fixed["ip_address"], "hostname": host, "fqdn": f"{host}.openstacklocal."}
        )
    return assigned


def _mac(tables: state.Tables) -> str:
    """Return a new hardware address."""
    return "fa:16:3e:" + ":".join(f"{tables.cloud.rng.randrange(256):02x}" for _ in range(3))
