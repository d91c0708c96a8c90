"""One project on one OpenStack cloud: the sum of what its services offer."""

import asyncio
import ssl
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from enamel.clouds import cache, watch
from enamel.clouds.driver import Capability
from enamel.clouds.openstack import (
    compute,
    image,
    network,
    port,
    security_group,
    server,
    session,
    transport,
    volume,
)
from enamel.model import cloud

_OF_COMPUTE = frozenset({"servers", "cores", "memory_mb", "keypairs", "server_groups"})
_OF_NETWORK = frozenset({"ports", "addresses", "security_groups", "networks"})
_OF_VOLUME = frozenset({"volumes", "gigabytes"})


class OpenStackCloud(
    server.Servers,
    compute.Compute,
    network.Networks,
    port.Ports,
    security_group.SecurityGroups,
    volume.Volumes,
    image.Images,
):
    """One project on one OpenStack cloud."""

    def __init__(self, name: str, region: Any, *, patience: transport.Patience | None = None) -> None:
        self.name = name
        self.keystone = session.Session(region, name=name)
        self.calls = transport.Transport(self.keystone, cloud=name, tls=_tls(region), patience=patience)
        self.kept = cache.Cache()
        self.servers = watch.Watcher(_ServerSource(self))
        self.volumes = watch.Watcher(_VolumeSource(self))

    async def capabilities(self) -> frozenset[Capability]:
        services = {
            Capability.COMPUTE: "compute",
            Capability.NETWORK: "network",
            Capability.VOLUME: "block-storage",
            Capability.IMAGE: "image",
            Capability.KEY_MANAGER: "key-manager",
        }
        found = {what for what, service in services.items() if await self.keystone.offers(service)}
        if Capability.COMPUTE in found:
            if await self._version("2.15") is not None:
                found.add(Capability.SOFT_AFFINITY)
            if await self._version("2.52") is not None:
                found.add(Capability.SERVER_TAGS)
        if Capability.NETWORK in found:
            networks = await self.networks()
            if any(one.external for one in networks):
                found.add(Capability.FLOATING_IP)
            inside = [one for one in networks if not one.external]
            # A project with one network needs no other, so nobody asks whether the cloud would make one.
            if len(inside) != 1 and await self.offers_auto_network():
                found.add(Capability.AUTO_NETWORK)
        return frozenset(found)

    def forget(self) -> None:
        self.kept.forget()

    async def quota(self, kinds: Collection[str]) -> dict[str, cloud.Limit]:
        wanted = set(kinds)
        reads = []
        if wanted & _OF_COMPUTE:
            reads.append(self._compute_limits(wanted))
        if wanted & _OF_NETWORK:
            reads.append(self._network_limits(wanted))
        if wanted & _OF_VOLUME:
            reads.append(self._volume_limits())
        found = {kind: limit for limits in await asyncio.gather(*reads) for kind, limit in limits.items()}
        return {kind: limit for kind, limit in found.items() if kind in wanted}

    async def close(self) -> None:
        await self.servers.close()
        await self.volumes.close()
        await self.kept.close()
        await self.keystone.close()
        await self.calls.close()


class _ServerSource:
    """Where servers are looked at."""

    tells_changes = True

    def __init__(self, of: OpenStackCloud) -> None:
        self._cloud = of

    async def look(self, *, since: datetime | None) -> watch.Look[cloud.Server]:
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

    async def look(self, *, since: datetime | None) -> watch.Look[cloud.Volume]:
        return await self._cloud._volumes(())

    async def one(self, id: str) -> cloud.Volume:
        return await self._cloud.volume(id)

    def kind(self, value: cloud.Volume) -> str | None:
        if value.status not in ("creating", "downloading"):
            return None
        return f"{value.type} {value.size_gb}"

    def leaves(self, value: cloud.Volume) -> bool:
        return value.status == "deleting"


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
