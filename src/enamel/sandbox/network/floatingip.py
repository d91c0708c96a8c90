"""Floating IPs and the ports they are associated with."""

from __future__ import annotations

import ipaddress

from enamel.sandbox import http, kernel, table
from enamel.sandbox.network import attribute, state
from enamel.sandbox.network import listing as network_listing
from enamel.sandbox.network import port as network_port

FLOATINGIP = attribute.Kind(
    name="floatingip",
    collection="floatingips",
    error="FloatingIPNotFound",
    missing="Floating IP {id} could not be found",
    attributes={
        **attribute.COMMON,
        "floating_ip_address": attribute.Attribute(attribute.address, put=False, admin=True),
        "floating_network_id": attribute.Attribute(attribute.identifier, required=True, put=False),
        "subnet_id": attribute.Attribute(attribute.identifier_or_none, put=False),
        "router_id": attribute.READ_ONLY,
        "port_id": attribute.Attribute(attribute.identifier_or_none),
        "fixed_ip_address": attribute.Attribute(attribute.address),
        "status": attribute.READ_ONLY,
        "qos_policy_id": attribute.Attribute(attribute.identifier_or_none),
        "port_details": attribute.READ_ONLY,
        "dns_domain": attribute.Attribute(put=False),
        "dns_name": attribute.Attribute(put=False),
        "port_forwardings": attribute.READ_ONLY,
    },
)
SHOWN_OF_PORT = ("name", "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner")


def find(tables: state.Tables, caller: kernel.Caller, floating_id: str) -> table.Row:
    """Return a floating IP the caller may see, or refuse."""
    row = tables.floatingips.get(floating_id)
    if row is None or not caller.sees(row["project_id"]):
        raise FLOATINGIP.unknown(floating_id)
    return row


def listing(request: http.Request) -> kernel.Reply:
    """List floating IPs."""
    tables = state.of(request)
    rows = tables.floatingips if request.caller.admin else tables.floatingips.of(request.caller.project_id)
    return network_listing.answer(FLOATINGIP, request, (_with_port(tables, row) for row in rows))


def create(request: http.Request) -> kernel.Reply:
    """Allocate a floating IP, and associate it with a port if one is named."""
    tables = state.of(request)
    wishes, _ = attribute.created(FLOATINGIP, request)
    wish = wishes[0]
    project_id = tables.project(request, wish)
    network = tables.networks.get(wish["floating_network_id"])
    if network is None or not tables.sees_network(request.caller, network):
        raise kernel.Refusal(
            404, f"Network {wish['floating_network_id']} could not be found.", kind="NetworkNotFound"
        )
    if not network["router:external"]:
        raise _bad(f"Network {network['id']} is not a valid external network.")
    tables.spend(project_id, floatingip=1)
    row: table.Row = {
        "id": tables.cloud.new_id(),
        "tenant_id": project_id,
        "project_id": project_id,
        "floating_ip_address": "",
        "floating_network_id": network["id"],
        "router_id": None,
        "port_id": None,
        "fixed_ip_address": None,
        "status": "DOWN",
        "description": wish.get("description", ""),
        "qos_policy_id": wish.get("qos_policy_id"),
        "port_details": None,
        "dns_domain": wish.get("dns_domain", ""),
        "dns_name": wish.get("dns_name", ""),
        "port_forwardings": [],
        **tables.born(),
    }
    subnet_id, row["floating_ip_address"] = _take(tables, network["id"], row["id"], wish)
    try:
        target = _target(tables, request, row, wish) if wish.get("port_id") else None
    except kernel.Refusal:
        tables.free(row["floating_ip_address"], subnet_id=subnet_id)
        raise
    tables.floatingips.add(row)
    if target is not None:
        _lead(tables, row, *target)
    return kernel.Reply(status=201, body={"floatingip": _with_port(tables, row)})


def show(request: http.Request) -> kernel.Reply:
    """Show a floating IP."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    return kernel.Reply(
        body={"floatingip": network_listing.view(FLOATINGIP, request, _with_port(tables, row))}
    )


def update(request: http.Request) -> kernel.Reply:
    """Associate a floating IP with another port, or with none."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    changes = attribute.updated(FLOATINGIP, request)
    target = _target(tables, request, row, changes) if changes.get("port_id") else None
    # Neutron's API reference: a body that omits port_id disassociates, whatever else it changes.
    if target is None or target[0]["id"] != row["port_id"] or target[1] != row["fixed_ip_address"]:
        network_port.let_go(tables, row)
        if target is not None:
            _lead(tables, row, *target)
    row["description"] = changes.get("description", row["description"])
    tables.changed(row)
    return kernel.Reply(body={"floatingip": _with_port(tables, row)})


def delete(request: http.Request) -> kernel.Reply:
    """Release a floating IP."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    network_port.let_go(tables, row)
    tables.floatingips.drop(row["id"])
    for subnet_id in tables.subnets_by_network.of(row["floating_network_id"]):
        if tables.pools[subnet_id].owner(row["floating_ip_address"]) == row["id"]:
            tables.free(row["floating_ip_address"], subnet_id=subnet_id)
    return kernel.Reply(status=204)


def _with_port(tables: state.Tables, row: table.Row) -> table.Row:
    """Return a floating IP as it is shown: with details of its port."""
    body = dict(row)
    port = tables.ports.get(row["port_id"]) if row["port_id"] else None
    body["port_details"] = {name: port[name] for name in SHOWN_OF_PORT} if port else None
    return body


def _bad(message: str) -> kernel.Refusal:
    """Refuse an impossible floating IP."""
    return kernel.Refusal(400, f"Bad floatingip request: {message}", kind="BadRequest")


def _take(tables: state.Tables, network_id: str, floating_id: str, wish: table.Row) -> tuple[str, str]:
    """Allocate the requested or the next address of an external network; return its subnet and the address."""
    subnets = tables.subnets_by_network.of(network_id)
    address, subnet_id = wish.get("floating_ip_address"), wish.get("subnet_id")
    if subnet_id and subnet_id not in subnets:
        raise kernel.Refusal(
            400,
            f"Invalid input for operation: Failed to create port on network {network_id}, because fixed_ips included"
            f" invalid subnet {subnet_id}.",
            kind="InvalidInput",
        )
    if address:
        home = next((candidate for candidate in subnets if tables.pools[candidate].holds(address)), None)
        if home is None:
            raise kernel.Refusal(
                400,
                f"IP address {address} is not a valid IP for any of the subnets on the specified network.",
                kind="InvalidIpForNetwork",
            )
        if tables.pools[home].take(floating_id, requested=address) is None:
            raise kernel.Refusal(
                409,
                f"IP address {address} already allocated in subnet {home}",
                kind="IpAddressAlreadyAllocated",
            )
        return home, str(address)
    taken = tables.address(network_id, floating_id, subnet_id=subnet_id or "")
    if taken is None:
        raise kernel.Refusal(
            409, f"No more IP addresses available on network {network_id}.", kind="IpAddressGenerationFailure"
        )
    return taken


def _target(
    tables: state.Tables, request: http.Request, row: table.Row, wish: table.Row
) -> tuple[table.Row, str, str]:
    """Return the port, the fixed address and the router for an association, or refuse."""
    port = network_port.find(tables, request.caller, wish["port_id"])
    fixed = _fixed(port, wish.get("fixed_ip_address"))
    for other_id in tables.floatingips_by_port.of(port["id"]):
        other = tables.floatingips[other_id]
        if other_id != row["id"] and other["fixed_ip_address"] == fixed["ip_address"]:
            raise kernel.Refusal(
                409,
                f"Cannot associate floating IP {row['floating_ip_address']} ({row['id']}) with port {port['id']} using"
                f" fixed IP {fixed['ip_address']}, as that fixed IP already has a floating IP on external network"
                f" {row['floating_network_id']}.",
                kind="FloatingIPPortAlreadyAssociated",
            )
    router_id = _router(tables, fixed["subnet_id"], row["floating_network_id"])
    if router_id is None:
        raise kernel.Refusal(
            404,
            f"External network {row['floating_network_id']} is not reachable from subnet {fixed['subnet_id']}. "
            f" Therefore, cannot associate Port {port['id']} with a Floating IP.",
            kind="ExternalGatewayForFloatingIPNotFound",
        )
    return port, fixed["ip_address"], router_id


def _fixed(port: table.Row, address: str | None) -> table.Row:
    """Return the fixed address of a port for an association."""
    if address:
        for fixed in port["fixed_ips"]:
            if fixed["ip_address"] == address:
                return dict(fixed)
        raise _bad(f"Port {port['id']} does not have fixed ip {address}.")
    four = [fixed for fixed in port["fixed_ips"] if ipaddress.ip_address(fixed["ip_address"]).version == 4]
    if not four:
        raise _bad(f"Cannot add floating IP to port {port['id']} that has no fixed IPv4 addresses.")
    if len(four) > 1:
        raise _bad(
            f"Port {port['id']} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning"
            " a floating IP."
        )
    return dict(four[0])


def _router(tables: state.Tables, subnet_id: str, network_id: str) -> str | None:
    """Return the router between a subnet and an external network, or None."""
    for router_id in tables.routers_by_subnet.of(subnet_id):
        gateway = tables.routers[router_id]["external_gateway_info"]
        if gateway and gateway["network_id"] == network_id:
            return router_id
    return None


def _lead(tables: state.Tables, row: table.Row, port: table.Row, fixed: str, router_id: str) -> None:
    """Associate a floating IP with a port; it is ACTIVE a moment later."""
    row.update(port_id=port["id"], fixed_ip_address=fixed, router_id=router_id)
    tables.floatingips_by_port.add(port["id"], row["id"])
    tables.touch_port(port)

    def work() -> None:
        if row["port_id"] == port["id"] and row["status"] == "DOWN":
            row["status"] = "ACTIVE"
            tables.changed(row)

    tables.cloud.later(tables.cloud.between(0.01, 0.05), work)
