"""Routers, their gateways and interfaces."""

from __future__ import annotations

from enamel.sandbox import http, kernel, table
from enamel.sandbox.network import attribute, state
from enamel.sandbox.network import listing as network_listing
from enamel.sandbox.network import network as network_network
from enamel.sandbox.network import port as network_port
from enamel.sandbox.network import subnet as network_subnet

ROUTER = attribute.Kind(
    name="router",
    collection="routers",
    error="RouterNotFound",
    missing="Router {id} could not be found",
    attributes={
        **attribute.COMMON,
        "name": attribute.Attribute(),
        "admin_state_up": attribute.Attribute(attribute.flag),
        "status": attribute.READ_ONLY,
        "external_gateway_info": attribute.Attribute(attribute.mapping),
        "availability_zones": attribute.READ_ONLY,
        "availability_zone_hints": attribute.Attribute(attribute.texts, put=False),
        "routes": attribute.Attribute(attribute.objects),
        "flavor_id": attribute.Attribute(attribute.identifier_or_none, put=False),
        "distributed": attribute.Attribute(attribute.flag, admin=True, hidden=True),
        "ha": attribute.Attribute(attribute.flag, admin=True, hidden=True),
    },
)


def find(tables: state.Tables, caller: kernel.Caller, router_id: str) -> table.Row:
    """Return a router the caller may see, or refuse."""
    row = tables.routers.get(router_id)
    if row is None or not caller.sees(row["project_id"]):
        raise ROUTER.unknown(router_id)
    return row


def listing(request: http.Request) -> kernel.Reply:
    """List routers."""
    tables = state.of(request)
    rows = tables.routers if request.caller.admin else tables.routers.of(request.caller.project_id)
    return network_listing.answer(ROUTER, request, rows)


def create(request: http.Request) -> kernel.Reply:
    """Create a router."""
    tables = state.of(request)
    wishes, _ = attribute.created(ROUTER, request)
    project_id = tables.project(request, wishes[0])
    gateway = wishes[0].get("external_gateway_info")
    if gateway:
        _external(tables, request.caller, gateway)
    tables.spend(project_id, router=1)
    row = make(tables, project_id=project_id, wish=wishes[0])
    return kernel.Reply(status=201, body={"router": row})


def show(request: http.Request) -> kernel.Reply:
    """Show a router."""
    row = find(state.of(request), request.caller, request.params["id"])
    return kernel.Reply(body={"router": network_listing.view(ROUTER, request, row)})


def update(request: http.Request) -> kernel.Reply:
    """Change a router, or its gateway."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    changes = attribute.updated(ROUTER, request)
    if "external_gateway_info" in changes:
        gateway = changes.pop("external_gateway_info")
        if gateway:
            _external(tables, request.caller, gateway)
        _refuse_needed_gateway(tables, row, gateway)
        set_gateway(tables, row, gateway)
    row.update(changes)
    tables.changed(row)
    return kernel.Reply(body={"router": row})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a router without interfaces."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    ports = tables.ports_by_device.of(row["id"])
    if ports:
        raise kernel.Refusal(
            409, f"Router {row['id']} has ports still attached: {', '.join(ports)}", kind="RouterInUse"
        )
    set_gateway(tables, row, None)
    tables.routers.drop(row["id"])
    return kernel.Reply(status=204)


def add_interface(request: http.Request) -> kernel.Reply:
    """Connect a router to a subnet."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    body = request.body()
    if body.get("port_id"):
        port = network_port.find(tables, request.caller, body["port_id"])
        if port["device_id"]:
            raise kernel.Refusal(
                409,
                f"Unable to complete operation on port {port['id']} for network {port['network_id']}. Port already has"
                f" an attached device {port['device_id']}.",
                kind="PortInUse",
            )
        subnet = tables.subnets[port["fixed_ips"][0]["subnet_id"]] if port["fixed_ips"] else None
        if subnet is None:
            raise _bad("Router port must have at least one fixed IP.")
        network_port.rebind(tables, port, device_id=row["id"], device_owner="network:router_interface")
        port["status"] = "ACTIVE"
        tables.routers_by_subnet.add(subnet["id"], row["id"])
        return _interface(row, port, subnet)
    if not body.get("subnet_id"):
        raise _bad("Either subnet_id or port_id must be specified.")
    subnet = network_subnet.find(tables, request.caller, body["subnet_id"])
    if row["id"] in tables.routers_by_subnet.of(subnet["id"]):
        raise _bad(f"Router already has a port on subnet {subnet['id']}.")
    if not subnet["gateway_ip"]:
        raise _bad("Subnet for router interface must have a gateway IP.")
    if tables.pools[subnet["id"]].owner(subnet["gateway_ip"]) is not None:
        raise kernel.Refusal(
            409,
            f"IP address {subnet['gateway_ip']} already allocated in subnet {subnet['id']}",
            kind="IpAddressAlreadyAllocated",
        )
    return _interface(row, connect(tables, row, subnet), subnet)


def remove_interface(request: http.Request) -> kernel.Reply:
    """Disconnect a router from a subnet that no floating IP needs."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    body = request.body()
    port = _interface_port(tables, request, row, body)
    subnet = tables.subnets[port["fixed_ips"][0]["subnet_id"]]
    if any(
        _leads_into(tables, floating, row, subnet) for floating in tables.floatingips.of(row["project_id"])
    ):
        raise kernel.Refusal(
            409,
            f"Router interface for subnet {subnet['id']} on router {row['id']} cannot be deleted, as it is required by"
            " one or more floating IPs.",
            kind="RouterInterfaceInUseByFloatingIP",
        )
    disconnect(tables, row, port)
    return _interface(row, port, subnet)


def make(tables: state.Tables, *, project_id: str, wish: table.Row) -> table.Row:
    """Create a router."""
    row = tables.routers.add(
        {
            "id": tables.cloud.new_id(),
            "name": wish.get("name", ""),
            "project_id": project_id,
            "admin_state_up": wish.get("admin_state_up", True),
            "status": "ACTIVE",
            "external_gateway_info": None,
            "description": wish.get("description", ""),
            "availability_zones": [],
            "availability_zone_hints": wish.get("availability_zone_hints") or [],
            "routes": [],
            "flavor_id": None,
            **tables.born(revision=1),
            "tenant_id": project_id,
        }
    )
    if wish.get("external_gateway_info"):
        set_gateway(tables, row, wish["external_gateway_info"])
    return row


def connect(tables: state.Tables, row: table.Row, subnet: table.Row) -> table.Row:
    """Create a router's port with the gateway's address of a subnet and return it."""
    port = network_port.make(
        tables,
        project_id=row["project_id"],
        wish={
            "network_id": subnet["network_id"],
            "fixed_ips": [{"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}],
            "device_id": row["id"],
            "device_owner": "network:router_interface",
            "port_security_enabled": False,
            "security_groups": [],
        },
    )
    port["status"] = "ACTIVE"
    tables.routers_by_subnet.add(subnet["id"], row["id"])
    return port


def disconnect(tables: state.Tables, row: table.Row, port: table.Row) -> None:
    """Delete a router's port."""
    for fixed in port["fixed_ips"]:
        tables.routers_by_subnet.drop(fixed["subnet_id"], row["id"])
    network_port.drop(tables, port)


def set_gateway(tables: state.Tables, row: table.Row, gateway: table.Row | None) -> None:
    """Connect a router to an external network, or to none."""
    old = row["external_gateway_info"]
    if old and gateway and old["network_id"] == gateway.get("network_id"):
        old["enable_snat"] = gateway.get("enable_snat", old["enable_snat"])
        return
    for fixed in old["external_fixed_ips"] if old else ():
        tables.free(fixed["ip_address"], subnet_id=fixed["subnet_id"])
    row["external_gateway_info"] = None
    if gateway:
        taken = tables.address(gateway["network_id"], row["id"])
        if taken is None:
            raise kernel.Refusal(
                409,
                f"No more IP addresses available on network {gateway['network_id']}.",
                kind="IpAddressGenerationFailure",
            )
        row["external_gateway_info"] = {
            "network_id": gateway["network_id"],
            "external_fixed_ips": [{"subnet_id": taken[0], "ip_address": taken[1]}],
            "enable_snat": gateway.get("enable_snat", True),
        }


def _external(tables: state.Tables, caller: kernel.Caller, gateway: table.Row) -> None:
    """Refuse a gateway that is not an external network."""
    if not gateway.get("network_id"):
        raise attribute.bad(
            "Invalid input for external_gateway_info. Reason: Validation of dictionary's keys failed."
        )
    network = network_network.find(tables, caller, gateway["network_id"])
    if not network["router:external"]:
        raise _bad(f"Network {network['id']} is not an external network.")


def _refuse_needed_gateway(tables: state.Tables, row: table.Row, gateway: table.Row | None) -> None:
    """Refuse to remove a gateway that floating IPs need."""
    old = row["external_gateway_info"]
    if not old or (gateway and gateway.get("network_id") == old["network_id"]):
        return
    if any(floating["router_id"] == row["id"] for floating in tables.floatingips.of(row["project_id"])):
        raise kernel.Refusal(
            409,
            f"Gateway cannot be updated for router {row['id']}, since a gateway to external network"
            f" {old['network_id']} is required by one or more floating IPs.",
            kind="RouterExternalGatewayInUseByFloatingIp",
        )


def _bad(message: str) -> kernel.Refusal:
    """Refuse an impossible interface."""
    return kernel.Refusal(400, f"Bad router request: {message}", kind="BadRequest")


def _interface(row: table.Row, port: table.Row, subnet: table.Row) -> kernel.Reply:
    """Describe a router's interface."""
    return kernel.Reply(
        body={
            "id": row["id"],
            "project_id": row["project_id"],
            "port_id": port["id"],
            "network_id": subnet["network_id"],
            "subnet_id": subnet["id"],
            "subnet_ids": [subnet["id"]],
        }
    )


def _interface_port(
    tables: state.Tables, request: http.Request, row: table.Row, body: kernel.Json
) -> table.Row:
    """Return the port that connects a router, or refuse."""
    ports = [tables.ports[port_id] for port_id in tables.ports_by_device.of(row["id"])]
    if body.get("port_id"):
        network_port.find(tables, request.caller, body["port_id"])
        for port in ports:
            if port["id"] == body["port_id"]:
                return port
        raise kernel.Refusal(
            404,
            f"Router {row['id']} does not have an interface with id {body['port_id']}",
            kind="RouterInterfaceNotFound",
        )
    if not body.get("subnet_id"):
        raise _bad("Either subnet_id or port_id must be specified.")
    subnet = network_subnet.find(tables, request.caller, body["subnet_id"])
    for port in ports:
        if any(fixed["subnet_id"] == subnet["id"] for fixed in port["fixed_ips"]):
            return port
    raise kernel.Refusal(
        404,
        f"Router {row['id']} has no interface on subnet {subnet['id']}",
        kind="RouterInterfaceNotFoundForSubnet",
    )


def _leads_into(tables: state.Tables, floating: table.Row, row: table.Row, subnet: table.Row) -> bool:
    """Return whether a floating IP is routed through a router into a subnet."""
    return floating["router_id"] == row["id"] and tables.pools[subnet["id"]].holds(
        floating["fixed_ip_address"]
    )
