"""Networks and subnets that a project may see, and its limits of what belongs to networks."""

from collections.abc import Collection, Sequence
from datetime import datetime
from ipaddress import ip_network

from msgspec import UNSET, Struct, UnsetType, field

from enamel.clouds.calls import decoder
from enamel.clouds.methods import network as methods
from enamel.clouds.openstack import service
from enamel.clouds.openstack.compute import server_json
from enamel.clouds.openstack.network import mark as marks
from enamel.clouds.openstack.network import network_roles
from enamel.model import cloud
from enamel.model.errors import CapabilityMissing, Gone

SERVICE = "network"
NETWORKS = "networks"
"""What the list of networks is kept under."""
ROUTERS = "routers"
"""What the list of routers is kept under."""
SUBNETS = "subnets"
"""What the list of subnets is kept under."""
_FIELDS = (
    "id", "name", "project_id", "tenant_id", "router:external", "shared", "is_default", "subnets", "admin_state_up",
    "description", "created_at", "port_security_enabled", "ipv4_address_scope",
)  # fmt: skip


class _Network(Struct):
    id: service.Id
    name: str = ""
    project_id: str = ""
    tenant_id: str = ""
    external: bool = field(name="router:external", default=False)
    shared: bool = False
    is_default: bool | None = None
    subnets: list[str] = []
    up: bool = field(name="admin_state_up", default=True)
    port_security: bool | None = field(name="port_security_enabled", default=True)
    """Not shown by clouds without that extension, whose ports all have security groups."""
    address_scope: str | None = field(name="ipv4_address_scope", default=None)
    description: str | UnsetType | None = UNSET
    created_at: datetime | None = None

    def neutral(self) -> cloud.Network:
        name, mark = marks.read(self.name, self.description or "")
        return cloud.Network(
            id=self.id,
            name=name,
            project_id=self.project_id or self.tenant_id,
            external=self.external,
            shared=self.shared,
            default=bool(self.is_default),
            subnets=tuple(self.subnets),
            up=self.up,
            port_security=self.port_security is not False,
            address_scope=self.address_scope or "",
            mark=mark,
            created=server_json.aware(self.created_at),
        )


class _Networks(service.Page):
    networks: list[_Network]
    networks_links: list[service.Link] = field(default_factory=list)


class NetworkBody(Struct):
    """A network by itself."""

    network: _Network


class Subnet(Struct):
    """A subnet as Neutron shows it."""

    id: service.Id
    network_id: service.Id
    cidr: decoder.Range
    name: str = ""

    def neutral(self) -> cloud.Subnet:
        """Return it in Enamel's words."""
        # Some show the address of the gateway with the length of the prefix.
        addresses = ip_network(self.cidr, strict=False)
        return cloud.Subnet(
            id=self.id,
            name=self.name,
            network_id=self.network_id,
            cidr=str(addresses),
            ip_version=addresses.version,
        )


class _Subnets(service.Page):
    subnets: list[Subnet]
    subnets_links: list[service.Link] = field(default_factory=list)


class _Topology(Struct):
    id: service.Id


class _TopologyBody(Struct):
    auto_allocated_topology: _Topology


class _Extension(Struct):
    alias: service.Id


class _Extensions(Struct):
    extensions: list[_Extension]


class _Usage(Struct):
    limit: int = -1
    used: int = 0
    reserved: int = 0


class _QuotaDetails(Struct):
    quota: dict[str, _Usage]


class _Quota(Struct):
    quota: dict[str, int | None]


class _Id(Struct):
    id: service.Id


_QUOTAS = {
    "ports": "port",
    "addresses": "floatingip",
    "security_groups": "security_group",
    "networks": "network",
}
_COLLECTIONS = {
    "port": "ports",
    "floatingip": "floatingips",
    "security_group": "security-groups",
    "network": "networks",
}


class Offer(Struct, frozen=True, kw_only=True):
    """What one question for the networks tells."""

    networks: list[cloud.Network]
    described: bool
    """Whether resources have descriptions there."""


class Networks(marks.Marks, methods.Networks):
    """The networks of a project."""

    roles: network_roles.NetworkRoles
    """What clouds.yaml says of networks."""

    async def networks(self) -> Sequence[cloud.Network]:
        """Return the networks that the project may see, with the roles that clouds.yaml gives them."""
        offer = await self.kept.get(NETWORKS, self._networks, keep=service.OFTEN_CHANGED, answer=Offer)
        self._described = self._described and offer.described
        return [self.roles.on(network) for network in offer.networks]

    async def networks_named(self, names: Collection[str]) -> Sequence[cloud.Network]:
        """Return the networks, and those that have one of the ids and that the list does not show."""
        return await self._with(await self.networks(), names, self._network)

    async def _network(self, id: str) -> cloud.Network:
        """Return one network. Raises Gone."""
        reply = await self._get(SERVICE, f"/networks/{service.checked(id)}", answer=NetworkBody)
        return reply.network.neutral()

    async def subnets(self) -> Sequence[cloud.Subnet]:
        """Return the subnets that the project may see."""
        return await self.kept.get(
            SUBNETS, self._subnets, keep=service.OFTEN_CHANGED, answer=list[cloud.Subnet]
        )

    async def auto_network(self) -> str:
        """Return the id of the project's auto-allocated network; the cloud makes it on first use."""
        project = (await self.keystone.access()).identity.project_id
        try:
            reply = await self._get(SERVICE, f"/auto-allocated-topology/{project}", answer=_TopologyBody)
        except Gone as exc:
            raise CapabilityMissing(
                f"Cloud {self.name} cannot make a network by itself: {exc.detail}",
                cloud=self.name,
                remedy="Name a network, or make one with a router to the external network.",
            ) from exc
        await self.kept.forget(NETWORKS, SUBNETS, ROUTERS)
        return reply.auto_allocated_topology.id

    async def offers_auto_network(self) -> bool:
        """Tell whether the cloud makes a network by itself for a project that has none."""
        return "auto-allocated-topology" in await self.kept.get(
            "extensions", self._extensions, keep=service.CATALOGUE, answer=frozenset[str]
        )

    async def _networks(self) -> Offer:
        params = tuple(("fields", name) for name in _FIELDS)
        entries, _ = await self._pages(SERVICE, "/networks", answer=_Networks, params=params)
        described = entries[0].description is not UNSET if entries else self._described
        return Offer(networks=[network.neutral() for network in entries], described=described)

    async def _subnets(self) -> list[cloud.Subnet]:
        entries, _ = await self._pages(SERVICE, "/subnets", answer=_Subnets)
        return [entry.neutral() for entry in entries]

    async def _extensions(self) -> frozenset[str]:
        reply = await self._get(SERVICE, "/extensions", answer=_Extensions)
        return frozenset(extension.alias for extension in reply.extensions)

    async def _network_limits(self, kinds: set[str]) -> dict[str, cloud.Limit]:
        """Return the limits of ports, addresses, security_groups and networks."""
        project = (await self.keystone.access()).identity.project_id
        try:
            details = await self._get(SERVICE, f"/quotas/{project}/details", answer=_QuotaDetails)
        except Gone:
            return await self._counted_limits(kinds, project=project)
        unknown = _Usage()
        usages = {kind: details.quota.get(name, unknown) for kind, name in _QUOTAS.items()}
        return {
            kind: cloud.Limit(limit=usage.limit, used=usage.used + usage.reserved)
            for kind, usage in usages.items()
        }

    async def _counted_limits(self, kinds: set[str], *, project: str) -> dict[str, cloud.Limit]:
        """Return the limits where the cloud tells no usage: what there is has to be counted."""
        quota = (await self._get(SERVICE, f"/quotas/{project}", answer=_Quota)).quota
        limits: dict[str, cloud.Limit] = {}
        for kind in kinds & _QUOTAS.keys():
            name = _QUOTAS[kind]
            params = (("fields", "id"), ("project_id", project))
            page = service.page_of(_COLLECTIONS[name].replace("-", "_"), _Id)
            entries, _ = await self._pages(SERVICE, f"/{_COLLECTIONS[name]}", answer=page, params=params)
            limit = quota.get(name)
            limits[kind] = cloud.Limit(limit=-1 if limit is None else limit, used=len(entries))
        return limits
