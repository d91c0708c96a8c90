"""One project on one OpenStack cloud: the sum of what its services offer."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from enamel.clouds import driver
from enamel.clouds.calls import cache
from enamel.clouds.calls.timeouts import Timeouts
from enamel.clouds.capability import Capability
from enamel.clouds.openstack import status, transport
from enamel.clouds.openstack.compute import (
    action,
    attachment,
    catalogue,
    console,
    flavor,
    history,
    keypair,
    server,
    server_group,
    server_tags,
    snapshot,
)
from enamel.clouds.openstack.identity import account, session
from enamel.clouds.openstack.network import network, network_roles, nova_network, port
from enamel.clouds.openstack.storage import image, volume, volume_snapshot, volume_transfer
from enamel.clouds.pacing import gate
from enamel.clouds.shared.shared_cache import SharedCache
from enamel.clouds.shared.store import SharedStore
from enamel.clouds.watch import poller, watcher
from enamel.model import cloud, role
from enamel.model.cloud_state import CloudState

T = TypeVar("T")

_COMPUTE_QUOTAS = frozenset(
    {"servers", "cores", "memory_mb", "keypairs", "server_groups", "server_group_members", "properties"}
)
_NETWORK_QUOTAS = frozenset({"ports", "addresses", "security_groups", "networks"})
_VOLUME_QUOTAS = frozenset({"volumes", "gigabytes"})


_OF_SERVICE: dict[str, frozenset[Capability]] = {
    "compute": frozenset(
        {
            Capability.COMPUTE,
            Capability.KEYPAIRS,
            Capability.RENAME,
            Capability.TAGS,
            Capability.CONSOLE_LOG,
            Capability.CONSOLES,
            Capability.DIAGNOSTICS,
            Capability.HISTORY,
            Capability.MIGRATION,
            Capability.SERVER_TYPE_EDITING,
        }
    ),
    "network": frozenset(
        {
            Capability.NETWORK,
            Capability.ROUTERS,
            Capability.PORTS,
            Capability.ATTACH_PORTS,
            Capability.SECURITY_GROUPS,
            Capability.NETWORK_CREATION,
        }
    ),
    "block-storage": frozenset(
        {
            Capability.VOLUME,
            Capability.ATTACH_VOLUMES,
            Capability.VOLUME_SNAPSHOTS,
            Capability.VOLUME_TRANSFER,
        }
    ),
    "image": frozenset({Capability.IMAGE, Capability.SERVER_IMAGES, Capability.IMAGE_SHARING}),
    "key-manager": frozenset({Capability.KEY_MANAGER}),
}
"""What comes with each service of the catalogue."""

_NEEDING_COMPUTE = frozenset({Capability.ATTACH_PORTS, Capability.ATTACH_VOLUMES, Capability.SERVER_IMAGES})
"""What takes Nova besides."""

_SINCE = {
    Capability.MULTI_CREATE: "2.1",
    Capability.SERVER_GROUPS: "2.1",
    Capability.SOFT_AFFINITY: "2.15",
    Capability.WITHOUT_NETWORK: "2.37",
    Capability.SERVER_TAGS: "2.52",
    Capability.KEY_NAMES: keypair.WITH_MORE_CHARACTERS,
}
"""What came with which of Nova's microversions."""


class OpenStackCloud(
    nova_network.NovaNetwork,
    action.Actions,
    attachment.Attachments,
    console.Consoles,
    history.History,
    server_tags.Tags,
    snapshot.Snapshots,
    flavor.Flavors,
    server_group.ServerGroups,
    volume.Volumes,
    volume_transfer.VolumeTransfers,
    volume_snapshot.VolumeSnapshots,
    account.Accounts,
    driver.Cloud,
):
    """One project on one OpenStack cloud: the methods of these classes, one module for each noun.

    ======================================  ==========================================================
    group of `enamel.clouds.methods`        module
    ======================================  ==========================================================
    Servers: sizes, zones                   compute/catalogue
    Servers: boot, read, delete             compute/server
    Servers: act, move                      compute/action
    Servers: why_failed; Inside: history    compute/history
    Inside: consoles, diagnostics           compute/console
    Tags                                    compute/server_tags
    ServerTypes                             compute/flavor
    Keypairs, ServerGroups                  compute/keypair, compute/server_group
    Networks: read; routers; made           network/network; network/router; network/creation
    Ports, Addresses                        network/port, network/address
    SecurityGroups                          network/security_group
    … all of these where Nova is it          network/nova_network, which overrides Neutron's
    Volumes: attach, Ports: attach          compute/attachment
    Volumes, their transfer, snapshots      storage/volume, storage/volume_transfer, storage/volume_snapshot
    Images: read                            storage/image
    Images: made of servers, shared         compute/snapshot
    Projects                                identity/account
    ======================================  ==========================================================
    """

    def __init__(
        self,
        name: str,
        region: Any,
        *,
        timeouts: Timeouts | None = None,
        board: SharedStore | None = None,
        gates: gate.Pace | None = None,
        sibling: Callable[[str], str | None] = lambda project: None,
    ) -> None:
        self.name = name
        self.sibling = sibling
        self.site = site_of(region)
        self.roles = network_roles.read(region.config)
        timeouts = timeouts or Timeouts()
        self.pace = gates or gate.Pace(cloud=name, pauses=timeouts.pauses)
        self.keystone = session.Session(region, name=name, timeouts=timeouts, gates=self.pace)
        self.calls = transport.Transport(
            self.keystone, cloud=name, tls=_tls(region), timeouts=timeouts, gates=self.pace
        )
        self.board = board or SharedStore()
        self.kept = cache.Cache(shared=SharedCache(self.board, of=self.whose) if self.board.there else None)
        self.servers = watcher.Watcher(server.Source(self), sharing=self._sharing("servers", cloud.Server))
        self.volumes = watcher.Watcher(volume.Source(self), sharing=self._sharing("volumes", cloud.Volume))
        self.ports = watcher.Watcher(port.Source(self))
        self.snapshots = watcher.Watcher(snapshot.Source(self))
        self.volume_snapshots = watcher.Watcher(volume_snapshot.Source(self))

    async def capabilities(self) -> frozenset[Capability]:
        """Return what the driver and this account's catalogue offer together."""
        offered = {
            capability
            for service, capabilities in _OF_SERVICE.items()
            if await self.keystone.offers(service)
            for capability in capabilities
        } | {Capability.PROJECTS}
        if Capability.COMPUTE in offered:
            for capability, version in _SINCE.items():
                if await self._version(version) is not None:
                    offered.add(capability)
            if await self._version("2.72") is None or role.is_admin((await self.identity()).roles):
                # Later ones keep this to a role, lest servers have more disk than they pay for.
                offered.add(Capability.ZERO_DISK)
        else:
            offered -= _NEEDING_COMPUTE
        if Capability.PORTS not in offered and Capability.COMPUTE in offered and await self._of_nova():
            offered |= {Capability.NETWORK, Capability.SECURITY_GROUPS}
        if not self._routed:
            offered.discard(Capability.ROUTERS)
        if Capability.NETWORK in offered:
            networks = await self.networks()
            routed = self._routed and self.roles.floating_ips
            if routed and any(network.external for network in networks):
                offered.add(Capability.FLOATING_IP)
            project = (await self.identity()).project_id
            # A project that has a network needs no other, so nobody asks whether the cloud would make one.
            if not any(network.serves(project) for network in networks) and await self.offers_auto_network():
                offered.add(Capability.AUTO_NETWORK)
        return frozenset(offered)

    def state(self) -> CloudState:
        """Return how the cloud's services bear what is asked of them, and what is known of it."""
        newest = {"compute": f"v2.1 up to {'.'.join(map(str, self._newest))}"} if self._newest else {}
        return status.of(self.name, gates=self.pace, keystone=self.keystone, kept=self.kept, versions=newest)

    async def forget(self) -> None:
        """Throw the cached catalogue away."""
        await self.kept.forget()

    async def refresh(self, *, at_once: bool = False) -> bool:
        """Throw away what of the catalogue was kept for a while, and tell whether there was any."""
        if at_once:
            await self.kept.forget(network.NETWORKS, network.SUBNETS, network.ROUTERS)
            return True
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
        now = _named(*await asyncio.gather(self.flavors(), self.images(), self.networks()))
        successors = {}
        for id in before.keys() & set(ids) - now.keys():
            same = [other for other, name in now.items() if name == before[id]]
            if len(same) == 1:
                successors[id] = same[0]
        return successors

    async def quota(self, kinds: Collection[str]) -> dict[str, cloud.Limit]:
        """Return the project's limits of the kinds asked for; only services that know one of them are asked."""
        asked = set(kinds)
        reads = []
        if of_compute := asked & _COMPUTE_QUOTAS:
            reads.append(self._shared(of_compute, self._compute_limits))
        if of_network := asked & _NETWORK_QUOTAS:
            reads.append(self._shared(of_network, self._network_limits))
        if of_volume := asked & _VOLUME_QUOTAS:
            reads.append(self._shared(of_volume, self._volume_limits))
        known = {kind: limit for limits in await asyncio.gather(*reads) for kind, limit in limits.items()}
        return {kind: limit for kind, limit in known.items() if kind in asked}

    @property
    def in_use(self) -> bool:
        """Whether a call is under way or somebody waits for a resource."""
        watchers = (self.servers, self.volumes, self.ports, self.snapshots, self.volume_snapshots)
        calling = self.calls.in_use or self.keystone.in_use or self.kept.in_use
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
        """Return with whom the polls of one kind are shared."""
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
        **{resource.id: ("flavor", resource.name) for resource in flavors},
        **{resource.id: ("image", resource.name) for resource in images},
        **{resource.id: ("network", resource.name) for resource in networks},
    }


def _tls(region: Any) -> ssl.SSLContext | bool:
    """Return how far the cloud's certificate is checked, and the one that we show."""
    verify, cert = region.get_requests_verify_args()
    if verify is True and cert is None:
        return True
    chain = () if cert is None else (cert,) if isinstance(cert, str) else cert
    for file in (*((verify,) if isinstance(verify, str) else ()), *chain):
        # What the ssl module says of a file that is not there does not name it.
        Path(file).open("rb").close()
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if chain:
        context.load_cert_chain(*chain)
    return context
