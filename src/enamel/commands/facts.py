"""The facts of a cloud: what a command needs to know before it plans, and the answers."""

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct

from enamel.clouds.capability import Capability
from enamel.model import cloud as words
from enamel.model import orphan
from enamel.model.action import Action
from enamel.model.cloud_reference import CloudReference
from enamel.model.item import Item
from enamel.model.placement import Containers
from enamel.model.task import Task


class OrphanFactsNeeded(Struct, frozen=True, kw_only=True):
    """Which orphans have to be known."""

    kinds: frozenset[orphan.Kind] = frozenset(orphan.Kind)
    min_age: timedelta | None = None
    """The age from which they are proposed; by default the configured ones."""
    foreign: bool = False
    """Whether those of unknown tasks belong to them."""


class Target(Struct, frozen=True, kw_only=True):
    """Another project of the same cloud, to which something is to go."""

    reference: CloudReference
    """How the cloud is reached for this project."""
    identity: words.Identity
    flavors: tuple[words.Flavor, ...] = ()
    networks: tuple[words.Network, ...] = ()
    servers_named: tuple[words.Server, ...] = ()
    keypair: words.Keypair | None = None
    quota: Mapping[str, words.Limit] = {}


class FactsNeeded(Struct, frozen=True, kw_only=True):
    """What a command needs to know; nothing else is asked of the cloud."""

    flavors: bool = False
    flavor: str | None = None
    """Id or name of a flavor of which everything has to be known."""
    images: bool = False
    templates: frozenset[str] = frozenset()
    """Names or ids of templates: where one is no image, the volumes are asked for."""
    named: Mapping[str, frozenset[str]] = {}
    """Names or ids of which the lists of flavors, images, networks, security_groups, volumes and volume_types have to know: what has
    one of the ids and is in no list is asked for by itself."""
    networks: bool = False
    subnets: bool = False
    routers: bool = False
    """Whether the routers have to be known, and of the subnets at least what routes depend on."""
    routed: frozenset[str] = frozenset()
    """Names or ids of the networks that these routes are to lead to; without any, they may lead to every network."""
    zones: bool = False
    volume_types: bool = False
    volume_zones: bool = False
    volumes: bool = False
    volume_snapshots: bool = False
    addresses: bool = False
    security_groups: bool = False
    ports: frozenset[str] = frozenset()
    """Names or ids of existing ports."""
    keypairs: frozenset[str] = frozenset()
    server_names: frozenset[str] = frozenset()
    servers: bool = False
    quota: frozenset[str] = frozenset()
    server: str | None = None
    """Id of an existing server."""
    host: str | None = None
    """Name or id of a server: all servers have to be known, and the ports of the one that it fits."""
    target: str | None = None
    """Id or name of the project to which that server is to go."""
    target_name: str | None = None
    """Its name there; by default its present name."""
    interfaces: bool = False
    """Whether that server's ports have to be known."""
    terminate: str | None = None
    """Id of a server of which everything around it has to be known."""
    task: str | None = None
    """Id of a task of which the items have to be known."""
    orphans: OrphanFactsNeeded | None = None


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of a cloud; only what was asked for is filled."""

    cloud: str
    identity: words.Identity
    clouds: tuple[str, ...] = ()
    """All clouds of the configuration."""
    containers: Containers = Containers()
    """The containers that the operator has defined over them."""
    capabilities: frozenset[Capability] = frozenset()
    actions: frozenset[Action] = frozenset(Action)
    """The actions on servers that the cloud can do."""
    flavors: tuple[words.Flavor, ...] = ()
    """Those that the caller can use."""
    flavor: words.Flavor | None = None
    images: tuple[words.Image, ...] = ()
    networks: tuple[words.Network, ...] = ()
    subnets: tuple[words.Subnet, ...] = ()
    """If only the routers were asked for: those that these are connected to, if that is all that matters."""
    routers: tuple[words.Router, ...] | None = None
    """None where they were not asked for, and where the cloud does not show any."""
    zones: tuple[words.Zone, ...] = ()
    volume_types: tuple[words.VolumeType, ...] = ()
    volume_zones: tuple[words.Zone, ...] = ()
    volumes: tuple[words.Volume, ...] = ()
    volume_snapshots: tuple[words.VolumeSnapshot, ...] = ()
    addresses: tuple[words.Address, ...] = ()
    security_groups: tuple[words.SecurityGroup, ...] = ()
    keypairs: Mapping[str, words.Keypair] = {}
    servers_named: tuple[words.Server, ...] = ()
    servers: tuple[words.Server, ...] = ()
    quota: Mapping[str, words.Limit] = {}
    reserved: Mapping[str, int] = {}
    """What running tasks have reserved of each quota."""
    reserved_names: frozenset[str] = frozenset()
    """Host names that running tasks have reserved."""
    server: words.Server | None = None
    ports: tuple[words.Port, ...] = ()
    """Those asked for, or those of the server that is to be terminated."""
    target: Target | None = None
    unfinished: tuple[Task, ...] = ()
    """The tasks that are at work on the server."""
    orphans: tuple[orphan.Orphan, ...] = ()
    task: Task | None = None
    items: tuple[Item, ...] = ()
    children: tuple[Task, ...] = ()
    """The tasks that have reverted or restarted this one, or are to."""

    def volume_zone(self, zone: str | None) -> str | None:
        """Return the zone for the volumes of a server that is in a zone: the same where volumes have it, or None."""
        return zone if any(known.name == zone and known.available for known in self.volume_zones) else None
