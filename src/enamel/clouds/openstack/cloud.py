"""One project on one OpenStack cloud: the sum of what its services offer."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from enamel.clouds.calls import cache
from enamel.clouds.driver import Capability
from enamel.clouds.openstack import status, transport
from enamel.clouds.openstack.compute import attachment, catalogue, flavor, history, snapshot
from enamel.clouds.openstack.identity import account, session
from enamel.clouds.openstack.network import network, nova_network
from enamel.clouds.openstack.storage import image, volume, volume_snapshot, volume_transfer
from enamel.clouds.openstack.timeouts import Timeouts
from enamel.clouds.pacing import gate
from enamel.clouds.shared.shared_cache import SharedCache
from enamel.clouds.shared.store import SharedStore
from enamel.clouds.watch import poller, watcher
from enamel.clouds.watch import snapshot as watch_snapshot
from enamel.model import cloud
from enamel.model.cloud_state import CloudState
from enamel.model.errors import Gone

T = TypeVar("T")

_OF_COMPUTE = frozenset({"servers", "cores", "memory_mb", "keypairs", "server_groups"})
_OF_NETWORK = frozenset({"ports", "addresses", "security_groups", "networks"})
_OF_VOLUME = frozenset({"volumes", "gigabytes"})


_SINCE = {
    Capability.MULTI_CREATE: "2.1",
    Capability.SERVER_GROUPS: "2.1",
    Capability.SOFT_AFFINITY: "2.15",
    Capability.WITHOUT_NETWORK: "2.37",
    Capability.SERVER_TAGS: "2.52",
}
"""What came with which of Nova's microversions."""


class OpenStackCloud(
    nova_network.NovaNetwork,
    account.Accounts,
    history.History,
    snapshot.Snapshots,
    attachment.Attachments,
    flavor.Flavors,
    volume.Volumes,
    volume_transfer.VolumeTransfers,
    volume_snapshot.VolumeSnapshots,
):
    """One project on one OpenStack cloud."""

    def __init__(
        self,
        name: str,
        region: Any,
        *,
        patience: Timeouts | None = None,
        board: SharedStore | None = None,
        gates: gate.Pace | None = None,
        sibling: Callable[[str], str | None] = lambda project: None,
    ) -> None:
        self.name = name
        self.sibling = sibling
        self.site = site_of(region)
        patience = patience or Timeouts()
        self.pace = gates or gate.Pace(cloud=name, pauses=patience.pauses)
        self.keystone = session.Session(region, name=name, patience=patience, gates=self.pace)
        self.calls = transport.Transport(
            self.keystone, cloud=name, tls=_tls(region), patience=patience, gates=self.pace
        )
        self.board = board or SharedStore()
        self.kept = cache.Cache(shared=SharedCache(self.board, of=self.whose) if self.board.there else None)
        self.servers = watcher.Watcher(_ServerSource(self), sharing=self._sharing("servers", cloud.Server))
        self.volumes = watcher.Watcher(_VolumeSource(self), sharing=self._sharing("volumes", cloud.Volume))
        self.ports = watcher.Watcher(_PortSource(self))
        self.snapshots = watcher.Watcher(snapshot.Source(self))
        self.volume_snapshots = watcher.Watcher(volume_snapshot.Source(self))

    async def capabilities(self) -> frozenset[Capability]:
        """Return what the driver and this account's catalogue offer together."""
        services = {
            Capability.COMPUTE: "compute",
            Capability.NETWORK: "network",
            Capability.VOLUME: "block-storage",
            Capability.IMAGE: "image",
            Capability.KEY_MANAGER: "key-manager",
        }
        found = {what for what, service in services.items() if await self.keystone.offers(service)}
        if Capability.COMPUTE in found:
            for capability, version in _SINCE.items():
                if await self._version(version) is not None:
                    found.add(capability)
        if Capability.NETWORK in found:
            found.add(Capability.PORTS)
        elif Capability.COMPUTE in found and await self._of_nova():
            found.add(Capability.NETWORK)
        if Capability.NETWORK in found:
            networks = await self.networks()
            if any(one.external for one in networks):
                found.add(Capability.FLOATING_IP)
            inside = [one for one in networks if not one.external]
            # A project with one network needs no other, so nobody asks whether the cloud would make one.
            if len(inside) != 1 and await self.offers_auto_network():
                found.add(Capability.AUTO_NETWORK)
        return frozenset(found)

    def state(self) -> CloudState:
        """Return how the cloud's services bear what is asked of them, and what is known of it."""
        newest = {"compute": f"v2.1 up to {'.'.join(map(str, self._newest))}"} if self._newest else {}
        return status.of(self.name, gates=self.pace, keystone=self.keystone, kept=self.kept, versions=newest)

    async def forget(self) -> None:
        """Throw the cached catalogue away."""
        await self.kept.forget()

    async def refresh(self) -> bool:
        """Throw away what of the catalogue was kept for a while, and tell whether there was any."""
        return await self.kept.refresh()

    async def successors(self, ids: Collection[str]) -> dict[str, str]:
        """Return what has taken the place of flavors, images and networks that are gone: their names with other ids."""
        flavors: catalogue.Offer | None = self.kept.peek(catalogue.FLAVORS)
        networks: network.Offer | None = self.kept.peek(network.NETWORKS)
        before = _named(
            flavors.flavors if flavors else (),
            self.kept.peek(image.IMAGES) or (),
            networks.networks if networks else (),
        )
        # What is not known by a name has no successor, and what was asked a moment ago is as it was.
        if not before.keys() & set(ids) or not await self.kept.refresh():
            return {}
        there = _named(*await asyncio.gather(self.flavors(), self.images(), self.networks()))
        found = {}
        for id in before.keys() & set(ids) - there.keys():
            same = [other for other, name in there.items() if name == before[id]]
            if len(same) == 1:
                found[id] = same[0]
        return found

    async def quota(self, kinds: Collection[str]) -> dict[str, cloud.Limit]:
        """Return the project's limits of the kinds asked for; only services that know one of them are asked."""
        wanted = set(kinds)
        reads = []
        if of_compute := wanted & _OF_COMPUTE:
            reads.append(self._shared(of_compute, self._compute_limits))
        if of_network := wanted & _OF_NETWORK:
            reads.append(self._shared(of_network, self._network_limits))
        if of_volume := wanted & _OF_VOLUME:
            reads.append(self._shared(of_volume, self._volume_limits))
        found = {kind: limit for limits in await asyncio.gather(*reads) for kind, limit in limits.items()}
        return {kind: limit for kind, limit in found.items() if kind in wanted}

    @property
    def in_use(self) -> bool:
        """Whether a call is under way or somebody waits for a resource."""
        watchers = (self.servers, self.volumes, self.ports, self.snapshots, self.volume_snapshots)
        calling = self.calls.under_way > 0 or self.keystone.in_use or self.kept.in_use
        return calling or any(watcher.in_use for watcher in watchers)

    async def close(self) -> None:
        """Give back connections and stop what is under way. A use after that opens connections again."""
        await self.servers.close()
        await self.volumes.close()
        await self.ports.close()
        await self.snapshots.close()
        await self.volume_snapshots.close()
        await self.kept.close()
        await self.keystone.close()
        await self.calls.close()

    def _sharing(self, kind: str, answer: type[T]) -> poller.Sharing[T] | None:
        """Return with whom the looks at one kind are shared."""
        if not self.board.there:
            return None
        return poller.Sharing(self.board, kind=kind, answer=answer, of=self.whose)

    async def whose(self) -> tuple[str, ...]:
        """Return what sets apart what this account sees: the cloud first, then the project and its roles there."""
        who = await self.identity()
        return (self.site, who.project_id, *sorted(who.roles))

    async def _shared(
        self, kinds: set[str], read: Callable[[set[str]], Awaitable[dict[str, cloud.Limit]]]
    ) -> dict[str, cloud.Limit]:
        """Return limits; all who ask for the same ones at once share the answer to one request."""
        return await self.kept.get(
            ("quota", *sorted(kinds)), lambda: read(kinds), keep=timedelta(0), answer=dict[str, cloud.Limit]
        )


class _ServerSource:
    """Where servers are looked at."""

    tells_changes = True

    def __init__(self, of: OpenStackCloud) -> None:
        self._cloud = of

    async def look(
        self, *, since: datetime | None, ids: Collection[str]
    ) -> watch_snapshot.Poll[cloud.Server]:
        params: tuple[tuple[str, str], ...] = ()
        if since is not None:
            params = (("changes-since", since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),)
        return await self._cloud._looked(params)

    async def one(self, id: str) -> cloud.Server:
        return await self._cloud.server(id)

    def kind(self, value: cloud.Server) -> str | None:
        if value.status != "BUILD":
            return None
        return f"{value.flavor_name or value.flavor_id} {value.image_id}"

    def leaves(self, value: cloud.Server) -> bool:
        # Of a server that is deleted softly the lists say nothing for as long as it can be restored.
        return False


class _VolumeSource:
    """Where volumes are looked at."""

    tells_changes = False

    def __init__(self, of: OpenStackCloud) -> None:
        self._cloud = of

    async def look(
        self, *, since: datetime | None, ids: Collection[str]
    ) -> watch_snapshot.Poll[cloud.Volume]:
        return await self._cloud._volumes(())

    async def one(self, id: str) -> cloud.Volume:
        return await self._cloud.volume(id)

    def kind(self, value: cloud.Volume) -> str | None:
        if value.status not in ("creating", "downloading"):
            return None
        return f"{value.type} {value.size_gb}"

    def leaves(self, value: cloud.Volume) -> bool:
        return value.status == "deleting"


class _PortSource:
    """Where the ports of servers are looked at: there is nothing to see of a server until Nova has made them."""

    tells_changes = False
    ASK_AFTER = 10
    """After how many looks without a port the server itself is asked for."""

    def __init__(self, of: OpenStackCloud) -> None:
        self._cloud = of
        self._without: Counter[str] = Counter()

    async def look(
        self, *, since: datetime | None, ids: Collection[str]
    ) -> watch_snapshot.Poll[tuple[cloud.Port, ...]]:
        ports: dict[str, list[cloud.Port]] = {id: [] for id in ids}
        for found in await self._cloud.ports_of(ports):
            ports.setdefault(found.server_id, []).append(found)
        self._without = Counter({id: self._without[id] + 1 for id, there in ports.items() if not there})
        gone = {
            id
            for id, times in self._without.items()
            if times % self.ASK_AFTER == 0 and await self._is_gone(id)
        }
        seen = [
            watch_snapshot.Seen(id=id, updated=None, value=None if id in gone else tuple(there))
            for id, there in ports.items()
        ]
        return watch_snapshot.Poll(seen=seen, at=None)

    async def one(self, id: str) -> tuple[cloud.Port, ...]:
        return tuple(await self._cloud.ports_of([id]))

    def kind(self, value: tuple[cloud.Port, ...]) -> str | None:
        return None if value else "ports"

    def leaves(self, value: tuple[cloud.Port, ...]) -> bool:
        return False

    async def _is_gone(self, server_id: str) -> bool:
        try:
            await self._cloud.server(server_id)
        except Gone:
            return True
        return False


def site_of(region: Any) -> str:
    """Return where a cloud answers: its Keystone, and the region there."""
    url = str(region.get_auth_args().get("auth_url") or region.name)
    keystone = url.rstrip("/").removesuffix("/v3").removesuffix("/v2.0")
    return f"{keystone} {region.get_region_name() or ''}"


def _named(
    flavors: Iterable[cloud.Flavor], images: Iterable[cloud.Image], networks: Iterable[cloud.Network]
) -> dict[str, tuple[str, str]]:
    """Return what each id of a catalogue stands for."""
    return {
        **{one.id: ("flavor", one.name) for one in flavors},
        **{one.id: ("image", one.name) for one in images},
        **{one.id: ("network", one.name) for one in networks},
    }


def _tls(region: Any) -> ssl.SSLContext | bool:
    """Return how far the cloud's certificate is checked, and the one that we show."""
    verify, cert = region.get_requests_verify_args()
    if verify is True and cert is None:
        return True
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert is not None:
        chain = (cert,) if isinstance(cert, str) else cert
        context.load_cert_chain(*chain)
    return context
