"""Networks, ports, public addresses and security groups."""

from collections.abc import Collection, Sequence
from typing import Protocol

from enamel.clouds.capability import Capability
from enamel.clouds.methods.base import Methods, Unwatched, Watch
from enamel.model import cloud


class Networks(Methods, Protocol):
    """Networks. Capabilities NETWORK; ROUTERS; NETWORK_CREATION; AUTO_NETWORK."""

    async def networks(self) -> Sequence[cloud.Network]:
        """Return the networks that the project may see; cached."""
        raise self.missing("networks")

    async def networks_named(self, names: Collection[str]) -> Sequence[cloud.Network]:
        """Return the networks, and those that have one of the ids and that the list does not show."""
        return await self.networks()

    async def subnets(self) -> Sequence[cloud.Subnet]:
        """Return the ranges of addresses on them; cached."""
        raise self.missing("subnets")

    async def routers(self) -> Sequence[cloud.Router]:
        """Return the routers that the project may see, and those that are connected to its networks; cached.

        Raises:
            CapabilityMissing: The cloud has no routers, and so no floating IPs either.
        """
        raise self.missing("routers")

    async def create_network(self, name: str, *, mark: str) -> cloud.Network:
        """Make a network with a subnet and a router to the external network: the project's own way out."""
        raise self.missing("create_network")

    async def unfinished_networks(self) -> Sequence[cloud.Network]:
        """Return the project's networks whose making was begun and not finished."""
        raise self.missing("unfinished_networks")

    async def remove_unfinished_network(self, id: str) -> None:
        """Delete a half-made network with all that leads out of it.

        Raises Gone, and CloudConflict where it is whole meanwhile.
        """
        raise self.missing("remove_unfinished_network")

    async def auto_network(self) -> str:
        """Return the id of the project's auto-allocated network; the cloud makes it on first use."""
        raise self.missing("auto_network")


class Ports(Methods, Protocol):
    """Servers' ends of networks. Capabilities NETWORK; PORTS where they are made; ATTACH_PORTS."""

    ports: Watch[tuple[cloud.Port, ...]] = Unwatched(Capability.NETWORK)
    """The watcher of servers' ports, by the server's id; one list asks for all the servers that are waited for."""

    async def port(self, id: str) -> cloud.Port:
        """Return one port. Raises Gone."""
        raise self.missing("port")

    async def ports_of(self, servers: Collection[str]) -> Sequence[cloud.Port]:
        """Return the ports of servers, in one request for many."""
        raise self.missing("ports_of")

    async def ports_named(self, names: Collection[str]) -> Sequence[cloud.Port]:
        """Return the project's ports that have one of the names or ids."""
        return [port for port in await self.ports_list() if port.id in names or port.name in names]

    async def ports_list(self) -> Sequence[cloud.Port]:
        """Return all of the project's ports."""
        raise self.missing("ports_list")

    async def ports_marked(self, mark: str) -> Sequence[cloud.Port]:
        """Return the ports that carry a mark."""
        raise self.missing("ports_marked")

    async def create_ports(self, wants: Sequence[cloud.PortSpec]) -> Sequence[cloud.Port]:
        """Make ports in one bulk request, all or none; they come back in the order of the specs."""
        raise self.missing("create_ports")

    async def delete_port(self, id: str) -> None:
        """Delete a port. Raises CloudConflict while a server is about to let go of it."""
        raise self.missing("delete_port")

    async def attach_port(self, server_id: str, *, port_id: str) -> None:
        """Attach a port to a server; the cloud answers when that is done."""
        raise self.missing("attach_port")

    async def detach_port(self, server_id: str, *, port_id: str) -> None:
        """Detach a port from a server; one that is not attached is not a fault."""
        raise self.missing("detach_port")


class Addresses(Methods, Protocol):
    """Addresses that outlive servers and are translated to theirs. Capability FLOATING_IP."""

    async def addresses_of(self, ports: Collection[str]) -> Sequence[cloud.Address]:
        """Return the addresses that lead to ports, in one request for many."""
        raise self.missing("addresses_of")

    async def addresses_marked(self, mark: str, *, port_id: str | None = None) -> Sequence[cloud.Address]:
        """Return the addresses that carry a mark.

        Args:
            mark: The mark.
            port_id: The port that the address was to lead to: on clouds whose addresses carry no marks, the one that
                leads there is it.
        """
        raise self.missing("addresses_marked")

    async def addresses_list(self) -> Sequence[cloud.Address]:
        """Return all of the project's addresses."""
        raise self.missing("addresses_list")

    async def address(self, id: str) -> cloud.Address:
        """Return one address. Raises Gone."""
        raise self.missing("address")

    async def create_address(
        self, *, network_id: str, mark: str, port_id: str | None = None, fixed_address: str | None = None
    ) -> cloud.Address:
        """Allocate an address, on a port where one is named."""
        raise self.missing("create_address")

    async def move_address(
        self, id: str, *, port_id: str | None, fixed_address: str | None = None
    ) -> cloud.Address:
        """Attach an address to a port, to one of its addresses where that is named, or detach it with None."""
        raise self.missing("move_address")

    async def delete_address(self, id: str) -> None:
        """Release an address."""
        raise self.missing("delete_address")


class SecurityGroups(Methods, Protocol):
    """Sets of rules for what may reach a server. Capability SECURITY_GROUPS."""

    async def security_groups(self) -> Sequence[cloud.SecurityGroup]:
        """Return the project's security groups."""
        raise self.missing("security_groups")

    async def security_groups_named(self, names: Collection[str]) -> Sequence[cloud.SecurityGroup]:
        """Return the security groups, and those that have one of the ids and that the list does not show."""
        return await self.security_groups()

    async def security_groups_marked(self, mark: str) -> Sequence[cloud.SecurityGroup]:
        """Return the security groups that carry a mark."""
        raise self.missing("security_groups_marked")

    async def groups_letting_in(self, group_id: str) -> Sequence[str]:
        """Return the ids of other security groups whose rules name this one."""
        raise self.missing("groups_letting_in")

    async def create_security_group(self, name: str, *, mark: str) -> cloud.SecurityGroup:
        """Make a security group."""
        raise self.missing("create_security_group")

    async def add_rules(self, group_id: str, rules: Sequence[cloud.Rule]) -> None:
        """Add rules to a security group, in one request; existing rules are not a fault."""
        raise self.missing("add_rules")

    async def delete_security_group(self, id: str) -> None:
        """Delete a security group. Raises CloudConflict while something uses it."""
        raise self.missing("delete_security_group")
