"""Steps on servers: boot, wait, delete."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

import msgspec

from enamel.clouds.capability import Capability
from enamel.model import cloud, moment, states, task, task_key
from enamel.model.errors import (
    CloudConflict,
    CloudError,
    CloudForbidden,
    CloudRefused,
    EnamelError,
    Gone,
    NoValidHost,
    OutcomeUnknown,
    QuotaExceeded,
    ServerFailed,
    StepTimedOut,
)
from enamel.model.states import FailureReason, ServerActivity, ServerState
from enamel.model.task_key import Kind, Taken
from enamel.steps import ownership
from enamel.steps.ownership import Labels
from enamel.steps.step import IN_USE, UNDO_TIMEOUT, Context, Outputs, Retry, Step, chosen, insist, together

_BOOTED = states.DELETED | {ServerState.ACTIVE, ServerState.ERROR}
"""Where a boot ends."""
FAULT_AFTER = (0.5, 1.5)
"""Seconds after which a server in ERROR that does not say why is read again."""
ADDRESSES_AFTER = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0)
"""Seconds after which the addresses of an ACTIVE server that shows too few of them are read again."""


class Boot(Step, frozen=True, kw_only=True):
    """Boot a server, or several equal ones in one request."""

    kind: ClassVar[str] = "server.boot"
    action: ClassVar[str] = "SCHEDULING"
    undoable: ClassVar[bool] = True
    empty_outputs: ClassVar[Outputs] = {"servers": []}
    per_item_input: ClassVar[str] = "names"
    list_output: ClassVar[str] = "servers"

    names: tuple[str, ...]
    """One name, or the names that a cloud gives to equal servers: base-1, base-2 …"""
    flavor_id: str
    image_id: str | None = None
    image_maps_disks: bool = False
    """Whether the image has no data, and names the disks of its own."""
    networks: tuple[cloud.NetworkPort, ...] | None = None
    security_groups: tuple[str, ...] = ()
    key_name: str | None = None
    user_data: str | None = None
    zone: str | None = None
    disks: tuple[cloud.Disk, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    """As pairs: what callers choose must never look like a reference."""
    tags: tuple[str, ...] = ()
    group_id: str | None = None
    same_host: tuple[str, ...] = ()
    different_host: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    """Servers of the same launch that it is kept apart from by a hint, where the cloud has no server groups."""
    placement: str | None = None
    """Path of the placement, for the record."""
    cores: int = 0
    """What each of them uses up of the quotas: the numbers of its flavor."""
    memory_mb: int = 0

    def needs(self) -> dict[str, int]:
        """Return how much of each quota it uses up."""
        return {
            "servers": len(self.names),
            "cores": len(self.names) * self.cores,
            "memory_mb": len(self.names) * self.memory_mb,
            "ports": len(self.names) * sum(network.port_id is None for network in self.networks or ()),
        }

    @staticmethod
    def takes(inputs: Mapping[str, Any]) -> Iterator[Taken]:
        """Return the existing ports and volumes that it uses, and the addresses that it names."""
        for network in inputs.get("networks") or ():
            if isinstance(network.get("port_id"), str):
                yield Taken(Kind.PORT, network["port_id"])
            if isinstance(network.get("fixed_address"), str) and isinstance(network.get("network_id"), str):
                yield task_key.fixed_address(network["network_id"], network["fixed_address"])
        for disk in inputs.get("disks") or ():
            if isinstance(disk["volume_id"], str):
                yield Taken(Kind.VOLUME, disk["volume_id"])

    async def do(self, at: Context) -> Outputs:
        """Boot; the servers are not ACTIVE yet when the cloud answers."""
        fields = msgspec.structs.asdict(self)
        del fields["names"], fields["placement"], fields["apart"], fields["cores"], fields["memory_mb"]
        fields["properties"] = dict(self.properties)
        fields["different_host"] = (*self.different_host, *self.apart)
        many = len(self.names) > 1
        want = cloud.ServerSpec(
            name=self.names[0].removesuffix("-1") if many else self.names[0],
            count=len(self.names),
            mark=at.mark,
            **fields,
        )
        if self.tags and Capability.SERVER_TAGS not in await at.cloud.capabilities():
            at.note("The cloud is too old for tags at boot: the server's metadata hold them.")
        if self.apart:
            at.note(
                "The cloud has no server groups: one server waits for the next, and a hint asks for another host."
            )
        try:
            ids = await at.cloud.boot(want)
        except (CloudRefused, Gone):
            fresh = await _brought_up_to_date(at, want)
            if fresh is None:
                raise
            ids = await at.cloud.boot(fresh)
        if len(ids) != len(self.names):
            raise OutcomeUnknown(
                f"{len(self.names)} servers were requested, but the cloud names {len(ids)}.",
                cloud=at.cloud.name,
            )
        return self._outputs(at, list(ids))

    async def find(self, at: Context) -> Outputs | None:
        """Find the servers by their mark; delete them if they are not all there."""
        by_name = {
            server.name: server
            for server in await at.cloud.servers_marked(at.mark)
            if server.state not in states.DELETED
        }
        ids = [by_name[name].id for name in self.names if name in by_name]
        if len(ids) == len(self.names):
            return self._outputs(at, ids)
        for id in ids:
            await remove(at, id)
        return None

    def _outputs(self, at: Context, ids: list[str]) -> Outputs:
        now = moment.text(at.now())
        entries = {
            name: {
                "id": id,
                "state": "BUILDING",
                "cloud": at.cloud.name,
                "placement": self.placement,
                "launched_at": now,
                "volumes": [disk.volume_id for disk in self.disks],
            }
            for name, id in zip(self.names, ids, strict=True)
        }
        servers = [{"id": id, "name": name} for name, id in zip(self.names, ids, strict=True)]
        return {"servers": servers, "entries": entries, "mark": at.mark}

    async def find_leftovers(self, at: Context) -> Outputs | None:
        """Find all servers with this mark, whatever they are called and however many."""
        servers = [
            {"id": server.id, "name": server.name}
            for server in await at.cloud.servers_marked(at.mark)
            if server.state not in states.DELETED
        ]
        return {"servers": servers, "mark": at.mark} if servers else None

    async def tidy(self, at: Context, outputs: Outputs) -> None:
        """Delete other servers with this mark."""
        ours = {server["id"] for server in outputs["servers"]}
        for server in await at.cloud.servers_marked(at.mark):
            if server.id not in ours and server.state not in states.DELETED:
                await remove(at, server.id)

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Delete them all at once, and wait until each is gone.

        One that another has made stays; what carries this step's mark and its name goes instead.
        """
        going = chosen(outputs["servers"], only)
        own = await asyncio.gather(
            *(_is_own(at, outputs, id=server["id"], name=server["name"]) for server in going)
        )
        ids = {server["id"] for server, is_own in zip(going, own, strict=True) if is_own}
        if not all(own):
            names = {server["name"] for server in going}
            marked = await at.cloud.servers_marked(ownership.mark_of(at, outputs))
            ids |= {server.id for server in marked if server.name in names}
        await together(*(remove(at, id) for id in ids))

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the servers."""
        return [
            task.Made(kind="server", id=server["id"], name=server["name"], server=server["name"])
            for server in outputs["servers"]
        ]


async def _is_own(at: Context, outputs: Outputs, *, id: str, name: str) -> bool:
    async def labels() -> Labels:
        server = await at.cloud.server_seen(id)
        return Labels(server.mark, server.name)

    return await ownership.is_own_or_gone(at, outputs, "server", id, name=name, labels=labels)


async def _brought_up_to_date(at: Context, want: cloud.ServerSpec) -> cloud.ServerSpec | None:
    """Return a boot with what the catalogue has now in the place of what is gone; None where nothing has one."""
    networks = [network for network in want.networks or () if network.network_id is not None]
    chosen = [want.flavor_id, want.image_id, *(network.network_id for network in networks)]
    instead = await at.cloud.successors([id for id in chosen if id is not None])
    if not instead:
        return None
    at.note("The catalogue had changed: what was chosen by its name has another id now.")

    def now(id: str | None) -> str | None:
        return None if id is None else instead.get(id, id)

    return msgspec.structs.replace(
        want,
        flavor_id=instead.get(want.flavor_id, want.flavor_id),
        image_id=now(want.image_id),
        networks=None
        if want.networks is None
        else tuple(
            msgspec.structs.replace(network, network_id=now(network.network_id)) for network in want.networks
        ),
    )


class AwaitActive(Step, frozen=True, kw_only=True):
    """Wait until a server is ACTIVE."""

    kind: ClassVar[str] = "server.await_active"
    action: ClassVar[str] = "SPAWNING"
    repeatable: ClassVar[bool] = True
    waits: ClassVar[bool] = True
    waits_for: ClassVar[str] = "id"
    timeout: ClassVar[timedelta] = timedelta(minutes=15)

    id: str
    same_host: tuple[str, ...] = ()
    """Servers of which one was to be on the same host …"""
    different_host: tuple[str, ...] = ()
    """… and servers of which none was to be."""
    addresses: int = 0
    """How many fixed addresses it gets at the least."""

    def timeout_error(self, seconds: float) -> EnamelError:
        """Return the error that names the server."""
        return StepTimedOut(f"Server {self.id} was not ACTIVE after {seconds:.0f} s.")

    async def do(self, at: Context) -> Outputs:
        """Wait for it; a server in ERROR explains itself."""

        def active(server: cloud.Server | None) -> bool:
            return server is None or server.state in _BOOTED

        server = await at.cloud.servers.until(self.id, active)
        if server is None or server.state in states.DELETED:
            raise Gone(f"Server {self.id} was deleted by somebody while it was booting.", cloud=at.cloud.name)
        if server.state is ServerState.ERROR:
            raise await explained(at, server)
        await self._look_around(at, server)
        at.tell("server.active", {"id": server.id})
        addresses = await self._fixed_addresses(at, server)
        entry = {"state": "ACTIVE", **await seen(at, server), "fixed_addresses": addresses}
        return {"id": server.id, "address": addresses[0] if addresses else "", "entry": entry}

    async def _fixed_addresses(self, at: Context, server: cloud.Server) -> list[str]:
        """Return the server's fixed addresses as soon as the cloud shows as many of them as there are to be."""
        addresses = list(server.fixed_addresses)
        for pause in (0.0, *ADDRESSES_AFTER):
            if len(addresses) >= self.addresses:
                return addresses
            await at.sleep(pause)
            # Nova has its own record of what Neutron knows, and fills it seconds after the server is ACTIVE.
            if Capability.NETWORK in await at.cloud.capabilities():
                ports = await at.cloud.ports_of([self.id])
                addresses = [address for port in ports for address in port.addresses]
            else:
                addresses = list((await at.cloud.server(self.id)).fixed_addresses)
        at.note(
            f"The cloud shows {len(addresses)} fixed addresses of the server; {self.addresses} were expected."
        )
        return addresses

    async def _look_around(self, at: Context, server: cloud.Server) -> None:
        """Leave a note if the cloud has ignored near which servers this one was to be: most filter no such hints."""
        if not (self.same_host or self.different_host) or not server.host_id:
            return
        hosts = {other.id: other.host_id for other in await at.cloud.servers_list()}
        if self.same_host and server.host_id not in {hosts.get(id) for id in self.same_host}:
            at.note(
                f"The cloud has not put server '{server.name}' near any of the servers it was to be near to."
            )
        beside = [id for id in self.different_host if hosts.get(id) == server.host_id]
        if beside:
            at.note(
                f"The cloud has put server '{server.name}' on the host of {', '.join(beside)} all the same."
            )


async def explained(at: Context, server: cloud.Server) -> CloudError | QuotaExceeded:
    """Return the error that says why a server went to ERROR, in one sentence."""
    for pause in FAULT_AFTER:
        if server.fault is not None:
            break
        # Older Novas write down first that a server is in ERROR, and then why.
        await at.sleep(pause)
        try:
            server = await at.cloud.server(server.id)
        except CloudError:
            break
    try:
        action = await at.cloud.why_failed(server.id)
    except CloudError:
        action = None
    failures = [failure for failure in (server.fault, action) if failure is not None]
    reasons = {failure.reason for failure in failures}
    if FailureReason.NO_CAPACITY in reasons:
        zone = f" in zone '{server.zone}'" if server.zone else ""
        return NoValidHost(
            f"No host{zone} has room for server '{server.name}' ({server.flavor_name or server.flavor_id}).",
            cloud=at.cloud.name,
        )
    texts = _distinct(failure.text.strip().rstrip(".") for failure in failures)
    if FailureReason.QUOTA in reasons:
        return QuotaExceeded(f"Server '{server.name}' failed: {'; '.join(texts)}.", cloud=at.cloud.name)
    return ServerFailed(
        f"Server '{server.name}' went to ERROR: {'; '.join(texts) or 'the cloud gives no reason'}.",
        cloud=at.cloud.name,
        reason=next(
            (known.reason for known in failures if known.reason is not FailureReason.UNKNOWN),
            FailureReason.UNKNOWN,
        ).value,
    )


def _distinct(texts: Iterable[str]) -> list[str]:
    """Return texts without the empty ones and those that an earlier one contains."""
    distinct: list[str] = []
    for text in texts:
        if text and not any(text in earlier for earlier in distinct):
            distinct.append(text)
    return distinct


async def seen(at: Context, server: cloud.Server) -> Outputs:
    """Return what a server's entry shows of it: its placement, and its fixed addresses."""
    me = await at.cloud.identity()
    return {
        "placement": server.placement(cloud=at.cloud.name, region=me.region),
        "fixed_addresses": list(server.fixed_addresses),
    }


class DeleteServer(Step, frozen=True, kw_only=True):
    """Delete a server and wait until it is gone."""

    kind: ClassVar[str] = "server.delete"
    action: ClassVar[str] = "TERMINATING"
    repeatable: ClassVar[bool] = True
    calls: ClassVar[int] = 2
    retry: ClassVar[Retry] = Retry(maximum_attempts=10, maximum_interval=timedelta(seconds=5), errors=IN_USE)
    timeout: ClassVar[timedelta] = UNDO_TIMEOUT

    id: str
    force: bool = True
    """Whether to delete it for good if the cloud would keep it restorable: such a server keeps its ports."""

    async def do(self, at: Context) -> Outputs:
        """Delete it."""
        await remove(at, self.id, force=self.force)
        return {"id": self.id, "entry": {"state": "GONE"}}


async def remove(at: Context, id: str, *, force: bool = True) -> None:
    """Delete a server and wait until it is gone, or, without `force`, until it is at least SOFT_DELETED.

    A cloud whose policy forbids to force it keeps the server SOFT_DELETED; there is nothing else to wait for.
    """

    def gone(server: cloud.Server | None) -> bool:
        if server is None or server.state is ServerState.DELETED:
            return True
        # One whose deletion is forced shows that at once.
        return server.state is ServerState.SOFT_DELETED and (not force or server.activity is None)

    async def delete() -> None:
        try:
            await at.cloud.delete_server(id, force=force)
        except (CloudConflict, CloudRefused, CloudForbidden):
            # A proxy may answer so although the cloud has carried it out.
            if not await leaves(at, id):
                raise

    await insist(at, delete, lambda: at.cloud.servers.until(id, gone, due=timedelta(seconds=0.5)))


async def is_kept_deleted(at: Context, id: str) -> bool:
    """Tell whether a server was deleted, and the cloud keeps it for a while. Raises Gone."""
    return (await at.cloud.server(id)).state is ServerState.SOFT_DELETED


async def leaves(at: Context, id: str) -> bool:
    """Tell whether a server is being deleted, or was: also one that the cloud keeps SOFT_DELETED for a while."""
    try:
        server = await at.cloud.server(id)
    except Gone:
        return True
    return server.state in states.DELETED or server.activity is ServerActivity.DELETING
