"""Servers of the compute service: how they are booted, read, and deleted."""

import asyncio
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from msgspec import UNSET

from enamel.clouds.methods import compute as methods
from enamel.clouds.openstack import service, transport
from enamel.clouds.openstack.compute import catalogue, server_json, tag
from enamel.clouds.watch import snapshot, watcher
from enamel.model import cloud
from enamel.model.errors import (
    CloudForbidden,
    CloudRefused,
    EnamelError,
    Gone,
    OutcomeUnknown,
)
from enamel.model.states import ServerState

SERVICE = catalogue.SERVICE
_NEVER = datetime.min.replace(tzinfo=UTC)
_DISKS = "os-block-device-mapping-v2-boot"
_DELETED = "DELETED"
"""The status of a server that is not there any more: in lists of changes, and for a moment before Nova answers 404."""


class Servers(catalogue.Catalogue, methods.Servers):
    """The servers of a project."""

    servers: watcher.Watcher[cloud.Server]

    async def server(self, id: str) -> cloud.Server:
        """Return one server. Raises Gone."""
        id = service.checked(id)
        version = await self._version("2.73", "2.71", "2.47", "2.26")
        reply = await self._get(SERVICE, f"/servers/{id}", answer=server_json.One, version=version)
        if reply.server.status == _DELETED:
            raise Gone(f"Cloud '{self.name}' has no server {id} any more.", cloud=self.name)
        server = reply.server.neutral(self._sizes(), public=await self._public([reply.server]))
        if reply.server.attached is not UNSET:
            return server
        # Before 2013, a server does not tell of its volumes itself.
        return msgspec.structs.replace(server, volumes=await self._attached(id))

    async def server_seen(self, id: str) -> cloud.Server:
        """Return one server; answered from the watcher while its poll is fresh. Raises Gone."""
        # What a list does not show may still be there: a restorable server, or another project's.
        return await self.servers.find(id) or await self.server(id)

    async def servers_list(self) -> Sequence[cloud.Server]:
        """Return all of the project's servers; answered from the watcher while its poll is fresh."""
        # A list of changes tells of restorable servers, too, a list of everything does not.
        return [server for server in await self.servers.all() if server.state is not ServerState.SOFT_DELETED]

    async def servers_of(self, project_id: str) -> Sequence[cloud.Server]:
        """Return the servers of any project. Raises CloudForbidden where that is for operators."""
        servers = await self._servers((("all_tenants", "1"), ("project_id", project_id)))
        return [server for server in servers if server.project_id == project_id]

    async def servers_named(self, names: Collection[str]) -> Sequence[cloud.Server]:
        """Return the project's servers that have one of the names."""
        distinct = set(names)
        if not distinct:
            return []
        servers = await self._servers((("name", _pattern(distinct)),))
        return [server for server in servers if server.name in distinct]

    async def servers_marked(self, mark: str) -> Sequence[cloud.Server]:
        """Return the servers whose metadata key `enamel` has this value, newest last."""
        # Nova has no filter on metadata; however many marks are searched for at once, it is one list.
        servers = [server for server in await self.servers.all_from_now() if server.mark == mark]
        return sorted(servers, key=lambda server: server.created or _NEVER)

    async def boot(self, want: cloud.ServerSpec) -> Sequence[str]:
        """Boot one or several equal servers in one request; return their ids, in order of their names."""
        version = await self._version("2.52", "2.37")
        body = _boot_body(want, version=version)
        if want.disks and version is None and _DISKS not in await self._aliases_of_old():
            _name_devices(body["server"], want)
        if want.count == 1:
            reply = await self._post(SERVICE, "/servers", body=body, answer=server_json.Made, version=version)
            self._check_new(reply.server.id, mark=want.mark)
            await self.servers.changed()
            return [reply.server.id]
        reserved = await self._post(
            SERVICE, "/servers", body=body, answer=server_json.Reserved, version=version
        )
        await self.servers.changed()
        return await self._reserved(want, reservation_id=reserved.reservation_id)

    async def rename_server(self, id: str, name: str) -> None:
        """Give a server another name."""
        body = {"server": {"name": name}}
        await self._put(SERVICE, f"/servers/{service.checked(id)}", body=body, answer=transport.Nothing)
        await self.servers.changed()

    async def delete_server(self, id: str, *, force: bool = False) -> None:
        """Delete a server; with `force` also where the cloud would keep it restorable."""
        if force:
            try:
                await self._act(id, {"forceDelete": None})
            except Gone:
                return
            except (CloudForbidden, CloudRefused):
                # The cloud's policy keeps this to its operators, or the cloud does not know it.
                await self._delete(SERVICE, "/servers", id)
        else:
            await self._delete(SERVICE, "/servers", id)
        await self.servers.changed()

    async def _reserved(self, want: cloud.ServerSpec, *, reservation_id: str) -> list[str]:
        """Return the ids of servers that were booted together, in the order of their names.

        Raises:
            OutcomeUnknown: The list does not show just these, by their mark and their names.
        """
        names = {f"{want.name}-{number + 1}" for number in range(want.count)}
        servers: list[cloud.Server] = []
        for pause in (0.2, 0.5, 1.0, 2.0, 0.0):
            try:
                listed = await self._servers((("reservation_id", reservation_id),))
            except EnamelError as exc:
                raise OutcomeUnknown(
                    f"{want.count} servers {want.name} are booted, but cannot be listed: {exc.detail}",
                    cloud=self.name,
                ) from exc
            # A list may be older than the servers, or leave the filter out: what another launch has booted is not taken.
            servers = [server for server in listed if server.mark == want.mark and server.name in names]
            if len(servers) == want.count:
                return [server.id for server in sorted(servers, key=lambda server: _number(server.name))]
            # For a moment a server can be in none of Nova's databases: it moves from one to the other.
            await asyncio.sleep(pause)
        raise OutcomeUnknown(
            f"{want.count} servers {want.name} were requested, but the list shows {len(servers)} of them.",
            cloud=self.name,
        )

    def _check_new(self, id: str, *, mark: str) -> None:
        """Refuse the answer to a boot that names a server which another boot has made. Raises OutcomeUnknown."""
        known = self.servers.last_seen(id)
        if known is not None and known.mark != mark:
            raise OutcomeUnknown(
                f"A server was requested, but the answer shows {id}, which existed before.", cloud=self.name
            )

    async def _act(self, id: str, action: dict[str, Any]) -> None:
        await self._post(
            SERVICE,
            f"/servers/{service.checked(id)}/action",
            body=action,
            answer=transport.Nothing,
            repeatable=True,
        )

    async def _attached(self, server_id: str) -> tuple[str, ...]:
        """Return the ids of a server's volumes."""
        path = f"/servers/{service.checked(server_id)}/os-volume_attachments"
        reply = await self._get(SERVICE, path, answer=server_json.Attachments)
        return tuple(attachment.volume_id for attachment in reply.attachments)

    async def _public(self, servers: Sequence[server_json.Server]) -> frozenset[str]:
        """Return which of the servers' addresses are public, where the cloud does not say that beside them."""
        return frozenset()

    async def _aliases_of_old(self) -> frozenset[str]:
        """Return Nova's extensions where it has no microversions; where it has, all that is asked for is there."""
        return frozenset({_DISKS}) if await self._version("2.1") is not None else await self._aliases()

    async def _servers(self, params: tuple[tuple[str, str], ...]) -> list[cloud.Server]:
        return [seen.value for seen in (await self.poll_servers(params)).seen if seen.value is not None]

    async def poll_servers(self, params: tuple[tuple[str, str], ...]) -> snapshot.Poll[cloud.Server]:
        """Return a detailed list, page by page, and the time of its first page by the cloud's clock."""
        version = await self._version("2.47", "2.26")
        entries, at = await self._pages(
            SERVICE, "/servers/detail", answer=server_json.Many, params=params, version=version
        )
        sizes, public = self._sizes(), await self._public(entries)
        seen = [
            snapshot.Seen(
                id=entry.id,
                updated=server_json.aware(entry.updated),
                value=None if entry.status == _DELETED else entry.neutral(sizes, public=public),
            )
            for entry in entries
        ]
        return snapshot.Poll(seen=seen, at=at)

    def _sizes(self) -> server_json.Sizes:
        offer: catalogue.Offer | None = self.kept.peek(catalogue.FLAVORS)
        return server_json.Sizes(offer.flavors if offer is not None else ())


class _Polled(Protocol):
    """The cloud, as far as the watcher of servers needs it."""

    async def poll_servers(self, params: tuple[tuple[str, str], ...]) -> snapshot.Poll[cloud.Server]: ...
    async def server(self, id: str) -> cloud.Server: ...


class Source:
    """What the watcher of servers polls."""

    tells_changes = True

    def __init__(self, of: _Polled) -> None:
        self._cloud = of

    async def look(self, *, since: datetime | None, ids: Collection[str]) -> snapshot.Poll[cloud.Server]:
        """Poll them all."""
        params: tuple[tuple[str, str], ...] = ()
        if since is not None:
            params = (("changes-since", since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),)
        return await self._cloud.poll_servers(params)

    async def one(self, id: str) -> cloud.Server:
        """Return one. Raises Gone."""
        return await self._cloud.server(id)

    def kind(self, value: cloud.Server) -> str | None:
        """Return what those that take about as long as this one share."""
        # A server that is rebuilt was launched before, and takes another time.
        if value.state is not ServerState.BUILDING or value.launched_at is not None:
            return None
        return f"{value.flavor_name or value.flavor_id} {value.image_id}"

    def leaves(self, value: cloud.Server) -> bool:
        """Tell whether it is being deleted."""
        # Of a server that is deleted softly the lists say nothing for as long as it can be restored.
        return False


def _pattern(names: set[str]) -> str:
    # Nova hands this to the database, whose regular expressions differ; on MySQL it even quotes `|`. A common
    # beginning, with a dot for whatever may have a meaning, is understood by all; the rest is sorted out here.
    def plain(text: str) -> str:
        return re.sub(r"[^A-Za-z0-9_-]", ".", text)

    if len(names) == 1:
        return f"^{plain(next(iter(names)))}$"
    # The first and the last in order differ where any two of them do.
    first, last = min(names), max(names)
    common = next(
        (end for end, (letter, other) in enumerate(zip(first, last, strict=False)) if letter != other),
        len(first),
    )
    return f"^{plain(first[:common])}"


def _number(name: str) -> tuple[int, str]:
    digits = re.search(r"-(\d+)$", name)
    return (int(digits.group(1)) if digits else 0, name)


def _boot_body(want: cloud.ServerSpec, *, version: str | None) -> dict[str, Any]:
    server: dict[str, Any] = {
        "name": want.name,
        "flavorRef": want.flavor_id,
        "metadata": {**want.properties, "enamel": want.mark},
    }
    from_volume = any(disk.boot for disk in want.disks)
    if want.image_id is not None and not from_volume:
        server["imageRef"] = want.image_id
    if want.disks:
        server["block_device_mapping_v2"] = _disks(want, from_volume=from_volume)
    networks = _networks(want, version=version)
    if networks is not None:
        server["networks"] = networks
    if want.security_groups and not any(network.port_id for network in want.networks or ()):
        server["security_groups"] = [{"name": group} for group in want.security_groups]
    if want.key_name is not None:
        server["key_name"] = want.key_name
    if want.user_data is not None:
        server["user_data"] = want.user_data
    if want.zone is not None:
        server["availability_zone"] = want.zone
    if want.tags and version == "2.52":
        server["tags"] = list(want.tags)
    elif want.tags:
        server["metadata"] |= tag.written(want.tags)
    if want.count > 1:
        server.update(min_count=want.count, max_count=want.count, return_reservation_id=True)
    body: dict[str, Any] = {"server": server}
    hints: dict[str, Any] = {}
    if want.group_id is not None:
        hints["group"] = want.group_id
    if want.same_host:
        hints["same_host"] = list(want.same_host)
    if want.different_host:
        hints["different_host"] = list(want.different_host)
    if hints:
        body["os:scheduler_hints"] = hints
    return body


def _disks(want: cloud.ServerSpec, *, from_volume: bool) -> list[dict[str, Any]]:
    disks: list[dict[str, Any]] = []
    if want.image_id is not None and not from_volume:
        local = {"source_type": "image", "destination_type": "local", "boot_index": 0, "uuid": want.image_id}
        disks.append({**local, "delete_on_termination": True})
    for disk in want.disks:
        disks.append(
            {
                "source_type": "volume",
                "destination_type": "volume",
                "uuid": disk.volume_id,
                "boot_index": 0 if disk.boot else -1,
                "delete_on_termination": disk.delete_with_server,
            }
        )
    return disks


def _name_devices(server: dict[str, Any], want: cloud.ServerSpec) -> None:
    """Ask for the volumes in the way of 2012: by the names of their devices."""
    del server["block_device_mapping_v2"]
    names = iter("bcdefghijklmnopqrstuvwxyz")
    server["block_device_mapping"] = [
        {
            "device_name": "vda" if disk.boot else f"vd{next(names)}",
            "volume_id": disk.volume_id,
            "delete_on_termination": disk.delete_with_server,
        }
        for disk in want.disks
    ]


def _networks(want: cloud.ServerSpec, *, version: str | None) -> Any:
    if want.networks is None:
        # Older Novas choose by themselves when nothing is said.
        return None if version is None else "auto"
    if not want.networks and version is not None:
        return "none"
    return [_network(network) for network in want.networks]


def _network(plug: cloud.NetworkPort) -> dict[str, str]:
    if plug.port_id is not None:
        return {"port": plug.port_id}
    network = {"uuid": plug.network_id or ""}
    if plug.fixed_address is not None:
        network["fixed_ip"] = plug.fixed_address
    return network
