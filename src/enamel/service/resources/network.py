"""The network: with its ranges of addresses, and whether public addresses come from it."""

import asyncio
from collections.abc import Iterable

from msgspec import Struct

from enamel.clouds.capability import Capability
from enamel.model import cloud as cloud_model
from enamel.model.call_context import CallContext
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.resources import paging, volume
from enamel.service.resources.paging import Page


class Range(Struct, frozen=True, kw_only=True):
    """A range of addresses on a network."""

    id: str
    name: str
    cidr: str
    ip_version: int


class Network(Struct, frozen=True, kw_only=True):
    """A network that a server can be attached to, or that public addresses come from."""

    id: str
    name: str
    external: bool
    """Whether public addresses come from it."""
    shared: bool
    """Whether every project can use it."""
    default: bool
    up: bool
    subnets: tuple[Range, ...]
    """Those that the project may see."""
    cloud: str
    """The cloud that it is on."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which networks to list; an empty field matches all."""

    external: bool | None = None
    names: tuple[str, ...] = ()

    def matches(self, network: Network) -> bool:
        """Return whether a network is listed."""
        return (self.external is None or network.external is self.external) and (
            not self.names or network.name in self.names
        )


EVERYTHING = Filter()


class Networks:
    """Lists networks."""

    def __init__(self, clouds: CallerClouds) -> None:
        self._clouds = clouds

    async def list(
        self,
        ctx: CallContext,
        *,
        cloud: str | None = None,
        matching: Filter = EVERYTHING,
        limit: int = paging.LIMIT,
        marker: str | None = None,
    ) -> Page[Network]:
        """Return the networks that the project may see, in the order of their names.

        Raises:
            CapabilityMissing: The cloud has no network service.
        """
        policy.enforce(ctx, "enamel:network:list")
        account = self._clouds.chosen(ctx, cloud)
        await volume.require(account, Capability.NETWORK)
        networks, subnets = await asyncio.gather(account.networks(), account.subnets())
        return paging.page(
            _networks(networks, subnets, cloud=account.name),
            limit=limit,
            marker=marker,
            key=lambda network: network.id,
            what="network",
            keep=matching.matches,
        )


def _networks(
    networks: Iterable[cloud_model.Network], subnets: Iterable[cloud_model.Subnet], *, cloud: str
) -> list[Network]:
    ranges: dict[str, list[Range]] = {}
    for subnet in subnets:
        ranges.setdefault(subnet.network_id, []).append(
            Range(id=subnet.id, name=subnet.name, cidr=subnet.cidr, ip_version=subnet.ip_version)
        )
    records = [
        Network(
            id=network.id,
            name=network.name,
            external=network.external,
            shared=network.shared,
            default=network.default,
            up=network.up,
            subnets=tuple(ranges.get(network.id, ())),
            cloud=cloud,
        )
        for network in networks
    ]
    return sorted(records, key=lambda network: (network.name, network.id))
