"""Networks: what there is to plug servers into, and how a project without one gets its own."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from ipaddress import IPv4Network, ip_network
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from enamel.clouds.methods import network as methods
from enamel.clouds.openstack import service
from enamel.clouds.openstack.compute import server_json
from enamel.clouds.openstack.network import mark as marks
from enamel.model import cloud
from enamel.model.errors import CapabilityMissing, CloudConflict, CloudRefused, EnamelError, Gone

SERVICE = "network"
NETWORKS = "networks"
"""What the list of networks is kept under."""
_FIELDS = (
    "id", "name", "project_id", "tenant_id", "router:external", "shared", "is_default", "subnets", "admin_state_up",
    "description", "created_at",
)  # fmt: skip


UNFINISHED = "-unfinished"
"""What stands at the end of a network's name as long as it has no way out."""


class _Network(Struct):
    id: str
    name: str = ""
    project_id: str = ""
    tenant_id: str = ""
    external: bool = field(name="router:external", default=False)
    shared: bool = False
    is_default: bool | None = None
    subnets: list[str] = []
    up: bool = field(name="admin_state_up", default=True)
    description: str | UnsetType | None = UNSET
    created_at: datetime | None = None

    def told(self) -> cloud.Network:
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
            mark=mark,
            created=server_json.aware(self.created_at),
        )


class _Networks(service.Page):
    networks: list[_Network]
    networks_links: list[service.Link] = field(default_factory=list)


class _NetworkBody(Struct):
    network: _Network


class _Subnet(Struct):
    id: str
    network_id: str
    cidr: str
    name: str = ""
    ip_version: int = 4


class _Subnets(service.Page):
    subnets: list[_Subnet]
    subnets_links: list[service.Link] = field(default_factory=list)


class _SubnetBody(Struct):
    subnet: _Subnet


class _Described(Struct):
    id: str
    name: str | None = ""
    description: str | None = ""


class _Router(Struct):
    id: str


class _RouterBody(Struct):
    router: _Router


class _Topology(Struct):
    id: str


class _TopologyBody(Struct):
    auto_allocated_topology: _Topology


class _Extension(Struct):
    alias: str


class _Extensions(Struct):
    extensions: list[_Extension]


class _Usage(Struct):
    limit: int = -1
    used: int = 0
    reserved: int = 0


class _QuotaDetails(Struct):
    quota: dict[str, _Usage]


class _Quota(Struct):
    quota: dict[str, int | str | None]


class _Id(Struct):
    id: str


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

    async def networks(self) -> Sequence[cloud.Network]:
        """Return the networks that the project may see."""
        offer = await self.kept.get(NETWORKS, self._networks, keep=service.OFTEN_CHANGED, answer=Offer)
        self._described = self._described and offer.described
        return offer.networks

    async def subnets(self) -> Sequence[cloud.Subnet]:
        """Return the subnets that the project may see."""
        return await self.kept.get(
            "subnets", self._subnets, keep=service.OFTEN_CHANGED, answer=list[cloud.Subnet]
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
        await self.kept.forget(NETWORKS, "subnets")
        return reply.auto_allocated_topology.id

    async def create_network(self, name: str, *, mark: str) -> cloud.Network:
        """Make a network with a subnet and a router to the external network, or nothing.

        It gets its name when all of it is there, so that nobody takes a half-made one for it. What an earlier attempt
        with the same mark has left is taken away first.
        """
        outside = await self._way_out()
        await self._take_down(mark)
        taken = [subnet.cidr for subnet in await self.subnets()]
        try:
            return await self._with_way_out(name, mark=mark, outside=outside, taken=taken)
        except EnamelError as exc:
            try:
                await self._take_down(mark)
            except EnamelError as left:
                exc.data["left"] = f"A half-made network could not be deleted again: {left.detail}"
            raise
        finally:
            await self.kept.forget(NETWORKS, "subnets")

    async def _with_way_out(
        self, name: str, *, mark: str, outside: cloud.Network, taken: list[str]
    ) -> cloud.Network:
        """Make a network and what leads out of it, and give it its name."""
        network = {"name": f"{name}{UNFINISHED}", "description": mark}
        unfinished = (
            await self._post_marked("/networks", _within("network", network), answer=_NetworkBody)
        ).network
        subnet = {
            "name": name,
            "description": mark,
            "network_id": unfinished.id,
            "ip_version": 4,
            "cidr": _free_range(taken),
        }
        inside = (await self._post_marked("/subnets", _within("subnet", subnet), answer=_SubnetBody)).subnet
        gateway = {"name": name, "description": mark, "external_gateway_info": {"network_id": outside.id}}
        router = (await self._post_marked("/routers", _within("router", gateway), answer=_RouterBody)).router
        await self._put(
            SERVICE,
            f"/routers/{router.id}/add_router_interface",
            body={"subnet_id": inside.id},
            answer=dict[str, object],
        )
        rename = {"network": {"name": name}}
        named = (
            await self._put(SERVICE, f"/networks/{unfinished.id}", body=rename, answer=_NetworkBody)
        ).network
        return msgspec.structs.replace(named.told(), subnets=(inside.id,))

    async def unfinished_networks(self) -> Sequence[cloud.Network]:
        """Return the project's networks that were begun and have not got their way out."""
        project = (await self.keystone.access()).identity.project_id
        networks = await self.networks()
        return [
            network
            for network in networks
            if network.project_id == project and network.name.endswith(UNFINISHED)
        ]

    async def remove_unfinished_network(self, id: str) -> None:
        """Delete a half-made network with all that leads out of it. Raises Gone, CloudConflict."""
        network = (
            await self._get(SERVICE, f"/networks/{service.checked(id)}", answer=_NetworkBody)
        ).network.told()
        if not network.name.endswith(UNFINISHED) or not network.mark:
            raise CloudConflict(f"Network '{network.name}' is whole and in use.", cloud=self.name)
        try:
            await self._take_down(network.mark)
        finally:
            await self.kept.forget(NETWORKS, "subnets")

    async def offers_auto_network(self) -> bool:
        """Tell whether the cloud makes a network by itself for a project that has none."""
        return "auto-allocated-topology" in await self.kept.get(
            "extensions", self._extensions, keep=service.CATALOGUE, answer=frozenset[str]
        )

    async def _take_down(self, mark: str) -> None:
        """Delete the networks, subnets and routers with a mark, in the order in which the cloud lets go of them."""
        networks, subnets, routers = await asyncio.gather(
            *(self._marked(collection, mark) for collection in ("networks", "subnets", "routers"))
        )
        for router in routers:
            for subnet in subnets:
                try:
                    await self._put(
                        SERVICE,
                        f"/routers/{router}/remove_router_interface",
                        body={"subnet_id": subnet},
                        answer=dict[str, object],
                    )
                except (Gone, CloudConflict, CloudRefused):
                    pass  # It was never connected, or is not any more.
            await self._delete(SERVICE, f"/routers/{router}")
        for network in networks:
            await self._delete(SERVICE, f"/networks/{network}")

    async def _marked(self, collection: str, mark: str) -> list[str]:
        """Return the ids of what has a mark."""
        fields = (("fields", name) for name in ("id", "name", "description"))
        params = (("description", mark), *fields)
        reply = await self._get(SERVICE, f"/{collection}", answer=dict[str, list[_Described]], params=params)
        # A cloud that does not know the filter shows all, and what is found here is deleted.
        return [
            entry.id
            for entry in reply.get(collection, [])
            if marks.read(entry.name or "", entry.description)[1] == mark
        ]

    async def _way_out(self) -> cloud.Network:
        external = [network for network in await self.networks() if network.external and network.up]
        chosen = next((network for network in external if network.default), None)
        if chosen is None and len(external) == 1:
            chosen = external[0]
        if chosen is None:
            listed = ", ".join(f"{network.name} ({network.id})" for network in external) or "none"
            raise CapabilityMissing(
                f"Cloud {self.name} has no single external network to connect a new network to; there are: {listed}.",
                cloud=self.name,
                remedy="Name a network for the server.",
            )
        return chosen

    async def _networks(self) -> Offer:
        params = tuple(("fields", name) for name in _FIELDS)
        entries, _ = await self._pages(SERVICE, "/networks", answer=_Networks, params=params)
        described = entries[0].description is not UNSET if entries else self._described
        return Offer(networks=[network.told() for network in entries], described=described)

    async def _subnets(self) -> list[cloud.Subnet]:
        entries, _ = await self._pages(SERVICE, "/subnets", answer=_Subnets)
        return [
            cloud.Subnet(
                id=entry.id,
                name=entry.name,
                network_id=entry.network_id,
                cidr=entry.cidr,
                ip_version=entry.ip_version,
            )
            for entry in entries
        ]

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
            reply = await self._get(
                SERVICE, f"/{_COLLECTIONS[name]}", answer=dict[str, list[_Id]], params=params
            )
            count = len(reply.get(_COLLECTIONS[name].replace("-", "_"), []))
            limit = quota.get(name)
            limits[kind] = cloud.Limit(limit=-1 if limit is None else int(limit), used=count)
        return limits


def _within(word: str, resource: dict[str, Any]) -> Callable[[bool], dict[str, Any]]:
    """Return what makes the body of a request for a single resource."""
    return lambda described: {word: marks.on(resource, described=described)}


def _free_range(taken: list[str]) -> str:
    """Return a private range of addresses that none of the subnets in sight uses."""
    used = [network for text in taken if isinstance(network := ip_network(text, strict=False), IPv4Network)]
    for third in range(1, 255):
        candidate = IPv4Network(f"10.77.{third}.0/24")
        if not any(candidate.overlaps(other) for other in used):
            return str(candidate)
    raise CloudRefused("No private range of addresses is free for another network.")
