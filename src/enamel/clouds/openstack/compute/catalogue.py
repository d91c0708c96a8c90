"""What the compute service offers beside servers: flavors, zones, its versions and limits."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct, field

from enamel.clouds.openstack import service
from enamel.clouds.openstack.compute import flavor_mark, keypair
from enamel.model import cloud

SERVICE = "compute"
FLAVORS = "flavors"
"""What the list of flavors is kept under."""


class Flavor(Struct):
    """A flavor as Nova shows it."""

    id: service.Id
    ram: int
    vcpus: int
    disk: int
    name: str = ""
    swap: int | str = 0
    """Before 2.75 an empty text where there is none."""
    rxtx_factor: float = 1.0
    description: str | None = None
    public: bool = field(name="os-flavor-access:is_public", default=True)
    ephemeral: int = field(name="OS-FLV-EXT-DATA:ephemeral", default=0)
    extra_specs: dict[str, str] = {}
    """From 2.61 on."""

    def neutral(self) -> cloud.Flavor:
        """Return it in Enamel's words."""
        return cloud.Flavor(
            id=self.id,
            name=self.name or self.id,
            memory_mb=self.ram,
            vcpus=self.vcpus,
            disk_gb=self.disk,
            swap_mb=self.swap if isinstance(self.swap, int) else 0,
            rxtx_factor=self.rxtx_factor,
            description=self.description or "",
            public=self.public,
            ephemeral_gb=self.ephemeral,
            marks=flavor_mark.read(self.extra_specs),
        )


class _Flavors(service.Page):
    flavors: list[Flavor]
    flavors_links: list[service.Link] = field(default_factory=list)


class _ZoneState(Struct):
    available: bool = True


class _Zone(Struct):
    name: service.Id = field(name="zoneName")
    state: _ZoneState = field(name="zoneState", default_factory=_ZoneState)


class _Zones(Struct):
    zones: list[_Zone] = field(name="availabilityZoneInfo")


class _Extension(Struct):
    alias: service.Id


class _Extensions(Struct):
    extensions: list[_Extension]


class _Absolute(Struct):
    servers: int = field(name="maxTotalInstances", default=-1)
    servers_used: int = field(name="totalInstancesUsed", default=0)
    cores: int = field(name="maxTotalCores", default=-1)
    cores_used: int = field(name="totalCoresUsed", default=0)
    memory_mb: int = field(name="maxTotalRAMSize", default=-1)
    memory_mb_used: int = field(name="totalRAMUsed", default=0)
    keypairs: int = field(name="maxTotalKeypairs", default=-1)
    server_groups: int = field(name="maxServerGroups", default=-1)
    server_groups_used: int = field(name="totalServerGroupsUsed", default=0)
    members: int = field(name="maxServerGroupMembers", default=-1)
    properties: int = field(name="maxServerMeta", default=-1)


class _Limits(Struct):
    absolute: _Absolute = field(default_factory=_Absolute)


class _LimitsBody(Struct):
    limits: _Limits = field(default_factory=_Limits)


class Offer(Struct, frozen=True, kw_only=True):
    """What one question for the flavors tells."""

    flavors: list[cloud.Flavor]
    newest: tuple[int, ...] | None
    """The newest microversion that the cloud knows."""


class Catalogue(keypair.Keypairs):
    """What servers are made with, and how new the cloud is."""

    _newest: tuple[int, ...] | None = None
    """The newest microversion that the cloud knows; None where it knows none, or has not been asked."""

    async def flavors(self) -> Sequence[cloud.Flavor]:
        """Return the sizes of servers."""
        offer = await self.kept.get(FLAVORS, self._flavors, keep=service.CATALOGUE, answer=Offer)
        self._newest = offer.newest
        return offer.flavors

    async def zones(self) -> Sequence[cloud.Zone]:
        """Return the availability zones."""
        return await self.kept.get("zones", self._zones, keep=service.CATALOGUE, answer=list[cloud.Zone])

    async def _version(self, *preferred: str) -> str | None:
        """Return the first of the microversions that the cloud knows; None where it knows none."""
        if self._newest is None:
            await self.flavors()
        for version in preferred:
            if self._newest is not None and (_number(version) or ()) <= self._newest:
                return version
        return None

    async def _aliases(self) -> frozenset[str]:
        """Return the extensions of clouds that tell by these, and not by microversions, what they can do."""
        return await self.kept.get(
            "compute extensions", self._extensions_of_nova, keep=service.CATALOGUE, answer=frozenset[str]
        )

    async def _extensions_of_nova(self) -> frozenset[str]:
        reply = await self._get(SERVICE, "/extensions", answer=_Extensions)
        return frozenset(extension.alias for extension in reply.extensions)

    async def _flavors(self) -> Offer:
        # To those who see everything Nova shows the public ones only, unless they ask for all; others it tells the same.
        everything = ("is_public", "None")
        # An answer in the latest version says which one that is, which saves asking for the version document.
        listed = await self._listed(
            SERVICE, "/flavors/detail", answer=_Flavors, params=(everything,), version="latest"
        )
        newest = _number(listed.version) if listed.version else None
        return Offer(flavors=[entry.neutral() for entry in listed.entries], newest=newest)

    async def _zones(self) -> list[cloud.Zone]:
        reply = await self._get(SERVICE, "/os-availability-zone", answer=_Zones)
        return [cloud.Zone(name=zone.name, available=zone.state.available) for zone in reply.zones]

    async def _compute_limits(self, kinds: set[str]) -> dict[str, cloud.Limit]:
        """Return the limits of servers, cores, memory_mb, keypairs and server_groups, and of what one of them may have."""
        limits = self._get(SERVICE, "/limits", answer=_LimitsBody)
        if "keypairs" in kinds:
            # The limits say how many there may be, but not how many there are.
            reply, keypairs = await asyncio.gather(limits, self._keypairs_now())
            keypairs_used = len(keypairs)
        else:
            reply, keypairs_used = await limits, 0
        absolute = reply.limits.absolute
        return {
            "servers": cloud.Limit(limit=absolute.servers, used=absolute.servers_used),
            "cores": cloud.Limit(limit=absolute.cores, used=absolute.cores_used),
            "memory_mb": cloud.Limit(limit=absolute.memory_mb, used=absolute.memory_mb_used),
            "keypairs": cloud.Limit(limit=absolute.keypairs, used=keypairs_used),
            "server_groups": cloud.Limit(limit=absolute.server_groups, used=absolute.server_groups_used),
            "server_group_members": cloud.Limit(limit=absolute.members, used=0),
            "properties": cloud.Limit(limit=absolute.properties, used=0),
        }


def _number(version: str) -> tuple[int, ...] | None:
    """Return a microversion as numbers; None where it is none, as a proxy's word in its place."""
    parts = version.strip().split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else None
