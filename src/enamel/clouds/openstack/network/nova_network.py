"""Clouds without Neutron, where Nova is its own network service (before 2.36): addresses and groups in its old words.

They have no ports. What leads to a server is known by the server itself: wherever a port is asked for, its id is the
server's. Networks cannot be chosen either; all servers are on one, and each pool of public addresses is
an external network.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from enamel.clouds.calls import decoder
from enamel.clouds.openstack import service, transport
from enamel.clouds.openstack.compute import server, server_json
from enamel.clouds.openstack.network import address, creation, network, port, router, security_group
from enamel.model import cloud
from enamel.model.errors import (
    CapabilityMissing,
    CloudConflict,
    CloudRefused,
    EnamelError,
    Gone,
    OutcomeUnknown,
)

SERVICE = server.SERVICE
INSIDE = "nova-network"
"""The id and the name of the network that all servers are on."""
_GROUPS = "group names"
_TAKEN = "floating addresses"


class _Pool(Struct):
    name: service.Id


class _Pools(Struct):
    floating_ip_pools: list[_Pool]


class _Address(Struct):
    id: int | service.Id
    ip: decoder.Ip
    pool: str | None = ""
    fixed_ip: str | None = None
    instance_id: str | None = None

    def neutral(self) -> cloud.Address:
        return cloud.Address(
            id=str(self.id),
            address=self.ip,
            network_id=self.pool or "",
            port_id=self.instance_id,
            server_id=self.instance_id or "",
            fixed_address=self.fixed_ip,
        )


class _Addresses(Struct):
    floating_ips: list[_Address]


class _AddressBody(Struct):
    floating_ip: _Address


class _Group(Struct):
    id: int | service.Id
    name: str = ""
    description: str | None = ""
    tenant_id: str = ""

    def neutral(self) -> cloud.SecurityGroup:
        return cloud.SecurityGroup(
            id=str(self.id),
            name=self.name,
            description=self.description or "",
            project_id=self.tenant_id,
        )


class _Groups(Struct):
    security_groups: list[_Group]


class _GroupName(Struct):
    name: service.Id


class _InGroups(Struct):
    id: service.Id
    name: str = ""
    groups: list[_GroupName] | UnsetType = field(name="security_groups", default=UNSET)


class _Grouped(service.Page):
    servers: list[_InGroups]
    servers_links: list[service.Link] = field(default_factory=list)


class _GroupBody(Struct):
    security_group: _Group


class _Absolute(Struct):
    addresses: int = field(name="maxTotalFloatingIps", default=-1)
    addresses_used: int = field(name="totalFloatingIpsUsed", default=0)
    groups: int = field(name="maxSecurityGroups", default=-1)
    groups_used: int = field(name="totalSecurityGroupsUsed", default=0)


class _Limits(Struct):
    absolute: _Absolute = field(default_factory=_Absolute)


class _LimitsBody(Struct):
    limits: _Limits = field(default_factory=_Limits)


class NovaNetwork(
    server.Servers,
    creation.NetworkCreation,
    router.Routers,
    port.Ports,
    address.Addresses,
    security_group.SecurityGroups,
):
    """Networks, addresses and security groups, wherever Nova itself has to be asked for them."""

    async def _of_nova(self) -> bool:
        """Tell whether Nova is this cloud's network service."""
        if await self.keystone.offers("network") or await self._version("2.36") is not None:
            return False
        return "os-floating-ips" in await self._aliases()

    def _lacking(self, what: str) -> CapabilityMissing:
        return CapabilityMissing(
            f"Cloud '{self.name}' has no Neutron, so there is no way to {what}.",
            cloud=self.name,
            remedy="Leave the choice of networks and ports to the cloud.",
        )

    # -- networks

    async def _networks(self) -> network.Offer:
        if not await self._of_nova():
            return await super()._networks()
        reply = await self._get(SERVICE, "/os-floating-ip-pools", answer=_Pools)
        inside = cloud.Network(
            id=INSIDE, name=INSIDE, project_id="", shared=True, default=True, subnets=(INSIDE,)
        )
        outside = [
            cloud.Network(id=pool.name, name=pool.name, project_id="", external=True)
            for pool in reply.floating_ip_pools
        ]
        return network.Offer(networks=[inside, *outside], described=True)

    async def _subnets(self) -> list[cloud.Subnet]:
        return [] if await self._of_nova() else await super()._subnets()

    async def routers(self) -> Sequence[cloud.Router]:
        """Return the routers that the project may see."""
        if await self._of_nova():
            raise self._lacking("see a router")
        return await super().routers()

    async def offers_auto_network(self) -> bool:
        """Tell whether the cloud makes a network by itself for a project that has none."""
        return not await self._of_nova() and await super().offers_auto_network()

    async def create_network(self, name: str, *, mark: str) -> cloud.Network:
        """Make a network with a way out."""
        if await self._of_nova():
            raise self._lacking("make a network")
        return await super().create_network(name, mark=mark)

    async def _network_limits(self, kinds: set[str]) -> dict[str, cloud.Limit]:
        if not await self._of_nova():
            return await super()._network_limits(kinds)
        absolute = (await self._get(SERVICE, "/limits", answer=_LimitsBody)).limits.absolute
        endless = cloud.Limit(limit=-1, used=0)
        return {
            "ports": endless,
            "networks": endless,
            "addresses": cloud.Limit(limit=absolute.addresses, used=absolute.addresses_used),
            "security_groups": cloud.Limit(limit=absolute.groups, used=absolute.groups_used),
        }

    # -- servers

    async def boot(self, want: cloud.ServerSpec) -> Sequence[str]:
        """Boot servers; Nova knows security groups by their names, and gives each server its network."""
        if await self._of_nova():
            names = await self._group_names(want.security_groups)
            want = msgspec.structs.replace(want, networks=None, security_groups=names)
        return await super().boot(want)

    async def _group_names(self, ids: Sequence[str]) -> tuple[str, ...]:
        if not ids:
            return ()
        known: Mapping[str, str] = await self.kept.get(_GROUPS, self._names, keep=service.OFTEN_CHANGED)
        if not {*ids} <= {*known}:
            await self.kept.forget(_GROUPS)
            known = await self.kept.get(_GROUPS, self._names, keep=service.OFTEN_CHANGED)
        return tuple(known.get(id, id) for id in ids)

    async def _names(self) -> dict[str, str]:
        return {group.id: group.name for group in await self.security_groups()}

    async def _public(self, servers: Sequence[server_json.Server]) -> frozenset[str]:
        """Return which of the servers' addresses are public, where the cloud does not say that beside them."""
        untold = any(
            not address.kind
            for entry in servers
            for addresses in entry.addresses.values()
            for address in addresses
        )
        if not untold or not await self._of_nova():
            return frozenset()
        taken: Sequence[str] = await self.kept.get(_TAKEN, self._taken, keep=service.OFTEN_CHANGED)
        return frozenset(taken)

    async def _taken(self) -> list[str]:
        return [address.ip for address in await self._addresses()]

    # -- what leads to servers

    async def port(self, id: str) -> cloud.Port:
        """Return one port."""
        if not await self._of_nova():
            return await super().port(id)
        return _as_port(await self.server(id))

    async def ports_of(self, servers: Collection[str]) -> Sequence[cloud.Port]:
        """Return the ports of servers, in one request for many."""
        if not await self._of_nova():
            return await super().ports_of(servers)
        return [
            _as_port(server)
            for server in await self.servers.all()
            if server.id in servers and server.fixed_addresses
        ]

    async def ports_named(self, names: Collection[str]) -> Sequence[cloud.Port]:
        """Return the project's ports that have one of the names or ids."""
        return [] if await self._of_nova() else await super().ports_named(names)

    async def ports_list(self) -> Sequence[cloud.Port]:
        """Return all of the project's ports: here what leads to its servers, with the groups that they are in."""
        if not await self._of_nova():
            return await super().ports_list()
        groups, (servers, _) = await asyncio.gather(
            self.security_groups(), self._pages(SERVICE, "/servers/detail", answer=_Grouped)
        )
        return [
            cloud.Port(
                id=entry.id,
                network_id=INSIDE,
                name=entry.name,
                server_id=entry.id,
                # Where a server does not tell its groups, it may be in any of them.
                security_groups=tuple(
                    known.id
                    for known in groups
                    if entry.groups is UNSET or known.name in {group.name for group in entry.groups}
                ),
            )
            for entry in servers
        ]

    async def ports_marked(self, mark: str) -> Sequence[cloud.Port]:
        """Return the ports that carry the mark."""
        return [] if await self._of_nova() else await super().ports_marked(mark)

    async def create_ports(self, wants: Sequence[cloud.PortSpec]) -> Sequence[cloud.Port]:
        """Make ports."""
        if wants and await self._of_nova():
            raise self._lacking("make a port")
        return await super().create_ports(wants)

    # -- public addresses

    async def addresses_of(self, ports: Collection[str]) -> Sequence[cloud.Address]:
        """Return the public addresses that lead to servers."""
        if not await self._of_nova():
            return await super().addresses_of(ports)
        return [address.neutral() for address in await self._addresses() if address.instance_id in ports]

    async def address(self, id: str) -> cloud.Address:
        """Return one public address. Raises Gone."""
        if not await self._of_nova():
            return await super().address(id)
        for entry in await self._addresses():
            if str(entry.id) == id:
                return entry.neutral()
        raise Gone(f"There is no address '{id}'.", cloud=self.name)

    async def addresses_marked(self, mark: str, *, port_id: str | None = None) -> Sequence[cloud.Address]:
        """Return the public addresses that lead to the port: here they carry no marks."""
        if not await self._of_nova():
            return await super().addresses_marked(mark, port_id=port_id)
        return await self.addresses_of([port_id]) if port_id is not None else []

    async def addresses_list(self) -> Sequence[cloud.Address]:
        """Return all of the project's public addresses."""
        if not await self._of_nova():
            return await super().addresses_list()
        return [address.neutral() for address in await self._addresses()]

    async def create_address(
        self, *, network_id: str, mark: str, port_id: str | None = None, fixed_address: str | None = None
    ) -> cloud.Address:
        """Take an address of a pool and put it on a server where one is named."""
        if not await self._of_nova():
            return await super().create_address(
                network_id=network_id, mark=mark, port_id=port_id, fixed_address=fixed_address
            )
        address = await self._take(network_id)
        if port_id is None:
            return address.neutral()
        try:
            await self._associate(port_id, address.ip, put=True)
        except EnamelError:
            await self.delete_address(str(address.id))
            raise
        return msgspec.structs.replace(address, instance_id=port_id).neutral()

    async def move_address(
        self, id: str, *, port_id: str | None, fixed_address: str | None = None
    ) -> cloud.Address:
        """Put an address on a server, or take it off with None."""
        if not await self._of_nova():
            return await super().move_address(id, port_id=port_id, fixed_address=fixed_address)
        address = (await self._get(SERVICE, f"/os-floating-ips/{id}", answer=_AddressBody)).floating_ip
        if port_id is not None:
            await self._associate(port_id, address.ip, put=True)
        elif address.instance_id is not None:
            await self._associate(address.instance_id, address.ip, put=False)
        return msgspec.structs.replace(address, instance_id=port_id).neutral()

    async def delete_address(self, id: str) -> None:
        """Give a public address back."""
        if not await self._of_nova():
            await super().delete_address(id)
            return
        await self._delete(SERVICE, f"/os-floating-ips/{id}")
        await self.kept.forget(_TAKEN)

    async def _addresses(self) -> list[_Address]:
        return (await self._get(SERVICE, "/os-floating-ips", answer=_Addresses)).floating_ips

    async def _take(self, pool: str) -> _Address:
        """Take an address, one after the other: one whose answer is lost is the only new one in the list."""
        async with self._taking:
            before = {address.id for address in await self._addresses()}
            try:
                reply = await self._post(
                    SERVICE, "/os-floating-ips", body={"pool": pool}, answer=_AddressBody
                )
            except OutcomeUnknown:
                after = await self._addresses()
                fresh = [
                    address for address in after if address.id not in before and address.instance_id is None
                ]
                if len(fresh) != 1:
                    raise
                reply = _AddressBody(fresh[0])
            finally:
                await self.kept.forget(_TAKEN)
            return reply.floating_ip

    @property
    def _taking(self) -> asyncio.Lock:
        lock: asyncio.Lock = self.__dict__.setdefault("_taking_lock", asyncio.Lock())
        return lock

    async def _associate(self, server_id: str, address: str, *, put: bool) -> None:
        # Putting it where it is already does nothing, so that this can be sent again.
        action = {"addFloatingIp" if put else "removeFloatingIp": {"address": address}}
        await self._act(server_id, action)
        await self.servers.changed()

    # -- security groups

    async def security_groups(self) -> Sequence[cloud.SecurityGroup]:
        """Return the project's security groups."""
        if not await self._of_nova():
            return await super().security_groups()
        groups = await self._by_offset(
            SERVICE, "/os-security-groups", answer=_Groups, entries="security_groups"
        )
        return [entry.neutral() for entry in groups]

    async def security_groups_marked(self, mark: str) -> Sequence[cloud.SecurityGroup]:
        """Return the security groups whose description is the mark."""
        if not await self._of_nova():
            return await super().security_groups_marked(mark)
        return [group for group in await self.security_groups() if group.description == mark]

    async def create_security_group(self, name: str, *, mark: str) -> cloud.SecurityGroup:
        """Make a security group that lets nothing in yet."""
        if not await self._of_nova():
            return await super().create_security_group(name, mark=mark)
        body = {"security_group": {"name": name, "description": mark}}
        reply = await self._post(SERVICE, "/os-security-groups", body=body, answer=_GroupBody)
        return reply.security_group.neutral()

    async def add_rules(self, group_id: str, rules: Sequence[cloud.Rule]) -> None:
        """Add rules, each with a request of its own; existing rules are not a fault."""
        if not await self._of_nova():
            await super().add_rules(group_id, rules)
            return
        bodies = [_rule_body(group_id, rule) for rule in rules]
        # A rule for a group is of no IP version there.
        for index, body in enumerate(bodies):
            if body in bodies[:index]:
                continue
            try:
                await self._post(
                    SERVICE,
                    "/os-security-group-rules",
                    body={"security_group_rule": body},
                    answer=transport.Nothing,
                    repeatable=True,
                )
            except (CloudRefused, CloudConflict) as refusal:
                if "already exists" not in refusal.detail:
                    raise

    async def delete_security_group(self, id: str) -> None:
        """Delete a security group."""
        if not await self._of_nova():
            await super().delete_security_group(id)
            return
        try:
            await self._delete(SERVICE, f"/os-security-groups/{id}")
        except CloudRefused as refusal:
            # It says 400 of a group whose servers are on their way out.
            if "in use" not in refusal.detail:
                raise
            raise CloudConflict(refusal.detail, cloud=self.name, request_ids=refusal.request_ids) from refusal


def _as_port(server_now: cloud.Server) -> cloud.Port:
    """Return what leads to a server."""
    return cloud.Port(
        id=server_now.id,
        network_id=INSIDE,
        name=server_now.name,
        server_id=server_now.id,
        addresses=server_now.fixed_addresses,
    )


def _rule_body(group_id: str, rule: cloud.Rule) -> dict[str, Any]:
    low, high = rule.port_min, rule.port_max
    # Nova knows ICMP by one name, whatever the IP version.
    protocol = "icmp" if rule.protocol == "icmpv6" else rule.protocol
    if protocol == "icmp":
        ports = (-1 if low is None else low, -1 if high is None else high)
    else:
        first = 1 if low is None else low
        ports = (first, high if high is not None else (65535 if low is None else first))
    body: dict[str, Any] = {
        "parent_group_id": _number(group_id),
        "ip_protocol": protocol,
        "from_port": ports[0],
        "to_port": ports[1],
    }
    if rule.group_id is not None:
        body["group_id"] = _number(rule.group_id)
    else:
        body["cidr"] = rule.source or ("::/0" if rule.ip_version == 6 else "0.0.0.0/0")
    return body


def _number(id: str) -> int | str:
    return int(id) if id.isdecimal() else id
