"""The public address of a server: whether it needs one, where it comes from, and which interface it leads to."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from enamel.clouds.capability import Capability
from enamel.commands import public_route
from enamel.commands.launch import interface as interfaces
from enamel.commands.launch.interface import Interface
from enamel.commands.launch.server_request import RequestedServer
from enamel.commands.lookup import Lookup
from enamel.commands.public_route import Choice, Route, Target
from enamel.model import cloud
from enamel.model.launch import AddressChoice


class PublicAddress(Struct, frozen=True, kw_only=True):
    """The public address that a server is to get: a new floating IP, or one of the project."""

    route: Route
    address: cloud.Address | None = None
    """None for a new one, from the source of the route."""


def choose(
    member: RequestedServer, plugged: Sequence[Interface] | None, lookup: Lookup
) -> PublicAddress | None:
    """Return the public address of a server; None if it asks for none, or has one without it."""
    choice, pointer = member.request.public_address, member.at("public_address")
    if choice and plugged is None:
        lookup.fault(pointer, "A server without a network cannot have a public address.")
    if not choice or not plugged:
        # Where all networks of the server are faults, these are enough.
        return None
    targets = [_target(interface) for interface in plugged]
    public = [lookup.topology.is_public(target) for target in targets]
    if isinstance(choice, AddressChoice) and choice.address is not None:
        return _existing(choice, targets, pointer, lookup)
    if choice is True and (any(public) or any(target.taken for target in targets)):
        return None
    if all(public):
        lookup.fault(pointer, "The server is on networks with public addresses only: it has one already.")
        return None
    source = None
    if isinstance(choice, AddressChoice) and choice.source is not None:
        source = lookup.find(
            lookup.topology.sources, choice.source, what="external network", pointer=f"{pointer}/from"
        )
        if source is None:
            return None
    if not _translates(pointer, lookup):
        return None
    route = _route(public_route.choose(lookup.topology, targets, source=source), pointer, lookup)
    return PublicAddress(route=route) if route else None


def narrowed(
    plugged: Sequence[Interface] | None, public: PublicAddress | None
) -> tuple[Interface, ...] | None:
    """Return the interfaces of a server, with the subnet on which its public address can lead to one of them."""
    if plugged is None or public is None or public.route.subnet_id is None:
        return None if plugged is None else tuple(plugged)
    number = public.route.target
    chosen = msgspec.structs.replace(plugged[number], subnet_id=public.route.subnet_id)
    return (*plugged[:number], chosen, *plugged[number + 1 :])


def _target(interface: Interface) -> Target:
    """Return what is known of an interface."""
    return Target(
        network_id=interface.network_id,
        subnet_id=interface.subnet_id,
        addresses=(interface.fixed_address,) if interface.fixed_address else interface.addresses,
        taken=interface.floating_ips,
    )


def _translates(pointer: str, lookup: Lookup) -> bool:
    """Tell whether the cloud has floating IPs; it is a fault if it has none."""
    facts = lookup.facts
    if Capability.FLOATING_IP in facts.capabilities and lookup.topology.sources:
        return True
    if Capability.NETWORK not in facts.capabilities:
        detail = f"Cloud '{facts.cloud}' has no network service in its catalogue."
        lookup.fault(pointer, detail, "capability_missing")
        return False
    lacking, code = "floating IPs", "capability_missing"
    if not lookup.topology.sources:
        lacking, code = "external network with IPv4 addresses", "unknown"
    detail = f"Cloud '{facts.cloud}' has no {lacking}, and the server is on no network with public addresses."
    lookup.fault(pointer, detail, code)
    return False


def _route(choice: Choice, pointer: str, lookup: Lookup) -> Route | None:
    """Return the best route; none, or several sources to choose from, are a fault."""
    if choice.routes:
        return choice.routes[0]
    if choice.sources:
        listed = ", ".join(sorted(f"'{network.name}'" for network in choice.sources))
        lookup.fault(pointer, f'Say which network it comes from, {{"from": …}}: {listed}.', "ambiguous")
        return None
    detail = (
        f"No public address can lead to the server: {choice.reason}. Name a network that a router connects to an "
        f"external one, or leave `public_address` out."
    )
    lookup.fault(pointer, detail, "not_routed")
    return None


def _existing(
    choice: AddressChoice, targets: Sequence[Target], pointer: str, lookup: Lookup
) -> PublicAddress | None:
    """Return an address that the project has already, with its route; a port is an interface of its own."""
    address = find(choice, pointer, lookup)
    if address is None or address.kind is cloud.AddressKind.PORT:
        return None
    if not _translates(pointer, lookup):
        return None
    source = lookup.topology.networks.get(address.network_id)
    if source is None:
        source = cloud.Network(id=address.network_id, name=address.network_id, project_id="", external=True)
    found = public_route.choose(lookup.topology, targets, source=source)
    route = _route(found, f"{pointer}/address", lookup)
    return PublicAddress(route=route, address=address) if route else None


def find(choice: AddressChoice, pointer: str, lookup: Lookup) -> cloud.Address | None:
    """Return the address that a server names; none, several, or one in use are a fault."""
    at, name = f"{pointer}/address", choice.address or ""
    if choice.source is not None:
        lookup.fault(pointer, "Give either `from` or `address`, not both.")
    matches = [address for address in lookup.facts.addresses if interfaces.is_called(address, name)]
    if not matches:
        lookup.fault(at, f"The project has no address '{name}'.", "unknown")
        return None
    if len(matches) > 1:
        listed = ", ".join(sorted(address.id for address in matches)[:20])
        detail = f"'{name}' fits {len(matches)} addresses; use an id: {listed}."
        lookup.fault(at, detail, "ambiguous")
        return None
    if matches[0].used:
        lookup.fault(at, f"Address {matches[0].address} is in use.", "in_use")
    lookup.claim("address", matches[0].id, pointer=at)
    return matches[0]
