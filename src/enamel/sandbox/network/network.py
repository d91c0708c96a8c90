"""Networks."""

from __future__ import annotations

from enamel.sandbox import http, kernel, table
from enamel.sandbox.network import attribute, state
from enamel.sandbox.network import listing as network_listing

NETWORK = attribute.Kind(
    name="network",
    collection="networks",
    error="NetworkNotFound",
    missing="Network {id} could not be found.",
    attributes={
        **attribute.COMMON,
        "name": attribute.Attribute(),
        "admin_state_up": attribute.Attribute(attribute.flag),
        "mtu": attribute.Attribute(attribute.number),
        "status": attribute.READ_ONLY,
        "subnets": attribute.READ_ONLY,
        "shared": attribute.Attribute(attribute.flag, admin=True),
        "availability_zone_hints": attribute.Attribute(attribute.texts, put=False),
        "availability_zones": attribute.READ_ONLY,
        "ipv4_address_scope": attribute.READ_ONLY,
        "ipv6_address_scope": attribute.READ_ONLY,
        "router:external": attribute.Attribute(attribute.flag, admin=True),
        "qinq": attribute.Attribute(attribute.flag, put=False),
        "vlan_transparent": attribute.Attribute(attribute.flag, put=False),
        "port_security_enabled": attribute.Attribute(attribute.flag),
        "qos_policy_id": attribute.Attribute(attribute.identifier_or_none),
        "dns_domain": attribute.Attribute(),
        "is_default": attribute.Attribute(attribute.flag, admin=True),
        "provider:network_type": attribute.Attribute(admin=True, hidden=True),
        "provider:physical_network": attribute.Attribute(attribute.text_or_none, admin=True, hidden=True),
        "provider:segmentation_id": attribute.Attribute(attribute.number, admin=True, hidden=True),
    },
)


def find(tables: state.Tables, caller: kernel.Caller, network_id: str) -> table.Row:
    """Return a network the caller may see, or refuse."""
    row = tables.networks.get(network_id)
    if row is None or not tables.sees_network(caller, row):
        raise NETWORK.unknown(network_id)
    return row


def listing(request: http.Request) -> kernel.Reply:
    """List networks: one's own, shared and external ones."""
    tables = state.of(request)
    rows = [row for row in tables.networks if tables.sees_network(request.caller, row)]
    return network_listing.answer(NETWORK, request, rows)


def create(request: http.Request) -> kernel.Reply:
    """Create networks."""
    tables = state.of(request)
    wishes, bulk = attribute.created(NETWORK, request)
    tables.spend(tables.project(request, wishes[0]), network=len(wishes))
    networks = [make(tables, project_id=tables.project(request, wish), wish=wish) for wish in wishes]
    bodies = [{"is_default": False, **network_listing.view(NETWORK, request, row)} for row in networks]
    return kernel.Reply(status=201, body={"networks": bodies} if bulk else {"network": bodies[0]})


def show(request: http.Request) -> kernel.Reply:
    """Show a network."""
    row = find(state.of(request), request.caller, request.params["id"])
    return kernel.Reply(body={"network": network_listing.view(NETWORK, request, row)})


def update(request: http.Request) -> kernel.Reply:
    """Change a network."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    changes = attribute.updated(NETWORK, request)
    own(request, row, rule="update")
    row.update(changes)
    tables.changed(row)
    return kernel.Reply(body={"network": network_listing.view(NETWORK, request, row)})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a network without ports, with its subnets."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    own(request, row, rule="delete")
    ports = tables.ports_by_network.of(row["id"])
    if ports:
        raise kernel.Refusal(
            409,
            f"Unable to complete operation on network {row['id']}. There are one or more ports still in use on the"
            f" network, id for these ports is: {','.join(ports)}.",
            kind="NetworkInUse",
        )
    drop(tables, row)
    return kernel.Reply(status=204)


def make(tables: state.Tables, *, project_id: str, wish: table.Row) -> table.Row:
    """Create a network."""
    external = wish.get("router:external", False)
    row = {
        "id": tables.cloud.new_id(),
        "name": wish.get("name", ""),
        "tenant_id": project_id,
        "project_id": project_id,
        "admin_state_up": wish.get("admin_state_up", True),
        "mtu": wish.get("mtu", 1500 if external else 1442),
        "status": "ACTIVE",
        "subnets": [],
        "shared": wish.get("shared", False),
        "availability_zone_hints": wish.get("availability_zone_hints") or [],
        "availability_zones": [],
        "ipv4_address_scope": None,
        "ipv6_address_scope": None,
        "router:external": external,
        "qinq": False,
        "vlan_transparent": False,
        "description": wish.get("description", ""),
        "port_security_enabled": wish.get("port_security_enabled", True),
        "qos_policy_id": wish.get("qos_policy_id"),
        "dns_domain": wish.get("dns_domain", ""),
        **({"is_default": wish.get("is_default", False)} if external else {}),
        **tables.born(revision=1),
        "provider:network_type": "flat" if external else "geneve",
        "provider:physical_network": "public" if external else None,
        "provider:segmentation_id": None if external else tables.cloud.rng.randrange(1, 65536),
    }
    return tables.networks.add(row)


def drop(tables: state.Tables, row: table.Row) -> None:
    """Delete a network and its subnets."""
    for subnet_id in tables.subnets_by_network.of(row["id"]):
        drop_subnet(tables, tables.subnets[subnet_id])
    tables.networks.drop(row["id"])
    if tables.autos.get(row["project_id"]) == row["id"]:
        del tables.autos[row["project_id"]]


def own(request: http.Request, row: table.Row, *, rule: str) -> None:
    """Refuse changes to what the caller sees but does not own."""
    if not request.caller.sees(row["project_id"]):
        raise attribute.forbidden(rule)


def drop_subnet(tables: state.Tables, row: table.Row) -> None:
    """Delete a subnet."""
    tables.subnets.drop(row["id"])
    tables.subnets_by_network.drop(row["network_id"], row["id"])
    tables.pools.pop(row["id"], None)
    network = tables.networks[row["network_id"]]
    network["subnets"].remove(row["id"])
    tables.changed(network)
