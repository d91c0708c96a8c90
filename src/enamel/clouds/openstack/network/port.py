"""Ports, the servers' ends of networks, and the public addresses that lead to them."""

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType, field

from enamel.clouds.openstack import service
from enamel.clouds.openstack.compute import server_json
from enamel.clouds.openstack.network import mark as marks
from enamel.model import cloud, ids
from enamel.model.errors import CloudConflict, CloudForbidden, OutcomeUnknown

SERVICE = "network"
AT_ONCE = 100
"""How many ids fit into one query without being longer than proxies take."""
_FIELDS = (
    "id", "network_id", "name", "description", "device_id", "device_owner", "fixed_ips", "mac_address",
    "security_groups", "project_id", "created_at", "updated_at",
)  # fmt: skip


class _FixedAddress(Struct):
    ip_address: str
    subnet_id: str = ""


class _Port(Struct):
    id: str
    network_id: str
    name: str | None = ""
    description: str | None = ""
    device_id: str = ""
    device_owner: str = ""
    fixed_ips: list[_FixedAddress] = []
    mac_address: str = ""
    security_groups: list[str] = []
    project_id: str = ""
    tenant_id: str = ""
    """What clouds before 2016 call the project."""
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def told(self) -> cloud.Port:
        name, mark = marks.read(self.name or "", self.description)
        return cloud.Port(
            id=self.id,
            network_id=self.network_id,
            name=name,
            mark=mark,
            server_id=self.device_id,
            addresses=tuple(one.ip_address for one in self.fixed_ips),
            mac=self.mac_address,
            security_groups=tuple(self.security_groups),
            owner=self.device_owner,
            created=server_json.aware(self.created_at),
            updated=server_json.aware(self.updated_at),
        )


class _Ports(service.Page):
    ports: list[_Port]
    ports_links: list[service.Link] = field(default_factory=list)


class _PortBody(Struct):
    port: _Port


class _Address(Struct):
    id: str
    floating_ip_address: str
    floating_network_id: str
    port_id: str | None = None
    fixed_ip_address: str | None = None
    description: str | UnsetType | None = UNSET
    """Not told by clouds before 2016."""
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def told(self) -> cloud.Address:
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


class Ports(marks.Marks):
    """The ports and public addresses of a project."""

    async def port(self, id: str) -> cloud.Port:
        """Return one port."""
        return (await self._get(SERVICE, f"/ports/{id}", answer=_PortBody)).port.told()

    async def ports_of(self, servers: Collection[str]) -> Sequence[cloud.Port]:
        """Return the ports of servers, in one request for many."""
        return [port.told() for port in await self._by_ids("/ports", "device_id", servers, answer=_Ports)]

    async def ports_named(self, wanted: Collection[str]) -> Sequence[cloud.Port]:
        """Return the project's ports that have one of the names or ids."""
        project = (await self.keystone.access()).identity.project_id
        by_id, by_name = await asyncio.gather(
            self._by_ids("/ports", "id", [one for one in wanted if ids.is_id(one)], answer=_Ports),
            self._by_ids("/ports", "name", wanted, answer=_Ports),
        )
        found = {port.id: port for port in (*by_id, *by_name)}
        # An operator would be shown those of all projects.
        return [port.told() for port in found.values() if (port.project_id or port.tenant_id) == project]

    async def ports_list(self) -> Sequence[cloud.Port]:
        """Return all of the project's ports."""
        # An operator would be shown those of all projects.
        project = (await self.keystone.access()).identity.project_id
        params = (("project_id", project), *(("fields", name) for name in _FIELDS))
        found, _ = await self._pages(SERVICE, "/ports", answer=_Ports, params=params)
        return [port.told() for port in found]

    async def ports_marked(self, mark: str) -> Sequence[cloud.Port]:
        """Return the ports that carry the mark."""
        # A cloud that does not know the filter shows all.
        found, _ = await self._pages(SERVICE, "/ports", answer=_Ports, params=(("description", mark),))
        return [told for port in found if (told := port.told()).mark == mark]

    async def create_ports(self, wants: Sequence[cloud.PortSpec]) -> Sequence[cloud.Port]:
        """Make ports in one bulk request, all or none; they come back in the order of the wants."""
        if not wants:
            return []
        wanted = [_port_body(want) for want in wants]
        answer = await self._post_marked(
            "/ports",
            lambda described: {"ports": [marks.on(one, described=described) for one in wanted]},
            answer=_Ports,
        )
        made = [port.told() for port in answer.ports]
        # Neutron keeps the order today, and promises nothing.
        by_key: dict[tuple[str, str, str], deque[cloud.Port]] = {}
        for port in made:
            by_key.setdefault((port.network_id, port.name, port.mark), deque()).append(port)
        try:
            return [by_key[want.network_id, want.name, want.mark].popleft() for want in wants]
        except (KeyError, IndexError) as exc:
            raise OutcomeUnknown(
                f"{len(wants)} ports were asked for, but the answer shows {len(made)} others.",
                cloud=self.name,
            ) from exc

    async def delete_port(self, id: str) -> None:
        """Delete a port.

        Raises:
            CloudConflict: A server is about to let go of it.
        """
        try:
            await self._delete(SERVICE, f"/ports/{id}")
        except CloudForbidden as error:
            # So Neutron calls it, too, when Nova takes the port's binding away in the same moment.
            if await self._is_ours(id):
                raise CloudConflict(error.detail, cloud=error.cloud, request_ids=error.request_ids) from error
            raise

    async def _is_ours(self, id: str) -> bool:
        """Tell whether a port is the project's own."""
        found = await self._get(SERVICE, f"/ports/{id}", answer=_PortBody)
        return found.port.project_id == (await self.keystone.access()).identity.project_id

    async def addresses_of(self, ports: Collection[str]) -> Sequence[cloud.Address]:
        """Return the public addresses that lead to ports, in one request for many."""
        found = await self._by_ids("/floatingips", "port_id", ports, answer=_Addresses)
        return [address.told() for address in found]

    async def addresses_marked(self, mark: str, *, port_id: str | None = None) -> Sequence[cloud.Address]:
        """Return the public addresses whose description is the mark, or that lead to the port where none has one."""
        params = (("description", mark),)
        found, _ = await self._pages(SERVICE, "/floatingips", answer=_Addresses, params=params)
        return [
            address.told()
            for address in found
            if address.description == mark
            or (address.description is UNSET and port_id is not None and address.port_id == port_id)
        ]

    async def addresses_list(self) -> Sequence[cloud.Address]:
        """Return all of the project's public addresses."""
        # An operator would be shown those of all projects.
        project = (await self.keystone.access()).identity.project_id
        params = (("project_id", project),)
        found, _ = await self._pages(SERVICE, "/floatingips", answer=_Addresses, params=params)
        return [address.told() for address in found]

    async def address(self, id: str) -> cloud.Address:
        """Return one public address. Raises Gone."""
        return (await self._get(SERVICE, f"/floatingips/{id}", answer=_AddressBody)).floatingip.told()

    async def create_address(
        self, *, network_id: str, mark: str, port_id: str | None = None, fixed_address: str | None = None
    ) -> cloud.Address:
        """Allocate a public address, on a port where one is named."""
        wanted: dict[str, Any] = {"floating_network_id": network_id, "description": mark}
        if port_id is not None:
            wanted["port_id"] = port_id
        if fixed_address is not None:
            wanted["fixed_ip_address"] = fixed_address
        made = await self._post_marked(
            "/floatingips",
            lambda described: {"floatingip": marks.on(wanted, described=described)},
            answer=_AddressBody,
        )
        return made.floatingip.told()

    async def move_address(
        self, id: str, *, port_id: str | None, fixed_address: str | None = None
    ) -> cloud.Address:
        """Attach an address to a port, to one of its addresses where that is named, or take it off with None."""
        wanted: dict[str, Any] = {"port_id": port_id}
        if fixed_address is not None:
            wanted["fixed_ip_address"] = fixed_address
        body = {"floatingip": wanted}
        return (
            await self._put(SERVICE, f"/floatingips/{id}", body=body, answer=_AddressBody)
        ).floatingip.told()

    async def delete_address(self, id: str) -> None:
        """Release a public address."""
        await self._delete(SERVICE, f"/floatingips/{id}")

    async def _by_ids(
        self, path: str, name: str, ids: Collection[str], *, answer: type[service.P]
    ) -> list[Any]:
        """Return what belongs to ids, asked for as many of them at once as a query holds."""
        wanted = list(dict.fromkeys(ids))
        chunks = [wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE)]
        reads = [
            self._pages(SERVICE, path, answer=answer, params=tuple((name, id) for id in chunk))
            for chunk in chunks
        ]
        return [one for found, _ in await asyncio.gather(*reads) for one in found]


def _port_body(want: cloud.PortSpec) -> dict[str, Any]:
    body: dict[str, Any] = {"network_id": want.network_id, "name": want.name, "description": want.mark}
    fixed = {}
    if want.subnet_id is not None:
        fixed["subnet_id"] = want.subnet_id
    if want.fixed_address is not None:
        fixed["ip_address"] = want.fixed_address
    if fixed:
        body["fixed_ips"] = [fixed]
    if want.security_groups is not None:
        body["security_groups"] = list(want.security_groups)
    return body
