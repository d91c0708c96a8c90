"""The fixed addresses of ports: of both IP versions, named, chosen by the cloud, or by hosts themselves."""

from __future__ import annotations

import ipaddress

from enamel.sandbox import kernel, table
from enamel.sandbox.network import state


def allocate(
    tables: state.Tables,
    network_id: str,
    port_id: str,
    requests: list[table.Row] | None,
    *,
    mac: str = "",
) -> list[table.Row]:
    """Allocate the requested addresses of a network, all or none: by default one of each version.

    In subnets whose hosts choose their addresses themselves, the port has one in any case: what its `mac` makes of it.
    """
    wishes = _usual(tables, network_id) if requests is None else requests
    wishes = [*wishes, *_self_chosen(tables, network_id, mac, wishes)]
    taken: list[table.Row] = []
    try:
        for wish in wishes:
            taken.append(_address(tables, network_id, port_id, wish, mac=mac))
    except kernel.Refusal:
        for fixed in taken:
            tables.free(fixed["ip_address"], subnet_id=fixed["subnet_id"])
        raise
    return [fixed for fixed in taken if fixed]


def _usual(tables: state.Tables, network_id: str) -> list[table.Row]:
    """Return what a port gets that names no address: one of each version that its network allocates."""
    subnets = [tables.subnets[subnet_id] for subnet_id in tables.subnets_by_network.of(network_id)]
    versions = {subnet["ip_version"] for subnet in subnets if not _is_self_chosen(subnet)}
    return [{"ip_version": version} for version in sorted(versions)]


def _self_chosen(tables: state.Tables, network_id: str, mac: str, wishes: list[table.Row]) -> list[table.Row]:
    """Return the addresses that a host gives itself, by what routers announce."""
    named = {wish.get("subnet_id") for wish in wishes}
    return [
        {"subnet_id": subnet_id, "ip_address": _of_mac(str(tables.pools[subnet_id].cidr), mac)}
        for subnet_id in tables.subnets_by_network.of(network_id)
        if mac and subnet_id not in named and _is_self_chosen(tables.subnets[subnet_id])
    ]


def _is_self_chosen(subnet: table.Row) -> bool:
    return subnet["ipv6_address_mode"] in ("slaac", "dhcpv6-stateless")


def _of_mac(cidr: str, mac: str) -> str:
    """Return the IPv6 address of an interface (RFC 4291, appendix A)."""
    parts = bytearray.fromhex(mac.replace(":", ""))
    parts[0] ^= 2
    number = int.from_bytes(parts[:3] + b"\xff\xfe" + parts[3:], "big")
    return str(ipaddress.ip_network(cidr)[number])


def _address(tables: state.Tables, network_id: str, port_id: str, wish: table.Row, *, mac: str) -> table.Row:
    """Allocate one address: in a subnet, a given one, or any; a network without subnets has none."""
    subnets = tables.subnets_by_network.of(network_id)
    subnet_id, address = wish.get("subnet_id"), wish.get("ip_address")
    if subnet_id and subnet_id not in tables.subnets:
        raise kernel.Refusal(404, f"Subnet {subnet_id} could not be found.", kind="SubnetNotFound")
    if subnet_id and subnet_id not in subnets:
        raise kernel.Refusal(
            400,
            f"Invalid input for operation: Failed to create port on network {network_id}, because fixed_ips included"
            f" invalid subnet {subnet_id}.",
            kind="InvalidInput",
        )
    if address:
        home = subnet_id or next(
            (candidate for candidate in subnets if tables.pools[candidate].holds(address)), None
        )
        if home is None:
            raise kernel.Refusal(
                400,
                f"IP address {address} is not a valid IP for any of the subnets on the specified network.",
                kind="InvalidIpForNetwork",
            )
        if not tables.pools[home].holds(address):
            raise kernel.Refusal(
                400,
                f"IP address {address} is not a valid IP for the specified subnet.",
                kind="InvalidIpForSubnet",
            )
        if tables.pools[home].take(port_id, requested=address) is None:
            raise kernel.Refusal(
                409,
                f"IP address {address} already allocated in subnet {home}",
                kind="IpAddressAlreadyAllocated",
            )
        return {"subnet_id": home, "ip_address": address}
    if not subnets:
        return {}
    version = wish.get("ip_version", 4)
    if mac and subnet_id and _is_self_chosen(tables.subnets[subnet_id]):
        address = _of_mac(str(tables.pools[subnet_id].cidr), mac)
        tables.pools[subnet_id].take(port_id, requested=address)
        return {"subnet_id": subnet_id, "ip_address": address}
    taken = tables.address(network_id, port_id, subnet_id=subnet_id or "", version=version)
    if taken is None:
        raise kernel.Refusal(
            409, f"No more IP addresses available on network {network_id}.", kind="IpAddressGenerationFailure"
        )
    return {"subnet_id": taken[0], "ip_address": taken[1]}
