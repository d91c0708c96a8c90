"""Subnets, with a given range of addresses or one from a subnet pool."""

from __future__ import annotations

import ipaddress
from typing import Any

from enamel.sandbox import http, kernel, table
from enamel.sandbox.network import attribute, state
from enamel.sandbox.network import listing as network_listing
from enamel.sandbox.network import network as network_network
from enamel.sandbox.network import pool as network_pool

SUBNET = attribute.Kind(
    name="subnet",
    collection="subnets",
    error="SubnetNotFound",
    missing="Subnet {id} could not be found.",
    attributes={
        **attribute.COMMON,
        "name": attribute.Attribute(),
        "network_id": attribute.Attribute(attribute.identifier, required=True, put=False),
        "ip_version": attribute.Attribute(attribute.number, required=True, put=False),
        "subnetpool_id": attribute.Attribute(attribute.identifier_or_none, put=False),
        "use_default_subnetpool": attribute.Attribute(attribute.flag, put=False),
        "prefixlen": attribute.Attribute(attribute.number, put=False),
        "enable_dhcp": attribute.Attribute(attribute.flag),
        "ipv6_ra_mode": attribute.Attribute(attribute.text_or_none, put=False),
        "ipv6_address_mode": attribute.Attribute(attribute.text_or_none, put=False),
        "gateway_ip": attribute.Attribute(attribute.address),
        "cidr": attribute.Attribute(attribute.text_or_none, put=False),
        "allocation_pools": attribute.Attribute(attribute.ranges, put=False),
        "host_routes": attribute.Attribute(attribute.objects),
        "dns_nameservers": attribute.Attribute(attribute.texts),
        "router:external": attribute.READ_ONLY,
        "service_types": attribute.Attribute(attribute.texts),
        "segment_id": attribute.READ_ONLY,
    },
)

SUBNETPOOL = attribute.Kind(
    name="subnetpool",
    collection="subnetpools",
    error="SubnetPoolNotFound",
    missing="Subnet pool {id} could not be found.",
    attributes={
        **attribute.COMMON,
        "name": attribute.Attribute(),
        "prefixes": attribute.READ_ONLY,
        "default_prefixlen": attribute.READ_ONLY,
        "min_prefixlen": attribute.READ_ONLY,
        "max_prefixlen": attribute.READ_ONLY,
        "is_default": attribute.READ_ONLY,
        "shared": attribute.READ_ONLY,
        "ip_version": attribute.READ_ONLY,
        "default_quota": attribute.READ_ONLY,
        "address_scope_id": attribute.READ_ONLY,
    },
)


def find(tables: state.Tables, caller: kernel.Caller, subnet_id: str) -> table.Row:
    """Return a subnet the caller may see, or refuse."""
    row = tables.subnets.get(subnet_id)
    if row is None or not _sees(tables, caller, row):
        raise SUBNET.unknown(subnet_id)
    return row


def _sees(tables: state.Tables, caller: kernel.Caller, row: table.Row) -> bool:
    """Return whether the caller sees a subnet; those of external networks were hidden in older releases."""
    network = tables.networks[row["network_id"]]
    hidden = "subnet-external-network" in tables.cloud.era.without and network["router:external"]
    if hidden and not network["shared"]:
        return caller.sees(network["project_id"])
    return tables.sees_network(caller, network)


def listing(request: http.Request) -> kernel.Reply:
    """List the subnets of the networks that the caller sees."""
    tables = state.of(request)
    rows = [row for row in tables.subnets if _sees(tables, request.caller, row)]
    return network_listing.answer(SUBNET, request, rows)


def create(request: http.Request) -> kernel.Reply:
    """Create subnets."""
    tables = state.of(request)
    wishes, bulk = attribute.created(SUBNET, request)
    for wish in wishes:
        network = network_network.find(tables, request.caller, wish["network_id"])
        network_network.own(request, network, rule="create")
    tables.spend(tables.project(request, wishes[0]), subnet=len(wishes))
    subnets = [make(tables, project_id=tables.project(request, wish), wish=wish) for wish in wishes]
    return kernel.Reply(status=201, body={"subnets": subnets} if bulk else {"subnet": subnets[0]})


def show(request: http.Request) -> kernel.Reply:
    """Show a subnet."""
    row = find(state.of(request), request.caller, request.params["id"])
    return kernel.Reply(body={"subnet": network_listing.view(SUBNET, request, row)})


def update(request: http.Request) -> kernel.Reply:
    """Change a subnet."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    changes = attribute.updated(SUBNET, request)
    network_network.own(request, row, rule="update")
    row.update(changes)
    tables.changed(row)
    return kernel.Reply(body={"subnet": row})


def delete(request: http.Request) -> kernel.Reply:
    """Delete a subnet without ports."""
    tables = state.of(request)
    row = find(tables, request.caller, request.params["id"])
    network_network.own(request, row, rule="delete")
    if tables.pools[row["id"]].used:
        raise kernel.Refusal(
            409,
            f"Unable to complete operation on subnet {row['id']}: One or more ports have an IP allocation from this"
            " subnet.",
            kind="SubnetInUse",
        )
    network_network.drop_subnet(tables, row)
    return kernel.Reply(status=204)


def list_pools(request: http.Request) -> kernel.Reply:
    """List one's own and the shared subnet pools."""
    tables = state.of(request)
    rows = [row for row in tables.subnetpools if row["shared"] or request.caller.sees(row["project_id"])]
    return network_listing.answer(SUBNETPOOL, request, rows)


def show_pool(request: http.Request) -> kernel.Reply:
    """Show a subnet pool."""
    row = state.of(request).subnetpools.get(request.params["id"])
    if row is None or not (row["shared"] or request.caller.sees(row["project_id"])):
        raise SUBNETPOOL.unknown(request.params["id"])
    return kernel.Reply(body={"subnetpool": network_listing.view(SUBNETPOOL, request, row)})


def make(tables: state.Tables, *, project_id: str, wish: table.Row) -> table.Row:
    """Create a subnet with its pool of addresses, or refuse an impossible one."""
    network = tables.networks[wish["network_id"]]
    pooled = bool(wish.get("subnetpool_id") or wish.get("use_default_subnetpool"))
    cidr = _slice(tables, wish) if pooled else _cidr(wish)
    for other_id in tables.subnets_by_network.of(network["id"]):
        other = tables.subnets[other_id]
        if pooled and other["subnetpool_id"] is None:
            raise kernel.Refusal(
                400,
                "Subnets hosted on the same network must be allocated from the same subnet pool.",
                kind="NetworkSubnetPoolAffinityError",
            )
        if tables.pools[other_id].cidr.overlaps(cidr):
            raise _invalid(
                f"Requested subnet with cidr: {cidr} for network: {network['id']} overlaps with another subnet."
            )
    gateway = wish["gateway_ip"] if "gateway_ip" in wish else str(cidr[1])
    ranges = _ranges(cidr, gateway, wish.get("allocation_pools"))
    row = {
        "id": tables.cloud.new_id(),
        "name": wish.get("name", ""),
        "project_id": project_id,
        "network_id": network["id"],
        "ip_version": cidr.version,
        "subnetpool_id": (wish.get("subnetpool_id") or _default_pool(tables)["id"]) if pooled else None,
        "enable_dhcp": wish.get("enable_dhcp", True),
        "ipv6_ra_mode": wish.get("ipv6_ra_mode"),
        "ipv6_address_mode": wish.get("ipv6_address_mode"),
        "gateway_ip": gateway,
        "cidr": str(cidr),
        "allocation_pools": [{"start": low, "end": high} for low, high in ranges],
        "host_routes": wish.get("host_routes") or [],
        "dns_nameservers": wish.get("dns_nameservers") or [],
        "description": wish.get("description", ""),
        "router:external": network["router:external"],
        "service_types": wish.get("service_types") or [],
        **tables.born(),
        "tenant_id": project_id,
    }
    tables.subnets.add(row)
    tables.pools[row["id"]] = network_pool.Pool(row["cidr"], ranges=ranges)
    tables.subnets_by_network.add(network["id"], row["id"])
    network["subnets"].append(row["id"])
    tables.changed(network)
    return row


def _invalid(message: str) -> kernel.Refusal:
    """Refuse an impossible subnet."""
    return kernel.Refusal(400, f"Invalid input for operation: {message}", kind="InvalidInput")


def _cidr(wish: table.Row) -> network_pool.Subnet:
    """Return the requested range of addresses."""
    if not wish.get("cidr"):
        raise kernel.Refusal(
            400,
            "Bad subnets request: a subnetpool must be specified in the absence of a cidr.",
            kind="BadRequest",
        )
    try:
        if "/" not in wish["cidr"]:
            raise ValueError
        cidr = ipaddress.ip_network(wish["cidr"], strict=False)
    except ValueError:
        raise _invalid(f"{wish['cidr']} is not in a CIDR format.") from None
    if cidr.version != int(wish["ip_version"]):
        raise _invalid(f"cidr '{cidr}' does not match the ip_version '{wish['ip_version']}'")
    return cidr


def _default_pool(tables: state.Tables) -> table.Row:
    """Return the default subnet pool."""
    return next(row for row in tables.subnetpools if row["is_default"])


def _slice(tables: state.Tables, wish: table.Row) -> network_pool.Subnet:
    """Return the next free prefix of a subnet pool."""
    pool_id = wish.get("subnetpool_id")
    pool = tables.subnetpools.get(pool_id) if pool_id else _default_pool(tables)
    if pool is None:
        raise SUBNETPOOL.unknown(str(pool_id))
    length = int(wish.get("prefixlen") or pool["default_prefixlen"])
    if not int(pool["min_prefixlen"]) <= length <= int(pool["max_prefixlen"]):
        raise kernel.Refusal(
            400,
            f"Unable to allocate subnet with prefix length {length}, minimum allowed prefix is"
            f" {pool['min_prefixlen']} and maximum {pool['max_prefixlen']}.",
            kind="BadRequest",
        )
    taken = [tables.pools[row["id"]].cidr for row in tables.subnets if row["subnetpool_id"] == pool["id"]]
    for prefix in pool["prefixes"]:
        home = ipaddress.ip_network(prefix)
        if home.prefixlen > length:
            continue
        # Prefixes are allocated in order, so nearly all used ones lie before the first free one.
        for piece in home.subnets(new_prefix=length):
            if not any(piece.overlaps(other) for other in taken):
                return piece
    raise kernel.Refusal(
        409, f"Insufficient prefix space to allocate subnet size /{length}.", kind="SubnetAllocationError"
    )


def _ranges(cidr: network_pool.Subnet, gateway: Any, pools: list[table.Row] | None) -> list[tuple[str, str]]:
    """Return the first and last addresses of the allocation pools: all but network, broadcast and gateway."""
    if pools:
        return [(pool["start"], pool["end"]) for pool in pools]
    low, high = int(cidr.network_address), int(cidr.broadcast_address)
    if cidr.num_addresses > 2:
        low, high = low + 1, high - (1 if cidr.version == 4 else 0)
    make = ipaddress.IPv4Address if cidr.version == 4 else ipaddress.IPv6Address
    if gateway is None or not low <= int(ipaddress.ip_address(gateway)) <= high:
        return [(str(make(low)), str(make(high)))]
    middle = int(ipaddress.ip_address(gateway))
    parts = [(low, middle - 1), (middle + 1, high)]
    return [(str(make(first)), str(make(last))) for first, last in parts if first <= last]
