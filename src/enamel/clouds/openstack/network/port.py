"""Ports, the servers' ends of networks."""

import asyncio
from collections import Counter, deque
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct, field

from enamel.clouds.calls import decoder
from enamel.clouds.methods import network as methods
from enamel.clouds.openstack import service
from enamel.clouds.openstack.compute import server_json
from enamel.clouds.openstack.network import mark as marks
from enamel.clouds.watch import snapshot, watcher
from enamel.model import cloud, ids
from enamel.model.cloud import DEFAULT_GROUP
from enamel.model.errors import CloudConflict, CloudForbidden, Gone, OutcomeUnknown

SERVICE = "network"
_FIELDS = (
    "id", "network_id", "name", "description", "device_id", "device_owner", "fixed_ips", "mac_address",
    "security_groups", "project_id", "created_at", "updated_at",
)  # fmt: skip


class _FixedAddress(Struct):
    ip_address: decoder.Ip
    subnet_id: str = ""


class _Port(Struct):
    id: service.Id
    network_id: str = ""
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

    def neutral(self) -> cloud.Port:
        name, mark = marks.read(self.name or "", self.description)
        return cloud.Port(
            id=self.id,
            network_id=self.network_id,
            name=name,
            mark=mark,
            server_id=self.device_id,
            addresses=tuple(address.ip_address for address in self.fixed_ips),
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


class _Group(Struct):
    id: service.Id


class _Groups(service.Page):
    security_groups: list[_Group]
    security_groups_links: list[service.Link] = field(default_factory=list)


class Ports(marks.Marks, methods.Ports):
    """The ports of a project."""

    ports: watcher.Watcher[tuple[cloud.Port, ...]]

    async def port(self, id: str) -> cloud.Port:
        """Return one port."""
        return (await self._get(SERVICE, f"/ports/{service.checked(id)}", answer=_PortBody)).port.neutral()

    async def ports_of(self, servers: Collection[str]) -> Sequence[cloud.Port]:
        """Return the ports of servers, in one request for many."""
        return [port.neutral() for port in await self._by_ids("/ports", "device_id", servers, answer=_Ports)]

    async def ports_named(self, names: Collection[str]) -> Sequence[cloud.Port]:
        """Return the project's ports that have one of the names or ids."""
        project = (await self.keystone.access()).identity.project_id
        by_id, by_name = await asyncio.gather(
            self._by_ids("/ports", "id", [text for text in names if ids.is_id(text)], answer=_Ports),
            self._by_ids("/ports", "name", names, answer=_Ports),
        )
        distinct = {port.id: port for port in (*by_id, *by_name)}
        # An operator would be shown those of all projects.
        return [
            port.neutral() for port in distinct.values() if (port.project_id or port.tenant_id) == project
        ]

    async def ports_list(self) -> Sequence[cloud.Port]:
        """Return all of the project's ports."""
        # An operator would be shown those of all projects.
        project = (await self.keystone.access()).identity.project_id
        params = (("project_id", project), *(("fields", name) for name in _FIELDS))
        entries, _ = await self._pages(SERVICE, "/ports", answer=_Ports, params=params)
        return [port.neutral() for port in entries if (port.project_id or port.tenant_id) in ("", project)]

    async def ports_marked(self, mark: str) -> Sequence[cloud.Port]:
        """Return the ports that carry the mark."""
        entries = await self._with_mark("/ports", mark, answer=_Ports)
        return [marked for port in entries if (marked := port.neutral()).mark == mark]

    async def create_ports(self, wants: Sequence[cloud.PortSpec]) -> Sequence[cloud.Port]:
        """Make ports in one bulk request, all or none; they come back in the order of the wants."""
        if not wants:
            return []
        bodies = [_port_body(want) for want in wants]
        await self._name_default_group(bodies)
        answer = await self._post_marked(
            "/ports",
            lambda described: {"ports": [marks.on(body, described=described) for body in bodies]},
            answer=_Ports,
        )
        created = [port.neutral() for port in answer.ports]
        # Neutron keeps the order today, and promises nothing.
        by_key: dict[tuple[str, str, str], deque[cloud.Port]] = {}
        for port in created:
            by_key.setdefault((port.network_id, port.name, port.mark), deque()).append(port)
        try:
            return [by_key[want.network_id, want.name, want.mark].popleft() for want in wants]
        except (KeyError, IndexError) as exc:
            raise OutcomeUnknown(
                f"{len(wants)} ports were asked for, but the answer shows {len(created)} others.",
                cloud=self.name,
            ) from exc

    async def _name_default_group(self, bodies: Sequence[dict[str, Any]]) -> None:
        """Put the id of the project's default security group in the place of its name."""
        if not any(DEFAULT_GROUP in body.get("security_groups", ()) for body in bodies):
            return
        project = (await self.keystone.access()).identity.project_id
        params = (("name", DEFAULT_GROUP), ("project_id", project), ("fields", "id"))
        groups, _ = await self._pages(SERVICE, "/security-groups", answer=_Groups, params=params)
        for body in bodies:
            names = body.get("security_groups", ())
            if DEFAULT_GROUP in names:
                own = [name for name in names if name != DEFAULT_GROUP]
                body["security_groups"] = [*own, *(group.id for group in groups)]

    async def delete_port(self, id: str) -> None:
        """Delete a port.

        Raises:
            CloudConflict: A server is about to let go of it.
        """
        try:
            await self._delete(SERVICE, "/ports", id)
        except CloudForbidden as error:
            # So Neutron calls it, too, when Nova takes the port's binding away in the same moment.
            if await self._is_ours(id):
                raise CloudConflict(error.detail, cloud=error.cloud, request_ids=error.request_ids) from error
            raise

    async def _is_ours(self, id: str) -> bool:
        """Tell whether a port is the project's own."""
        reply = await self._get(SERVICE, f"/ports/{service.checked(id)}", answer=_PortBody)
        return reply.port.project_id == (await self.keystone.access()).identity.project_id


class _Polled(Protocol):
    """The cloud, as far as the watcher of ports needs it."""

    async def ports_of(self, servers: Collection[str]) -> Sequence[cloud.Port]: ...
    async def server(self, id: str) -> cloud.Server: ...


class Source:
    """What the watcher of servers' ports polls: Nova shows nothing of a server until it has made them."""

    tells_changes = False
    ASK_AFTER = 10
    """After how many polls without a port the server itself is read."""

    def __init__(self, of: _Polled) -> None:
        self._cloud = of
        self._without: Counter[str] = Counter()

    async def look(
        self, *, since: datetime | None, ids: Collection[str]
    ) -> snapshot.Poll[tuple[cloud.Port, ...]]:
        """Poll the ports of the servers that are waited for."""
        ports: dict[str, list[cloud.Port]] = {id: [] for id in ids}
        for port in await self._cloud.ports_of(ports):
            ports.setdefault(port.server_id, []).append(port)
        self._without = Counter({id: self._without[id] + 1 for id, known in ports.items() if not known})
        gone = {
            id
            for id, times in self._without.items()
            if times % self.ASK_AFTER == 0 and await self._is_gone(id)
        }
        seen = [
            snapshot.Seen(id=id, updated=None, value=None if id in gone else tuple(known))
            for id, known in ports.items()
        ]
        return snapshot.Poll(seen=seen, at=None)

    async def one(self, id: str) -> tuple[cloud.Port, ...]:
        """Return one. Raises Gone."""
        return tuple(await self._cloud.ports_of([id]))

    def kind(self, value: tuple[cloud.Port, ...]) -> str | None:
        """Return what those that take about as long as this one share."""
        return None if value else "ports"

    def leaves(self, value: tuple[cloud.Port, ...]) -> bool:
        """Tell whether it is being deleted."""
        return False

    async def _is_gone(self, server_id: str) -> bool:
        try:
            await self._cloud.server(server_id)
        except Gone:
            return True
        return False


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
