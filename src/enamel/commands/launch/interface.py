"""The interface: where a server is plugged in, and where its public address comes from."""

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
    """Where a server is plugged in: a port that is there, or a network."""

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


def interfaces(member: RequestedServer, look: Lookup) -> tuple[Interface, ...] | None:
    """Return where a server is plugged in; None means no network at all."""
    wanted = member.wish.networks
    if wanted == "none":
        return None
    if wanted is None or isinstance(wanted, str):
        address = own(member, look.facts)
        return (_of_address(address) if address else _auto(member, look),)
    found = []
    for number, one in enumerate(wanted):
        pointer = f"{member.at('networks')}/{number}"
        choice = NetworkChoice(network=one) if isinstance(one, str) else one
        if choice.port is not None:
            interface = _port(choice.port, f"{pointer}/port", look)
        elif choice.network is None:
            interface = None
        else:
            interface = _network(choice, pointer if isinstance(one, str) else f"{pointer}/network", look)
        found += [interface] if interface else []
    return tuple(found)


def with_address(plugged: Sequence[Interface] | None, address: cloud.Address) -> tuple[Interface, ...]:
    """Return where a server is plugged in when an address that is a port has been added."""
    there = tuple(plugged or ())
    added = _of_address(address)
    return there if any(one.port_id == added.port_id for one in there) else (*there, added)


def _of_address(address: cloud.Address) -> Interface:
    return Interface(port_id=address.id, network_id=address.network_id, external=True)


def own(member: RequestedServer, facts: Facts) -> cloud.Address | None:
    """Return the address that a server names, where it is a port: such a server needs nothing else to be reached."""
    wanted = member.wish.public_address
    if not isinstance(wanted, AddressChoice) or wanted.address is None:
        return None
    found = [one for one in facts.addresses if wanted.address in (one.id, one.address)]
    return found[0] if found and found[0].kind is cloud.AddressKind.PORT else None


def _port(wanted: str, pointer: str, look: Lookup) -> Interface | None:
    """Return the interface of a port that is there."""
    port = look.find(look.facts.ports, wanted, what="port", pointer=pointer)
    if port is None:
        return None
    if port.server_id:
        look.fault(pointer, f"Port '{wanted}' is in use by {port.server_id}.", "in_use")
    look.claim("port", port.id, pointer=pointer)
    external = any(one.external for one in look.facts.networks if one.id == port.network_id)
    return Interface(port_id=port.id, network_id=port.network_id, external=external)


def _network(choice: NetworkChoice, pointer: str, look: Lookup) -> Interface | None:
    """Return the interface on a network."""
    network = look.find(look.facts.networks, choice.network or "", what="network", pointer=pointer)
    if network is None:
        return None
    within, subnet_id = pointer.removesuffix("/network"), None
    if choice.subnet is not None:
        inside = [one for one in look.facts.subnets if one.network_id == network.id]
        subnet = look.find(inside, choice.subnet, what="subnet", pointer=f"{within}/subnet")
        subnet_id = subnet.id if subnet else None
    elif not network.subnets:
        look.fault(pointer, f"Network '{network.name}' has no subnet, so a server gets no address there.")
    if choice.fixed_ip is not None:
        _check_inside(choice.fixed_ip, network, subnet_id, f"{within}/fixed_ip", look)
        look.claim("fixed address", f"{network.id} {choice.fixed_ip}", pointer=f"{within}/fixed_ip")
    return Interface(
        network_id=network.id,
        external=network.external,
        subnet_id=subnet_id,
        fixed_address=choice.fixed_ip,
    )


def _check_inside(
    address: str, network: cloud.Network, subnet_id: str | None, pointer: str, look: Lookup
) -> None:
    """Note that a fixed address is in none of the subnets that it can be in."""
    there = [one for one in look.facts.subnets if one.network_id == network.id]
    there = [one for one in there if subnet_id in (None, one.id)]
    if not there or not rule_parser.is_address(address):
        return
    if not any(ipaddress.ip_address(address) in ipaddress.ip_network(one.cidr) for one in there):
        ranges = ", ".join(sorted(one.cidr for one in there))
        look.fault(pointer, f"{address} is not on network '{network.name}', which has {ranges}.")


def _auto(member: RequestedServer, look: Lookup) -> Interface:
    """Return the interface of a server that named no network: the project's only or default one."""
    project = look.facts.identity.project_id
    there = [
        one
        for one in look.facts.networks
        if one.subnets and one.up and ((one.project_id == project and not one.external) or one.shared)
    ]
    best = [one for one in there if one.default] or [one for one in there if one.name == "enamel"] or there
    if len(best) > 1:
        listed = ", ".join(sorted(f"'{one.name}'" for one in best)[:20])
        detail = f"The project has {len(best)} networks; say which: {listed}."
        look.fault(member.at("networks"), detail, "ambiguous")
    if best:
        return Interface(network_id=best[0].id, external=best[0].external)
    return Interface()


def public(
    member: RequestedServer, plugged: Sequence[Interface] | None, look: Lookup
) -> tuple[str | None, cloud.Address | None]:
    """Return where the public address comes from: a network for a new one, or an address that exists."""
    wanted, pointer = member.wish.public_address, member.at("public_address")
    if wanted and plugged is None:
        look.fault(pointer, "A server without a network cannot have a public address.")
    if not wanted or not plugged:
        # Where all networks of the server are faults, these are enough.
        return None, None
    if isinstance(wanted, AddressChoice) and wanted.address is not None:
        return None, _existing(wanted, pointer, look)
    outside = [interface.external for interface in plugged]
    if all(outside) and wanted is not True:
        look.fault(pointer, "The server is on external networks only: its addresses are public already.")
    if all(outside) or (wanted is True and any(outside)):
        return None, None
    source = wanted.source if isinstance(wanted, AddressChoice) else None
    return _pool(source, pointer, look), None


def _pool(source: str | None, pointer: str, look: Lookup) -> str | None:
    """Return the id of the external network that a new address comes from."""
    external = [network for network in look.facts.networks if network.external]
    if source is not None:
        network = look.find(external, source, what="external network", pointer=f"{pointer}/from")
        return network.id if network else None
    best = [network for network in external if network.default] or external
    if not best:
        look.fault(pointer, f"Cloud '{look.facts.cloud}' has no external network.", "unknown")
        return None
    if len(best) > 1:
        listed = ", ".join(sorted(f"'{network.name}'" for network in best))
        look.fault(pointer, f'Say which network it comes from, {{"from": …}}: {listed}.', "ambiguous")
    return best[0].id


def _existing(wanted: AddressChoice, pointer: str, look: Lookup) -> cloud.Address | None:
    """Return an address that the project has already."""
    at = f"{pointer}/address"
    if wanted.source is not None:
        look.fault(pointer, "Give either `from` or `address`, not both.")
    found = [one for one in look.facts.addresses if wanted.address in (one.id, one.address)]
    if not found:
        look.fault(at, f"The project has no address '{wanted.address}'.", "unknown")
        return None
    if len(found) > 1:
        listed = ", ".join(sorted(one.id for one in found)[:20])
        detail = f"'{wanted.address}' fits {len(found)} addresses; use an id: {listed}."
        look.fault(at, detail, "ambiguous")
        return None
    if found[0].used:
        look.fault(at, f"Address {found[0].address} is in use.", "in_use")
    look.claim("address", found[0].id, pointer=at)
    return found[0]
