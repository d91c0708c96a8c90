"""Interfaces: the networks and ports of a server, before they exist."""

from collections.abc import Sequence

from msgspec import Struct

from enamel.commands import public_route
from enamel.commands.facts import Facts
from enamel.commands.launch.server_request import RequestedServer
from enamel.commands.lookup import Lookup
from enamel.model import cloud, ip
from enamel.model.launch import AddressChoice, NetworkChoice


class Interface(Struct, frozen=True, kw_only=True):
    """One interface of a server: on an existing port, or on a network."""

    network_id: str | None = None
    """None with no port: the network that Enamel gets for the project."""
    subnet_id: str | None = None
    fixed_address: str | None = None
    port_id: str | None = None
    addresses: tuple[str, ...] | None = None
    """Of an existing port."""
    floating_ips: frozenset[tuple[str, str]] = frozenset()
    """What leads to an existing port: networks of floating IPs, each with the address that they lead to."""
    accepts_groups: bool = True
    """Whether security groups of the launch can be put on it: neither on existing ports, nor without port security."""

    @property
    def automatic(self) -> bool:
        """Tell whether Enamel has to get a network first."""
        return self.network_id is None and self.port_id is None


def interfaces(member: RequestedServer, lookup: Lookup) -> tuple[Interface, ...] | None:
    """Return the interfaces of a server; None means no network at all."""
    networks = member.request.networks
    if networks == "none":
        return None
    if networks is None or isinstance(networks, str):
        address = own(member, lookup.facts)
        return (_of_address(address) if address else _auto(member, lookup),)
    plugged = []
    for number, network in enumerate(networks):
        pointer = f"{member.at('networks')}/{number}"
        choice = NetworkChoice(network=network) if isinstance(network, str) else network
        if choice.port is not None:
            interface = _port(choice.port, f"{pointer}/port", lookup)
        elif choice.network is None:
            interface = None
        else:
            interface = _network(
                choice, pointer if isinstance(network, str) else f"{pointer}/network", lookup
            )
        plugged += [interface] if interface else []
    return tuple(plugged)


def with_address(plugged: Sequence[Interface] | None, address: cloud.Address) -> tuple[Interface, ...]:
    """Return the interfaces of a server with those of an address that is a port."""
    interfaces = tuple(plugged or ())
    added = _of_address(address)
    return (
        interfaces
        if any(interface.port_id == added.port_id for interface in interfaces)
        else (*interfaces, added)
    )


def _of_address(address: cloud.Address) -> Interface:
    return Interface(
        port_id=address.id,
        network_id=address.network_id,
        addresses=(address.address,) if address.address else (),
        accepts_groups=False,
    )


def is_called(address: cloud.Address, text: str) -> bool:
    """Tell whether a text is an address, however it is written, or its id."""
    return text == address.id or ip.same(text, address.address)


def own(member: RequestedServer, facts: Facts) -> cloud.Address | None:
    """Return the address that a server names, where it is a port: such a server needs nothing else to be reached."""
    choice = member.request.public_address
    if not isinstance(choice, AddressChoice) or choice.address is None:
        return None
    matches = [address for address in facts.addresses if is_called(address, choice.address)]
    return matches[0] if matches and matches[0].kind is cloud.AddressKind.PORT else None


def _port(name: str, pointer: str, lookup: Lookup) -> Interface | None:
    """Return the interface on an existing port."""
    port = lookup.find(lookup.facts.ports, name, what="port", pointer=pointer)
    if port is None:
        return None
    if port.server_id:
        lookup.fault(pointer, f"Port '{name}' is in use by {port.server_id}.", "in_use")
    lookup.claim("port", port.id, pointer=pointer)
    return Interface(
        port_id=port.id,
        network_id=port.network_id,
        addresses=port.addresses,
        floating_ips=public_route.floating_ips(port, lookup.facts),
        accepts_groups=False,
    )


def _network(choice: NetworkChoice, pointer: str, lookup: Lookup) -> Interface | None:
    """Return the interface on a network."""
    network = lookup.find(lookup.facts.networks, choice.network or "", what="network", pointer=pointer)
    if network is None:
        return None
    within, subnet_id = pointer.removesuffix("/network"), None
    if choice.subnet is not None:
        inside = [candidate for candidate in lookup.facts.subnets if candidate.network_id == network.id]
        subnet = lookup.find(inside, choice.subnet, what="subnet", pointer=f"{within}/subnet")
        subnet_id = subnet.id if subnet else None
    elif not network.subnets:
        lookup.fault(pointer, f"Network '{network.name}' has no subnet, so a server gets no address there.")
    if choice.fixed_ip is not None:
        subnets = [subnet for subnet in lookup.facts.subnets if subnet_id in (None, subnet.id)]
        check_inside(choice.fixed_ip, network, subnets=subnets, pointer=f"{within}/fixed_ip", lookup=lookup)
        lookup.claim("fixed address", f"{network.id} {choice.fixed_ip}", pointer=f"{within}/fixed_ip")
    return Interface(
        network_id=network.id,
        subnet_id=subnet_id,
        fixed_address=choice.fixed_ip,
        accepts_groups=network.port_security,
    )


def check_inside(
    address: str, network: cloud.Network, *, subnets: Sequence[cloud.Subnet], pointer: str, lookup: Lookup
) -> None:
    """Note that a fixed address is in none of the subnets of a network that it can be in."""
    inside = [subnet for subnet in subnets if subnet.network_id == network.id]
    if ip.version(address) and inside and not any(ip.contains(subnet.cidr, address) for subnet in inside):
        ranges = ", ".join(sorted(subnet.cidr for subnet in inside))
        lookup.fault(pointer, f"{address} is not on network '{network.name}', which has {ranges}.")


def _auto(member: RequestedServer, lookup: Lookup) -> Interface:
    """Return the interface of a server that named no network: the project's only or default one."""
    project = lookup.facts.identity.project_id
    networks = [network for network in lookup.facts.networks if network.serves(project)]
    best = (
        [network for network in lookup.facts.networks if network.default_interface and network.subnets]
        or [network for network in networks if network.default]
        or [network for network in networks if network.name == "enamel"]
        or networks
    )
    if len(best) > 1:
        listed = ", ".join(sorted(f"'{network.name}'" for network in best)[:20])
        detail = f"The project has {len(best)} networks; say which: {listed}."
        lookup.fault(member.at("networks"), detail, "ambiguous")
    if best:
        return Interface(network_id=best[0].id, accepts_groups=best[0].port_security)
    return Interface()
