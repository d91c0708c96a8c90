"""Networks that are made: one with a subnet and a router for a project that has none, and the removal of half-made ones."""

import asyncio
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, ip_network
from typing import Any

import msgspec
from msgspec import Struct

from enamel.clouds.openstack import service, transport
from enamel.clouds.openstack.network import mark as marks
from enamel.clouds.openstack.network import network as existing
from enamel.model import cloud
from enamel.model.errors import CapabilityMissing, CloudConflict, CloudRefused, EnamelError, Gone

SERVICE = "network"

UNFINISHED = "-unfinished"
"""What stands at the end of a network's name as long as it has no way out."""


class _Described(Struct):
    id: service.Id
    name: str | None = ""
    description: str | None = ""


class _Created(Struct):
    id: service.Id


class _SubnetBody(Struct):
    subnet: _Created


class _RouterBody(Struct):
    router: _Created


class NetworkCreation(existing.Networks):
    """The networks that a project is given."""

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
            await self.kept.forget(existing.NETWORKS, existing.SUBNETS, existing.ROUTERS)

    async def _with_way_out(
        self, name: str, *, mark: str, outside: cloud.Network, taken: list[str]
    ) -> cloud.Network:
        """Make a network and what leads out of it, and give it its name."""
        network = {"name": f"{name}{UNFINISHED}", "description": mark}
        unfinished = (
            await self._post_marked("/networks", _within("network", network), answer=existing.NetworkBody)
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
            answer=transport.Nothing,
        )
        rename = {"network": {"name": name}}
        named = (
            await self._put(SERVICE, f"/networks/{unfinished.id}", body=rename, answer=existing.NetworkBody)
        ).network
        return msgspec.structs.replace(named.neutral(), subnets=(inside.id,))

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
            await self._get(SERVICE, f"/networks/{service.checked(id)}", answer=existing.NetworkBody)
        ).network.neutral()
        if not network.name.endswith(UNFINISHED) or not network.mark:
            raise CloudConflict(f"Network '{network.name}' is whole and in use.", cloud=self.name)
        try:
            await self._take_down(network.mark)
        finally:
            await self.kept.forget(existing.NETWORKS, existing.SUBNETS, existing.ROUTERS)

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
                        answer=transport.Nothing,
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
        page = service.page_of(collection, _Described)
        entries, _ = await self._pages(SERVICE, f"/{collection}", answer=page, params=params)
        # A cloud that does not know the filter shows all, and what is found here is deleted.
        return [entry.id for entry in entries if marks.read(entry.name or "", entry.description)[1] == mark]

    async def _way_out(self) -> cloud.Network:
        external = [network for network in await self.networks() if network.external and network.up]
        # clouds.yaml overrides the default of the cloud.
        ranked = sorted(external, key=lambda network: (not network.nat_source, not network.default))
        chosen = next((network for network in ranked if network.nat_source or network.default), None)
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


def _within(word: str, resource: dict[str, Any]) -> Callable[[bool], dict[str, Any]]:
    """Return what makes the body of a request for a single resource."""
    return lambda described: {word: marks.on(resource, described=described)}


def _free_range(taken: list[str]) -> str:
    """Return a private range of addresses that none of the subnets in sight uses."""
    used = [network for text in taken if isinstance(network := ip_network(text), IPv4Network)]
    for third in range(1, 255):
        candidate = IPv4Network(f"10.77.{third}.0/24")
        if not any(candidate.overlaps(other) for other in used):
            return str(candidate)
    raise CloudRefused("No private range of addresses is free for another network.")
