"""A driver of a cloud in this process's memory, without UUIDs, ports, floating IPs, keypairs or security groups."""

import asyncio
import itertools
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec import structs

from enamel.clouds import driver
from enamel.clouds.calls import caller
from enamel.clouds.calls.timeouts import Timeouts
from enamel.clouds.capability import Capability
from enamel.clouds.pacing.gate import Paces
from enamel.clouds.shared.store import SharedStore
from enamel.clouds.watch import watcher
from enamel.clouds.watch.listing import Listing
from enamel.model import cloud
from enamel.model.action import Action
from enamel.model.errors import CloudConflict, CloudError, CloudRefused, Gone, NoValidHost
from enamel.model.states import ImageState, PowerState, ServerState, VolumeState

T = TypeVar("T")
TAKES = 0.05
"""Seconds until a server or a volume is made."""
SWITCHES = {Action.POWER_OFF: ServerState.STOPPED, Action.POWER_ON: ServerState.ACTIVE}
MADE = {ServerState.BUILDING: ServerState.ACTIVE, VolumeState.CREATING: VolumeState.AVAILABLE}
SMALL = cloud.Flavor(id="t.small", name="t.small", memory_mb=1024, vcpus=1, disk_gb=8)
PLAIN = cloud.Image(id="ami-1", name="plain", state=ImageState.ACTIVE, status="available", min_disk_gb=1)
INSIDE = cloud.Network(id="net-1", name="inside", project_id="p-1", default=True, subnets=("sub-1",))


class MemoryCloud(driver.Cloud):
    """One project on one such cloud."""

    servers: watcher.Watcher[cloud.Server]
    volumes: watcher.Watcher[cloud.Volume]

    def __init__(self, name: str, *, paces: Paces) -> None:
        self.name = self.site = name
        self._calls = caller.Caller(cloud=name, gates=paces.of(name, cloud=name), timeouts=Timeouts())
        self._things: dict[str, Any] = {}
        self._ready: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self.servers = watcher.Watcher(
            Listing(lambda: self._list(cloud.Server), self.server, making=_is_made)
        )
        self.volumes = watcher.Watcher(
            Listing(lambda: self._list(cloud.Volume), self.volume, making=_is_made)
        )

    async def _call(
        self,
        method: str,
        path: str,
        carry_out: Callable[[], T],
        *,
        changes: watcher.Watcher[Any] | None = None,
    ) -> T:
        async def once(attempt: caller.Attempt) -> T:
            async with attempt:
                attempt.status, attempt.request_id = 200, f"r-{next(self._numbers):x}"
                try:
                    return carry_out()
                except CloudError as refusal:
                    attempt.status = refusal.status
                    refusal.cloud, refusal.request_ids = self.name, (attempt.request_id,)
                    raise

        operation = caller.Operation(service="memory", method=method, path=path, reads=changes is None)
        result = await self._calls.run(operation, once)
        if changes is not None:
            await changes.changed()
        return result

    async def _list(self, kind: type) -> list[Any]:
        things = [id for id, thing in self._things.items() if isinstance(thing, kind)]
        return await self._call("List", kind.__name__, lambda: [self._now(id) for id in things])

    def _now(self, id: str) -> Any:
        """Return a thing as it is now. Raises Gone."""
        if id not in self._things:
            raise Gone(f"There is no {id}.")
        if time.monotonic() >= self._ready.get(id, 0.0):
            state = self._things[id].state
            self._set(id, state=MADE.get(state, state))
        return self._things[id]

    def _set(self, id: str, **fields: Any) -> None:
        self._things[id] = structs.replace(self._things[id], **fields)

    def _make(self, thing: Any) -> Any:
        self._ready[thing.id] = time.monotonic() + TAKES
        return self._things.setdefault(thing.id, thing)

    async def identity(self) -> cloud.Identity:
        return cloud.Identity(
            user_id="u-1", user_name="me", project_id="p-1", project_name="mine", region="here"
        )

    async def capabilities(self) -> frozenset[Capability]:
        return frozenset({Capability.COMPUTE, Capability.NETWORK, Capability.IMAGE, Capability.VOLUME})

    def actions(self) -> frozenset[Action]:
        return frozenset({Action.TERMINATE, *SWITCHES})

    async def flavors(self) -> Sequence[cloud.Flavor]:
        return [SMALL]

    async def images(self) -> Sequence[cloud.Image]:
        return [PLAIN]

    async def networks(self) -> Sequence[cloud.Network]:
        return [INSIDE]

    async def subnets(self) -> Sequence[cloud.Subnet]:
        return [cloud.Subnet(id="sub-1", name="inside", network_id="net-1", cidr="10.0.0.0/24")]

    async def zones(self) -> Sequence[cloud.Zone]:
        return [cloud.Zone(name="a"), cloud.Zone(name="full")]

    async def volume_types(self) -> Sequence[cloud.VolumeType]:
        return [cloud.VolumeType(id="ssd", name="ssd")]

    async def volume_zones(self) -> Sequence[cloud.Zone]:
        return await self.zones()

    @property
    def in_use(self) -> bool:
        return self._calls.in_use or self.servers.in_use or self.volumes.in_use

    async def close(self) -> None:
        await asyncio.gather(self.servers.close(), self.volumes.close())

    # -- servers

    async def server(self, id: str) -> cloud.Server:
        return await self._call("Show", id, lambda: self._now(id))

    async def servers_list(self) -> Sequence[cloud.Server]:
        return await self.servers.all()

    async def servers_marked(self, mark: str) -> Sequence[cloud.Server]:
        return [server for server in await self.servers.all_from_now() if server.mark == mark]

    async def ports_of(self, servers: Collection[str]) -> Sequence[cloud.Port]:
        found = [self._things[id] for id in servers if id in self._things]
        return [
            cloud.Port(
                id=f"eni-{server.id}",
                network_id="net-1",
                server_id=server.id,
                addresses=server.fixed_addresses,
            )
            for server in found
        ]

    async def ports_list(self) -> Sequence[cloud.Port]:
        return await self.ports_of([server.id for server in await self.servers_list()])

    async def boot(self, want: cloud.ServerSpec) -> Sequence[str]:
        def carry_out() -> list[str]:
            if (want.flavor_id, want.image_id or PLAIN.id, want.key_name) != (SMALL.id, PLAIN.id, None):
                raise CloudRefused("The flavor, the image or the key does not exist.")
            if want.zone not in (None, "a"):
                raise NoValidHost(f"Zone '{want.zone}' has no hosts.")
            id = f"i-{next(self._numbers):04x}"
            for disk in want.disks:
                self._set(disk.volume_id, state=VolumeState.IN_USE, attached_to=(id,))
            server = cloud.Server(
                **{name: getattr(want, name) for name in ("name", "flavor_id", "mark", "tags")},
                image_id=None if any(disk.boot for disk in want.disks) else want.image_id,
                id=id,
                state=ServerState.BUILDING,
                power=PowerState.RUNNING,
                created=datetime.now(UTC),
                flavor_name=SMALL.name,
                zone="a",
                project_id="p-1",
                metadata=dict(want.properties),
                fixed_addresses=(f"10.0.0.{2 + len(self._things)}",),
                volumes=tuple(disk.volume_id for disk in want.disks),
            )
            return [self._make(server).id]

        return await self._call("Run", want.name, carry_out, changes=self.servers)

    async def delete_server(self, id: str, *, force: bool = False) -> None:
        def carry_out() -> None:
            server = self._things.pop(id, None)
            for volume in server.volumes if server else ():
                self._set(volume, state=VolumeState.AVAILABLE, attached_to=())

        await self._call("Terminate", id, carry_out, changes=self.servers)

    async def act(
        self, server_id: str, action: Action, *, arguments: Mapping[str, Any] | None = None
    ) -> None:
        def carry_out() -> None:
            self._now(server_id)
            self._set(server_id, state=SWITCHES[action])

        await self._call(action.value, server_id, carry_out, changes=self.servers)

    # -- volumes

    async def volume(self, id: str) -> cloud.Volume:
        return await self._call("Show", id, lambda: self._now(id))

    async def volumes_list(self) -> Sequence[cloud.Volume]:
        return await self.volumes.all()

    async def volumes_marked(self, mark: str) -> Sequence[cloud.Volume]:
        return [volume for volume in await self.volumes.all_from_now() if volume.mark == mark]

    async def create_volume(self, want: cloud.VolumeSpec) -> cloud.Volume:
        def carry_out() -> cloud.Volume:
            if want.type not in (None, "ssd"):
                raise Gone(f"There are no volumes of type '{want.type}'.")
            fields = {name: getattr(want, name) for name in ("name", "size_gb", "mark")}
            state, kind = VolumeState.CREATING, want.type or "ssd"
            id, bootable = f"vol-{next(self._numbers)}", want.image_id is not None
            return self._make(
                cloud.Volume(**fields, id=id, state=state, status=state.value, type=kind, bootable=bootable)
            )

        return await self._call("Create", want.name, carry_out, changes=self.volumes)

    async def delete_volume(self, id: str) -> None:
        def carry_out() -> None:
            if id in self._things and self._things[id].attached_to:
                raise CloudConflict(f"Volume '{id}' is in use.")
            self._things.pop(id, None)

        await self._call("Delete", id, carry_out, changes=self.volumes)


def _is_made(thing: Any) -> bool:
    return thing.state in MADE


class Memory:
    """What an entry point, or a dotted path, names."""

    def names(self) -> Sequence[str]:
        return ["memory"]

    def open(self, name: str, *, project: str | None, board: SharedStore, paces: Paces) -> driver.Cloud:
        return MemoryCloud(name, paces=paces)
