"""Floating IPs: public addresses that lead to ports."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType, field

from enamel.clouds.calls import decoder
from enamel.clouds.methods import network as methods
from enamel.clouds.openstack import service
from enamel.clouds.openstack.compute import server_json
from enamel.clouds.openstack.network import mark as marks
from enamel.model import cloud
from enamel.model.errors import Gone

SERVICE = "network"


class _Address(Struct):
    id: service.Id
    floating_ip_address: decoder.Ip
    floating_network_id: str = ""
    port_id: str | None = None
    fixed_ip_address: str | None = None
    description: str | UnsetType | None = UNSET
    """Not shown by clouds before 2016."""
    project_id: str = ""
    tenant_id: str = ""
    """What clouds before 2016 call the project."""
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def neutral(self) -> cloud.Address:
        return cloud.Address(
            id=self.id,
            address=self.floating_ip_address,
            network_id=self.floating_network_id,
            port_id=self.port_id,
            fixed_address=self.fixed_ip_address,
            mark=self.description or "",
            created=server_json.aware(self.created_at),
            updated=server_json.aware(self.updated_at),
        )


class _Addresses(service.Page):
    floatingips: list[_Address]
    floatingips_links: list[service.Link] = field(default_factory=list)


class _AddressBody(Struct):
    floatingip: _Address


class Addresses(marks.Marks, methods.Addresses):
    """The public addresses of a project."""

    async def addresses_of(self, ports: Collection[str]) -> Sequence[cloud.Address]:
        """Return the public addresses that lead to ports, in one request for many."""
        try:
            entries = await self._by_ids("/floatingips", "port_id", ports, answer=_Addresses)
        except Gone:
            # Clouds without routers have no such list.
            return []
        return [address.neutral() for address in entries]

    async def addresses_marked(self, mark: str, *, port_id: str | None = None) -> Sequence[cloud.Address]:
        """Return the public addresses whose description is the mark, or that lead to the port where none has one."""
        entries = await self._with_mark("/floatingips", mark, answer=_Addresses)
        return [
            address.neutral()
            for address in entries
            if address.description == mark
            or (address.description is UNSET and port_id is not None and address.port_id == port_id)
        ]

    async def addresses_list(self) -> Sequence[cloud.Address]:
        """Return all of the project's public addresses."""
        # An operator would be shown those of all projects.
        project = (await self.keystone.access()).identity.project_id
        params = (("project_id", project),)
        try:
            entries, _ = await self._pages(SERVICE, "/floatingips", answer=_Addresses, params=params)
        except Gone:
            return []
        return [
            address.neutral()
            for address in entries
            if (address.project_id or address.tenant_id) in ("", project)
        ]

    async def address(self, id: str) -> cloud.Address:
        """Return one public address. Raises Gone."""
        return (
            await self._get(SERVICE, f"/floatingips/{service.checked(id)}", answer=_AddressBody)
        ).floatingip.neutral()

    async def create_address(
        self, *, network_id: str, mark: str, port_id: str | None = None, fixed_address: str | None = None
    ) -> cloud.Address:
        """Allocate a public address, on a port where one is named."""
        fields: dict[str, Any] = {"floating_network_id": network_id, "description": mark}
        if port_id is not None:
            fields["port_id"] = port_id
        if fixed_address is not None:
            fields["fixed_ip_address"] = fixed_address
        reply = await self._post_marked(
            "/floatingips",
            lambda described: {"floatingip": marks.on(fields, described=described)},
            answer=_AddressBody,
        )
        return reply.floatingip.neutral()

    async def move_address(
        self, id: str, *, port_id: str | None, fixed_address: str | None = None
    ) -> cloud.Address:
        """Attach an address to a port, to one of its addresses where that is named, or take it off with None."""
        fields: dict[str, Any] = {"port_id": port_id}
        if fixed_address is not None:
            fields["fixed_ip_address"] = fixed_address
        body = {"floatingip": fields}
        return (
            await self._put(SERVICE, f"/floatingips/{service.checked(id)}", body=body, answer=_AddressBody)
        ).floatingip.neutral()

    async def delete_address(self, id: str) -> None:
        """Release a public address."""
        await self._delete(SERVICE, "/floatingips", id)
