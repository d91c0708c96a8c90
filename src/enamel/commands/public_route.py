"""Public routes: where a server's public address can come from, and which of its addresses it can lead to.

Neutron puts a floating IP of an external network on an IPv4 address whose subnet a router connects to that network, and
refuses any other. Most of that shows beforehand. A project does not see all routers, however: what cannot be disproved
is tried, and only what is disproved is refused.
"""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network

import msgspec
from msgspec import Struct

from enamel.commands.facts import Facts
from enamel.model import cloud, ip, role

_NOT_PUBLIC = tuple(
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3"),
    )
)
"""The ranges whose addresses nobody reaches from elsewhere."""


class Proof(enum.Enum):
    """What is known of a route."""

    PROVEN = 0
    UNKNOWN = 1
    DISPROVED = 2


class Target(Struct, frozen=True, kw_only=True):
    """An interface of a server, existing or not."""

    network_id: str | None = None
    """None for the network that the project is about to get."""
    subnet_id: str | None = None
    """The subnet that its address is to be from, if one was chosen."""
    addresses: tuple[str, ...] | None = None
    """Its fixed addresses; None if it gets them later."""
    taken: frozenset[tuple[str, str]] = frozenset()
    """Those to which a floating IP leads already, each behind the id of the network that it comes from."""


class Route(Struct, frozen=True, kw_only=True):
    """A way from an external network to an interface."""

    target: int
    """Number of the interface."""
    source: str
    """Id of the external network."""
    proof: Proof
    fixed_address: str | None = None
    """Which of the interface's addresses it leads to, where it has several of IPv4."""
    subnet_id: str | None = None
    """The subnet that the interface has to be on, where only some of its network's have the route."""
    preferred: bool = False
    """Whether the interface is on the network that is configured as the destination of floating IPs."""

    @property
    def rank(self) -> tuple[bool, int]:
        """Return how good it is; less is better."""
        return (not self.preferred, self.proof.value)


class Choice(Struct, frozen=True, kw_only=True):
    """The routes for one public address."""

    routes: tuple[Route, ...] = ()
    """Those from the network that the address comes from; the best one first."""
    sources: tuple[cloud.Network, ...] = ()
    """The external networks between which the caller has to choose; empty if there is no choice to be made."""
    reason: str = ""
    """Why there is no route."""


class Topology:
    """The networks, subnets and routers of a cloud, as far as the project may see them."""

    def __init__(self, facts: Facts) -> None:
        """Read the facts."""
        self.networks: Mapping[str, cloud.Network] = {network.id: network for network in facts.networks}
        self._routers = facts.routers
        self._project = facts.identity.project_id
        self._admin = role.is_admin(facts.identity.roles)
        self._subnets: dict[str, list[cloud.Subnet]] = {}
        # Of equals the first one is taken: in whatever order a cloud lists subnets and routers, it is the same.
        for subnet in sorted(facts.subnets, key=lambda subnet: subnet.id):
            self._subnets.setdefault(subnet.network_id, []).append(subnet)
        self._connected: dict[str, list[cloud.Router]] = {}
        for router in facts.routers or ():
            for id in router.subnets:
                self._connected.setdefault(id, []).append(router)

    @property
    def sources(self) -> tuple[cloud.Network, ...]:
        """Return the networks that floating IPs can come from."""
        return tuple(
            network
            for network in self.networks.values()
            if (network.external or network.nat_source) and 4 in self._versions(network)
        )

    def led_to(self) -> frozenset[str]:
        """Return the ids of the external networks that the project's routers lead to."""
        return frozenset(id for router in self._routers or () for id in router.gateways or ())

    def is_public(self, target: Target) -> bool:
        """Tell whether an interface has, or gets, public addresses of its own."""
        network = self.networks.get(target.network_id or "")
        if network is None or target.addresses == ():
            return False
        versions = ip.versions(target.addresses) if target.addresses else self._versions(network, target)
        if network.public_versions is not None:
            # Where there is IPv4, that is what people mean by a public address.
            return (4 if 4 in versions else 6) in network.public_versions
        return network.external or (
            self._is_in_public_range(network, target) and not self._is_translated(network, target)
        )

    def routes(self, number: int, target: Target, source: cloud.Network) -> Iterator[Route]:
        """Yield the routes from an external network to an interface, without those that are disproved."""
        network = self.networks.get(target.network_id or "")
        plain = Route(
            target=number,
            source=source.id,
            proof=Proof.UNKNOWN,
            preferred=network is not None and network.nat_destination,
        )
        if target.addresses is not None:
            yield from self._to_addresses(plain, network, target, source)
        elif network is None:
            yield plain
        else:
            yield from self._to_subnets(plain, network, target, source)

    def _to_addresses(
        self, plain: Route, network: cloud.Network | None, target: Target, source: cloud.Network
    ) -> Iterator[Route]:
        """Yield the routes to an interface whose addresses are known."""
        addresses = _of_version_4(target.addresses or ())
        for address in addresses:
            proof = self._proof(network, self._subnet_of(network, address), source)
            if (source.id, address) not in target.taken and proof is not Proof.DISPROVED:
                named = address if len(addresses) > 1 else None
                yield msgspec.structs.replace(plain, proof=proof, fixed_address=named)

    def _to_subnets(
        self, plain: Route, network: cloud.Network, target: Target, source: cloud.Network
    ) -> Iterator[Route]:
        """Yield the route to an interface that gets its address later, on any of several subnets."""
        subnets, complete = self._candidates(network, target)
        proofs = {subnet.id: self._proof(network, subnet, source) for subnet in subnets}
        if not complete:
            proofs[""] = self._proof(network, None, source)
        possible = [id for id, proof in proofs.items() if proof is not Proof.DISPROVED]
        if possible:
            best = min(possible, key=lambda id: proofs[id].value)
            # If the cloud chose the subnet, it might choose one that is not connected.
            narrowed = any(proof is not proofs[best] for proof in proofs.values())
            yield msgspec.structs.replace(
                plain, proof=proofs[best], subnet_id=(best or None) if narrowed else None
            )

    def why_not(self, target: Target, sources: Sequence[cloud.Network]) -> str:
        """Return why no floating IP can lead to an interface."""
        network = self.networks.get(target.network_id or "")
        name = f"network '{network.name}'" if network else "its network"
        if target.addresses == ():
            return f"the port on {name} has no address"
        if target.addresses is not None and 4 not in ip.versions(target.addresses):
            return f"the port on {name} has no IPv4 address, which floating IPs lead to"
        if target.taken:
            return f"a floating IP leads to the port on {name} already"
        if network is not None and network.external:
            return f"its addresses on {name} are public already"
        if network is not None and target.addresses is None and 4 not in self._versions(network, target):
            return f"{name} has IPv6 addresses only, and floating IPs lead to IPv4 addresses"
        listed = " or ".join(f"'{source.name}'" for source in sources)
        return f"no router connects {name} to {listed}"

    def _versions(self, network: cloud.Network, target: Target | None = None) -> frozenset[int]:
        """Return the IP versions that addresses on a network may have, as far as that is known."""
        known = self._subnets.get(network.id, [])
        chosen = target.subnet_id if target else None
        versions = frozenset(subnet.ip_version for subnet in known if chosen in (None, subnet.id))
        return versions if versions and (chosen or self._is_complete(network)) else frozenset({4, 6})

    def _is_complete(self, network: cloud.Network) -> bool:
        """Tell whether the project sees all subnets of a network."""
        return {*network.subnets} <= {subnet.id for subnet in self._subnets.get(network.id, [])}

    def _candidates(self, network: cloud.Network, target: Target) -> tuple[list[cloud.Subnet], bool]:
        """Return the IPv4 subnets that an address may be from, and whether these are all."""
        known = self._subnets.get(network.id, [])
        if target.subnet_id is not None:
            chosen = [subnet for subnet in known if subnet.id == target.subnet_id]
            return [subnet for subnet in chosen if subnet.ip_version == 4], bool(chosen)
        four = [subnet for subnet in known if subnet.ip_version == 4]
        return four, bool(known) and self._is_complete(network)

    def _subnet_of(self, network: cloud.Network | None, address: str) -> cloud.Subnet | None:
        """Return the subnet that an address is from; None where it is not seen."""
        for subnet in self._subnets.get(network.id, []) if network else ():
            if subnet.ip_version == 4 and ip.contains(subnet.cidr, address):
                return subnet
        return None

    def _proof(
        self, network: cloud.Network | None, subnet: cloud.Subnet | None, source: cloud.Network
    ) -> Proof:
        """Return whether a floating IP of a network can lead to an address of a subnet."""
        routers = self._connected.get(subnet.id, []) if subnet else []
        if any(source.id in (router.gateways or ()) for router in routers):
            return Proof.PROVEN
        if network is None or network.nat_destination:
            return Proof.UNKNOWN
        if network.external:
            return Proof.DISPROVED
        if self._routers is None or subnet is None or any(router.gateways is None for router in routers):
            return Proof.UNKNOWN
        # The owner of a network sees everything that is connected to it; an operator asks for a project's own only.
        owned = network.project_id == self._project and not self._admin
        return Proof.DISPROVED if owned else Proof.UNKNOWN

    def _is_in_public_range(self, network: cloud.Network, target: Target) -> bool:
        if target.addresses is not None:
            return any(_is_public(address) for address in target.addresses)
        subnets, complete = self._candidates(network, target)
        return complete and bool(subnets) and all(_is_public(subnet.cidr) for subnet in subnets)

    def _is_translated(self, network: cloud.Network, target: Target) -> bool:
        """Tell whether a router replaces the addresses of an interface by its own: then they are public in name only."""
        subnets = self._candidates(network, target)[0]
        if target.addresses is not None:
            found = (self._subnet_of(network, address) for address in _of_version_4(target.addresses))
            subnets = [subnet for subnet in found if subnet is not None]
        leaving = [router for subnet in subnets for router in self._connected.get(subnet.id, [])]
        outside = [
            self.networks.get(id) for router in leaving if router.translates for id in router.gateways or ()
        ]
        return any(
            not network.address_scope or other is None or other.address_scope != network.address_scope
            for other in outside
        )


def subnets_of(
    networks: Iterable[cloud.Network], routers: Iterable[cloud.Router]
) -> tuple[cloud.Subnet, ...] | None:
    """Return the subnets as routers show them: each with its router's address for a range.

    None if that is not enough to find routes. It is enough of a network if all its subnets are shown and none has public
    addresses, and of an external network if a subnet of IPv4 is shown.
    """
    subnets: dict[str, dict[str, cloud.Subnet]] = {}
    for end in (end for router in routers for end in router.ends):
        version = ip.version(end.address)
        if version is not None:
            subnets.setdefault(end.network_id, {})[end.subnet_id] = cloud.Subnet(
                id=end.subnet_id, name="", network_id=end.network_id, cidr=end.address, ip_version=version
            )
    for network in networks:
        inside = subnets.get(network.id, {})
        if network.external:
            is_enough = any(subnet.ip_version == 4 for subnet in inside.values())
        else:
            is_enough = {*network.subnets} <= inside.keys() and not any(
                _is_public(subnet.cidr) for subnet in inside.values()
            )
        if not is_enough:
            return None
    return tuple(subnet for inside in subnets.values() for subnet in inside.values())


def floating_ips(port: cloud.Port, facts: Facts) -> frozenset[tuple[str, str]]:
    """Return to which addresses of a port floating IPs lead, each behind the id of the network that it comes from."""
    return frozenset(
        (floating.network_id, address)
        for floating in facts.addresses
        if floating.kind is cloud.AddressKind.FLOATING and floating.port_id == port.id
        for address in port.addresses
        if floating.fixed_address in (None, "", address)
    )


def choose(topology: Topology, targets: Sequence[Target], *, source: cloud.Network | None = None) -> Choice:
    """Return where a floating IP for a server comes from, and which of its interfaces it can lead to.

    Args:
        topology: What is known of the cloud.
        targets: The server's interfaces, in its own order.
        source: The external network that it has to come from; None leaves the choice.
    """
    sources = topology.sources if source is None else (source,)
    routes = {
        network.id: sorted(
            (
                route
                for number, target in enumerate(targets)
                for route in topology.routes(number, target, network)
            ),
            key=lambda route: route.rank,
        )
        for network in sources
    }
    able = [network for network in sources if routes[network.id]]
    if not able:
        return Choice(
            reason="; ".join(dict.fromkeys(topology.why_not(target, sources) for target in targets))
        )
    best = _best(able, routes)
    if len(best) > 1:
        return Choice(sources=tuple(best))
    return Choice(routes=tuple(routes[best[0].id]))


def _best(sources: Sequence[cloud.Network], routes: Mapping[str, Sequence[Route]]) -> Sequence[cloud.Network]:
    """Return the external networks that nothing speaks against: as configured, by a router that is seen, by default."""
    best = sources
    for better in (
        lambda network: network.nat_source,
        lambda network: routes[network.id][0].proof is Proof.PROVEN,
        lambda network: network.default,
    ):
        best = [network for network in best if better(network)] or best
        if len(best) == 1:
            break
    return best


def _is_public(cidr: str) -> bool:
    """Tell whether an IPv4 address, or each of a range, can be reached from elsewhere."""
    range = ip.network(cidr)
    return isinstance(range, IPv4Network) and not any(range.overlaps(other) for other in _NOT_PUBLIC)


def _of_version_4(addresses: Iterable[str]) -> list[str]:
    return [address for address in addresses if ip.version(address) == 4]
