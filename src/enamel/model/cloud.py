"""What clouds have, in Enamel's words: the same fields with the same meaning whatever driver found them."""

import enum
from datetime import datetime

from msgspec import Struct

from enamel.model import role
from enamel.model.placement import root_of
from enamel.model.router import Router as Router
from enamel.model.router import RouterEnd as RouterEnd
from enamel.model.states import (
    FailureReason,
    ImageState,
    PowerState,
    ServerActivity,
    ServerState,
    VolumeState,
)


class FlavorMarks(Struct, frozen=True, kw_only=True):
    """What is written on a size of server beside its numbers."""

    tags: tuple[str, ...] = ()
    owner: str = ""
    """Id of the project that made it; empty where that was not done through Enamel."""
    users: tuple[str, ...] = ()
    """Ids of the users that it is shared with."""
    guests: tuple[str, ...] = ()
    """Ids of the projects that have it for these users alone."""
    extra: tuple[tuple[str, str], ...] = ()
    """What others have written there, in the cloud's words; as pairs, which never look like a reference of a plan."""


class Flavor(Struct, frozen=True, kw_only=True):
    """A size of server."""

    id: str
    name: str
    memory_mb: int
    vcpus: int
    disk_gb: int
    """Size of the root disk; 0 where the image or the boot volume decides."""
    swap_mb: int = 0
    ephemeral_gb: int = 0
    """Size of a second disk."""
    rxtx_factor: float = 1.0
    description: str = ""
    public: bool = True
    """Whether every project can use it."""
    marks: FlavorMarks = FlavorMarks()
    projects: tuple[str, ...] = ()
    """Ids of the projects that can use a private one; only filled where one flavor was asked for."""

    def usable_by(self, who: "Identity") -> bool:
        """Tell whether somebody to whom the cloud shows it can use it, as far as it is shared with users alone."""
        if self.public or role.is_admin(who.roles) or who.project_id not in self.marks.guests:
            return True
        return who.user_id in self.marks.users


class FlavorSpec(Struct, frozen=True, kw_only=True):
    """A size of server to be made."""

    name: str
    memory_mb: int
    vcpus: int
    disk_gb: int
    swap_mb: int = 0
    ephemeral_gb: int = 0
    rxtx_factor: float = 1.0
    description: str = ""
    public: bool = False
    id: str = ""
    """Empty leaves it to the cloud."""


class Account(Struct, frozen=True, kw_only=True):
    """A user or a project, as the cloud's identity service knows it."""

    id: str
    name: str


class Image(Struct, frozen=True, kw_only=True):
    """An image, or a snapshot of a server."""

    id: str
    name: str
    state: ImageState
    status: str
    """The cloud's own word for the state, in lower case: for people."""
    min_disk_gb: int = 0
    min_memory_mb: int = 0
    size_bytes: int = 0
    virtual_size_bytes: int = 0
    snapshot: bool = False
    """Whether it was made from a server."""
    volume_backed: bool = False
    """Whether it holds no bytes but names volume snapshots (Nova's snapshots of servers on volumes)."""
    created_at: str = ""
    mark: str = ""


class Network(Struct, frozen=True, kw_only=True):
    """A network that the project may see."""

    id: str
    name: str
    project_id: str
    external: bool = False
    """Whether public addresses come from it."""
    shared: bool = False
    default: bool = False
    subnets: tuple[str, ...] = ()
    up: bool = True
    port_security: bool = True
    """Whether its ports have security groups, where they do not say otherwise themselves."""
    address_scope: str = ""
    """Id of the scope of its IPv4 addresses: between networks of one scope, routers do not translate."""
    public_versions: tuple[int, ...] | None = None
    """IP versions whose addresses are public there, if the cloud's configuration says so; None if it says nothing."""
    nat_source: bool = False
    """Whether it is configured as the network that floating IPs come from."""
    nat_destination: bool = False
    """Whether it is configured as the network that floating IPs lead to."""
    default_interface: bool = False
    """Whether it is configured as the network of servers that name none."""
    mark: str = ""
    """Its description."""
    created: datetime | None = None

    def serves(self, project_id: str) -> bool:
        """Tell whether a server of a project gets an address on it without having named it."""
        own = self.project_id == project_id and not self.external
        return bool(self.subnets) and self.up and (own or self.shared)


class Subnet(Struct, frozen=True, kw_only=True):
    """A range of addresses on a network."""

    id: str
    name: str
    network_id: str
    cidr: str
    ip_version: int = 4


class Zone(Struct, frozen=True, kw_only=True):
    """An availability zone of the compute service."""

    name: str
    available: bool = True


class VolumeType(Struct, frozen=True, kw_only=True):
    """A kind of volume."""

    id: str
    name: str


class Keypair(Struct, frozen=True, kw_only=True):
    """A public key that servers are given."""

    name: str
    public_key: str
    fingerprint: str = ""


class SecurityGroup(Struct, frozen=True, kw_only=True):
    """A set of rules for what may reach a server."""

    id: str
    name: str
    description: str = ""
    project_id: str = ""
    created: datetime | None = None
    updated: datetime | None = None


class Rule(Struct, frozen=True, kw_only=True):
    """One thing that may come in."""

    protocol: str
    """tcp, udp, icmp, or any other name or number that the cloud knows."""
    port_min: int | None = None
    port_max: int | None = None
    source: str | None = None
    """A CIDR; None with no group means from everywhere."""
    group_id: str | None = None
    """The id of a security group whose members may come in."""
    ip_version: int = 4


DEFAULT_GROUP = "default"
"""What stands for the id of the project's default security group."""


class PortSpec(Struct, frozen=True, kw_only=True):
    """A port to be made."""

    network_id: str
    name: str
    mark: str
    """Goes into the port's description."""
    subnet_id: str | None = None
    fixed_address: str | None = None
    security_groups: tuple[str, ...] | None = None
    """Ids, or DEFAULT_GROUP; None leaves the project's default."""


class Port(Struct, frozen=True, kw_only=True):
    """A server's end of a network."""

    id: str
    network_id: str
    name: str = ""
    mark: str = ""
    """Its description."""
    server_id: str = ""
    """Its device; empty while nothing uses it."""
    addresses: tuple[str, ...] = ()
    mac: str = ""
    security_groups: tuple[str, ...] = ()
    port_security: bool = True
    """Whether it can have security groups."""
    owner: str = ""
    """What kind of thing its device is; empty while nothing uses it."""
    created: datetime | None = None
    updated: datetime | None = None


class AddressKind(enum.Enum):
    """How an address outlives servers."""

    FLOATING = "FLOATING"
    """A floating IP, from which the cloud translates to a server's own address."""
    PORT = "PORT"
    """A port with a fixed address, which is attached to one server after the other."""


class Address(Struct, frozen=True, kw_only=True):
    """An address that outlives servers."""

    id: str
    """Of the floating IP, or of the port."""
    address: str
    network_id: str
    port_id: str | None = None
    """Where a floating IP leads."""
    fixed_address: str | None = None
    """What a floating IP is translated to."""
    mark: str = ""
    kind: AddressKind = AddressKind.FLOATING
    server_id: str = ""
    """What it leads to, as far as that is known."""
    server_deleted: bool = False
    """Whether that server was deleted, and the cloud only keeps it for a while."""
    created: datetime | None = None
    updated: datetime | None = None

    @property
    def used(self) -> bool:
        """Tell whether it leads anywhere where somebody needs it."""
        return bool(self.port_id or self.server_id) and not self.server_deleted


class VolumeSnapshot(Struct, frozen=True, kw_only=True):
    """What was on a volume at some time."""

    id: str
    volume_id: str
    name: str
    description: str
    size_gb: int
    state: VolumeState
    status: str
    """The cloud's own word for the state, in lower case: for people."""
    mark: str = ""
    created: datetime | None = None


class VolumeSpec(Struct, frozen=True, kw_only=True):
    """A volume to be made."""

    size_gb: int
    name: str
    mark: str
    """Goes into the volume's metadata under the key `enamel`."""
    type: str | None = None
    image_id: str | None = None
    zone: str | None = None


class Volume(Struct, frozen=True, kw_only=True):
    """A block device that outlives servers."""

    id: str
    name: str
    size_gb: int
    state: VolumeState
    status: str
    """The cloud's own word for the state, in lower case: for people."""
    type: str = ""
    bootable: bool = False
    mark: str = ""
    attached_to: tuple[str, ...] = ()
    """Ids of servers."""
    zone: str = ""
    multiattach: bool = False
    created: datetime | None = None
    updated: datetime | None = None
    project_id: str = ""


class Offer(Struct, frozen=True, kw_only=True):
    """A volume that a project offers to whoever has the key."""

    id: str
    key: str


class NetworkPort(Struct, frozen=True, kw_only=True):
    """What a server is attached to: a port, or a network on which the cloud makes one."""

    port_id: str | None = None
    network_id: str | None = None
    fixed_address: str | None = None


class Disk(Struct, frozen=True, kw_only=True):
    """A volume that a server is to have from its first moment."""

    volume_id: str
    boot: bool = False
    delete_with_server: bool = False


class ServerSpec(Struct, frozen=True, kw_only=True):
    """A server, or several equal ones, to be booted."""

    name: str
    """With `count` over 1 the cloud adds -1, -2 … to it."""
    flavor_id: str
    mark: str
    """Goes into the metadata under the key `enamel`."""
    image_id: str | None = None
    """Ignored where one of the disks boots."""
    image_maps_disks: bool = False
    """Whether the image is of a server that boots from a volume: it has no data, and names the disks of its own."""
    networks: tuple[NetworkPort, ...] | None = None
    """None leaves the choice to the cloud; empty means no network at all."""
    security_groups: tuple[str, ...] = ()
    """Ids; with ports they belong to the ports and are not sent."""
    key_name: str | None = None
    user_data: str | None = None
    """Base64."""
    zone: str | None = None
    disks: tuple[Disk, ...] = ()
    properties: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    group_id: str | None = None
    """Server group."""
    same_host: tuple[str, ...] = ()
    different_host: tuple[str, ...] = ()
    count: int = 1


class Failure(Struct, frozen=True, kw_only=True):
    """Why a cloud failed to do something to a server."""

    reason: FailureReason = FailureReason.UNKNOWN
    text: str
    """The cloud's own sentence; empty where it gives none."""


class ServerInterface(Struct, frozen=True, kw_only=True):
    """A server's end of a network, as the server itself shows it."""

    network: str
    """The network's name."""
    mac: str = ""
    """Empty where the cloud does not tell it."""
    addresses: tuple[str, ...] = ()
    """The fixed ones."""


class Server(Struct, frozen=True, kw_only=True):
    """A virtual machine."""

    id: str
    name: str
    state: ServerState
    activity: ServerActivity | None = None
    """What the cloud is doing to it; None while it leaves it alone."""
    power: PowerState | None = None
    """None where nothing runs yet, and where the cloud does not say."""
    created: datetime | None = None
    updated: datetime | None = None
    launched_at: datetime | None = None
    flavor_id: str = ""
    flavor_name: str = ""
    memory_mb: int = 0
    vcpus: int = 0
    disk_gb: int = 0
    image_id: str | None = None
    zone: str = ""
    key_name: str | None = None
    user_id: str = ""
    project_id: str = ""
    mark: str = ""
    """Value of the metadata key `enamel`."""
    metadata: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    fixed_addresses: tuple[str, ...] = ()
    floating_addresses: tuple[str, ...] = ()
    interfaces: tuple[ServerInterface, ...] = ()
    """As far as the cloud tells them apart: without MAC addresses, all those on one network are one."""
    volumes: tuple[str, ...] = ()
    """Ids of attached volumes."""
    fault: Failure | None = None
    """Why it is in ERROR, where the cloud says so beside the server."""
    host: str | None = None
    """Compute host; only where the cloud shows it to this caller."""
    host_id: str = ""
    """The same for all of a project's servers on one host, and tells nothing else of it."""
    inner: dict[str, str] = {}
    """What else the cloud shows to its operators."""
    locked: bool = False
    """Whether it is protected from most actions."""
    locked_reason: str = ""
    """Why, in the words of whoever has locked it."""
    groups: tuple[str, ...] | None = None
    """Ids of the server groups that it is in; None where nobody has said, as in lists and on clouds before 2019."""

    def placement(self, *, cloud: str, region: str) -> str:
        """Return the path of the placement where it is: cloud/region/zone, as far as that is known."""
        return "/".join(part for part in (root_of(cloud, region), self.zone) if part)


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """Something that was done to a server, as the cloud remembers it."""

    id: str
    """The cloud's id of the request that began it."""
    action: str
    """CREATE, TERMINATE, the name of an Action, or the cloud's own word in upper case."""
    user_id: str
    started: datetime | None
    failed: bool = False


class ServerGroup(Struct, frozen=True, kw_only=True):
    """A rule for where servers stand relative to each other."""

    id: str
    name: str
    policy: str
    members: tuple[str, ...] = ()
    """Ids of the servers in it that are not deleted."""


class Limit(Struct, frozen=True, kw_only=True):
    """One quota of a project."""

    limit: int
    """-1 where there is none."""
    used: int
    """In use and reserved."""

    @property
    def free(self) -> int | None:
        """Return how many more fit; None where there is no limit."""
        return None if self.limit < 0 else max(0, self.limit - self.used)


class Identity(Struct, frozen=True, kw_only=True):
    """The user, project and roles of an account on a cloud, and the region that it is used in."""

    user_id: str
    user_name: str
    project_id: str
    project_name: str
    roles: tuple[str, ...] = ()
    region: str = ""
    """A part of the paths of placements: a cloud with zones has a region, be it its only one."""
