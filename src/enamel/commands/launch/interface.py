"""Interfaces: the networks and ports of a server, and the source of its public address."""

import ipaddress
from collections.abc import Sequence

from msgspec import Struct

from enamel.commands.facts import Facts
from enamel.commands.launch import rule_parser
from enamel.commands.launch.server_request import RequestedServer
from enamel.commands.lookup import Lookup
from enamel.model import cloud
from enamel.model.launch import AddressChoice, NetworkChoice


class Interface(Struct, frozen=True, kw_only=True):
    """One interface of a server: on an existing port, or on a network."""

    network_id: str | None = None
    """None with no port: the network that Enamel gets for the project."""
    external: bool = False
    """Whether its addresses are public."""
    subnet_id: str | None = None
    fixed_address: str | None = None
    port_id: str | None = None

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
    return Interface(port_id=address.id, network_id=address.network_id, external=True)


def own(member: RequestedServer, facts: Facts) -> cloud.Address | None:
    """Return the address that a server names, where it is a port: such a server needs nothing else to be reached."""
    choice = member.request.public_address
    if not isinstance(choice, AddressChoice) or choice.address is None:
        return None
    matches = [address for address in facts.addresses if choice.address in (address.id, address.address)]
    return matches[0] if matches and matches[0].kind is cloud.AddressKind.PORT else None


def _port(name: str, pointer: str, lookup: Lookup) -> Interface | None:
    """Return the interface on an existing port."""
    port = lookup.find(lookup.facts.ports, name, what="port", pointer=pointer)
    if port is None:
        return None
    if port.server_id:
        lookup.fault(pointer, f"Port '{name}' is in use by {port.server_id}.", "in_use")
    lookup.claim("port", port.id, pointer=pointer)
    external = any(network.external for network in lookup.facts.networks if network.id == port.network_id)
    return Interface(port_id=port.id, network_id=port.network_id, external=external)


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
        _check_inside(choice.fixed_ip, network, subnet_id, f"{within}/fixed_ip", lookup)
        lookup.claim("fixed address", f"{network.id} {choice.fixed_ip}", pointer=f"{within}/fixed_ip")
    return Interface(
        network_id=network.id,
        external=network.external,
        subnet_id=subnet_id,
        fixed_address=choice.fixed_ip,
    )


def _check_inside(
    address: str, network: cloud.Network, subnet_id: str | None, pointer: str, lookup: Lookup
) -> None:
    """Note that a fixed address is in none of the subnets that it can be in."""
    subnets = [subnet for subnet in lookup.facts.subnets if subnet.network_id == network.id]
    subnets = [subnet for subnet in subnets if subnet_id in (None, subnet.id)]
    if not subnets or not rule_parser.is_address(address):
        return
    if not any(ipaddress.ip_address(address) in ipaddress.ip_network(subnet.cidr) for subnet in subnets):
        ranges = ", ".join(sorted(subnet.cidr for subnet in subnets))
        lookup.fault(pointer, f"{address} is not on network '{network.name}', which has {ranges}.")


def _auto(member: RequestedServer, lookup: Lookup) -> Interface:
    """Return the interface of a server that named no network: the project's only or default one."""
    project = lookup.facts.identity.project_id
    networks = [
        network
        for network in lookup.facts.networks
        if network.subnets
        and network.up
        and ((network.project_id == project and not network.external) or network.shared)
    ]
    best = (
        [network for network in networks if network.default]
        or [network for network in networks if network.name == "enamel"]
        or networks
    )
    if len(best) > 1:
        listed = ", ".join(sorted(f"'{network.name}'" for network in best)[:20])
        detail = f"The project has {len(best)} networks; say which: {listed}."
        lookup.fault(member.at("networks"), detail, "ambiguous")
    if best:
        return Interface(network_id=best[0].id, external=best[0].external)
    return Interface()


def public(
    member: RequestedServer, plugged: Sequence[Interface] | None, lookup: Lookup
) -> tuple[str | None, cloud.Address | None]:
    """Return where the public address comes from: a network for a new one, or an address that exists."""
    choice, pointer = member.request.public_address, member.at("public_address")
    if choice and plugged is None:
        lookup.fault(pointer, "A server without a network cannot have a public address.")
    if not choice or not plugged:
        # Where all networks of the server are faults, these are enough.
        return None, None
    if isinstance(choice, AddressChoice) and choice.address is not None:
        return None, _existing(choice, pointer, lookup)
    outside = [interface.external for interface in plugged]
    if all(outside) and choice is not True:
        lookup.fault(pointer, "The server is on external networks only: its addresses are public already.")
    if all(outside) or (choice is True and any(outside)):
        return None, None
    source = choice.source if isinstance(choice, AddressChoice) else None
    return _pool(source, pointer, lookup), None


def _pool(source: str | None, pointer: str, lookup: Lookup) -> str | None:
    """Return the id of the external network that a new address comes from."""
    external = [network for network in lookup.facts.networks if network.external]
    if source is not None:
        network = lookup.find(external, source, what="external network", pointer=f"{pointer}/from")
        return network.id if network else None
    best = [network for network in external if network.default] or external
    if not best:
        lookup.fault(pointer, f"Cloud '{lookup.facts.cloud}' has no external network.", "unknown")
        return None
    if len(best) > 1:
        listed = ", ".join(sorted(f"'{network.name}'" for network in best))
        lookup.fault(pointer, f'Say which network it comes from, {{"from": …}}: {listed}.', "ambiguous")
    return best[0].id


def _existing(choice: AddressChoice, pointer: str, lookup: Lookup) -> cloud.Address | None:
    """Return an address that the project has already."""
    at = f"{pointer}/address"
    if choice.source is not None:
        lookup.fault(pointer, "Give either `from` or `address`, not both.")
    matches = [
        address for address in lookup.facts.addresses if choice.address in (address.id, address.address)
    ]
    if not matches:
        lookup.fault(at, f"The project has no address '{choice.address}'.", "unknown")
        return None
    if len(matches) > 1:
        listed = ", ".join(sorted(address.id for address in matches)[:20])
        detail = f"'{choice.address}' fits {len(matches)} addresses; use an id: {listed}."
        lookup.fault(at, detail, "ambiguous")
        return None
    if matches[0].used:
        lookup.fault(at, f"Address {matches[0].address} is in use.", "in_use")
    lookup.claim("address", matches[0].id, pointer=at)
    return matches[0]
