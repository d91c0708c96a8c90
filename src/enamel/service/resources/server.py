"""The server: one record for all clouds, without the names of hypervisors and vendors."""

import enum
import ipaddress
import itertools
from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import Struct, field

from enamel.model import action, cloud, role
from enamel.model.placement import id_of
from enamel.model.states import PowerState, ServerState


class VirtState(enum.Enum):
    """What a server is doing."""

    ACTIVE = "ACTIVE"
    BUILDING = "BUILDING"
    PAUSED = "PAUSED"
    SUSPENDED = "SUSPENDED"
    STOPPED = "STOPPED"
    RESCUED = "RESCUED"
    RESIZED = "RESIZED"
    TERMINATED = "TERMINATED"
    SHELVED = "SHELVED"
    SHELVED_OFFLOADED = "SHELVED_OFFLOADED"
    ERROR = "ERROR"


class Spec(Struct, frozen=True, kw_only=True):
    """How large a server is."""

    memory_mb: int
    root_disk_gb: int
    cpu_units: int


class BlockDevice(Struct, frozen=True, kw_only=True):
    """A disk of a server."""

    type: str
    """EPHEMERAL (it goes with the server) or PERSISTENT (a volume)."""
    device: str
    """The volume's id, or `root`."""


class Access(Struct, frozen=True, kw_only=True):
    """The addresses at which a server can be reached."""

    ip4: tuple[str, ...] = ()
    ip6: tuple[str, ...] = ()


class Interface(Struct, frozen=True, kw_only=True):
    """A server's end of a network."""

    network: str
    """The network's name."""
    ip4: str | None = None
    """The first of its fixed IPv4 addresses."""
    ip6: str | None = None
    """The first of its fixed IPv6 addresses."""
    addresses: tuple[str, ...] = ()
    """All of its fixed addresses."""
    mac: str | None = None
    """Null where the cloud does not tell it."""


class Networking(Struct, frozen=True, kw_only=True):
    """How a server is connected."""

    access: Access
    """Public addresses, or the fixed ones where it has no public one."""
    interfaces: dict[str, Interface]
    """By the name of the network; where a server has several on one network, the others have a number after it: `private-2`."""


class Server(Struct, frozen=True, kw_only=True):
    """A server."""

    id: str
    hostname: str
    """Unique in its project."""
    project_id: str
    launched_at: datetime | None
    launched_by: str
    """The user's id."""
    keypair: str | None
    """Name of the keypair that it was launched with."""
    template_id: str | None
    """What it was started from; null where it boots from a volume."""
    placement_id: str
    """Id of the placement where it is."""
    placement: str
    """The path of that placement: cloud/region/zone."""
    cloud: str
    """The cloud that it is on."""
    type: str | None
    """Name of its server type; null where the cloud tells neither that nor a type whose id is known."""
    type_id: str | None
    """Id of that type; null where the cloud tells the name alone, and no server type has it now."""
    spec: Spec
    power_state: PowerState | None
    """Null while nothing runs yet."""
    virt_state: VirtState
    block_devices: tuple[BlockDevice, ...]
    networking: Networking
    properties: dict[str, str]
    tags: tuple[str, ...]
    fault: str | None = None
    """Why it is in ERROR."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    locked: bool = False
    """Whether it is protected from most actions."""
    actions: tuple[action.Action, ...] = ()
    """What can be done to it now."""
    elevated: dict[str, str] = field(name="_elevated", default_factory=dict)
    """What operators see besides: the compute host, and what else the cloud keeps to them. Empty for others."""


VIRT_STATES = {
    ServerState.BUILDING: VirtState.BUILDING,
    ServerState.ACTIVE: VirtState.ACTIVE,
    ServerState.PAUSED: VirtState.PAUSED,
    ServerState.SUSPENDED: VirtState.SUSPENDED,
    ServerState.STOPPED: VirtState.STOPPED,
    ServerState.RESCUED: VirtState.RESCUED,
    ServerState.RESIZED: VirtState.RESIZED,
    ServerState.SHELVED: VirtState.SHELVED,
    ServerState.SHELVED_OFFLOADED: VirtState.SHELVED_OFFLOADED,
    ServerState.ERROR: VirtState.ERROR,
    ServerState.UNKNOWN: VirtState.ERROR,
    ServerState.SOFT_DELETED: VirtState.TERMINATED,
    ServerState.DELETED: VirtState.TERMINATED,
}
"""The cloud's state of a server in the words of this API."""

MARK = "enamel"
"""The property by which Enamel knows what it has made; it is nobody else's business."""


def record(
    server: cloud.Server, *, cloud: str, me: cloud.Identity, offered: Collection[action.Action]
) -> Server:
    """Return the record of a cloud's server, as somebody with this identity may see it.

    Args:
        server: The server.
        cloud: The cloud that it is on.
        me: Who asks.
        offered: The actions that the cloud's driver can carry out and the policy allows to them.
    """
    path = server.placement(cloud=cloud, region=me.region)
    volumes = tuple(BlockDevice(type="PERSISTENT", device=id) for id in server.volumes)
    root = (BlockDevice(type="EPHEMERAL", device="root"),) if server.image_id else ()
    return Server(
        id=server.id,
        hostname=server.name,
        project_id=server.project_id,
        launched_at=server.launched_at,
        launched_by=server.user_id,
        keypair=server.key_name,
        template_id=server.image_id,
        placement_id=id_of(path),
        placement=path,
        type=server.flavor_name or None,
        type_id=server.flavor_id or None,
        spec=Spec(memory_mb=server.memory_mb, root_disk_gb=server.disk_gb, cpu_units=server.vcpus),
        power_state=server.power,
        virt_state=VIRT_STATES[server.state],
        block_devices=root + volumes,
        networking=Networking(
            access=_access(server.floating_addresses or server.fixed_addresses),
            interfaces=_interfaces(server.interfaces),
        ),
        properties={key: value for key, value in server.metadata.items() if key != MARK},
        tags=server.tags,
        fault=server.fault.text if server.fault else None,
        created_at=server.created,
        updated_at=server.updated,
        locked=server.locked,
        actions=action.possible(server, offered=offered),
        elevated={"compute_host": server.host, **server.inner}
        if server.host and role.is_admin(me.roles)
        else {},
        cloud=cloud,
    )


def _access(addresses: Iterable[str]) -> Access:
    by_version: dict[int, list[str]] = {4: [], 6: []}
    for address in addresses:
        by_version[ipaddress.ip_address(address).version].append(address)
    return Access(ip4=tuple(by_version[4]), ip6=tuple(by_version[6]))


def _interfaces(interfaces: Collection[cloud.ServerInterface]) -> dict[str, Interface]:
    """Return interfaces by keys that are all different, even if a network has the name that a number would make."""
    named: dict[str, Interface] = {}
    networks = {interface.network for interface in interfaces}
    for interface in interfaces:
        numbered = (f"{interface.network}-{number}" for number in itertools.count(2))
        keys = itertools.chain([interface.network], (key for key in numbered if key not in networks))
        named[next(key for key in keys if key not in named)] = _interface(interface)
    return named


def _interface(interface: cloud.ServerInterface) -> Interface:
    access = _access(interface.addresses)
    return Interface(
        network=interface.network,
        ip4=next(iter(access.ip4), None),
        ip6=next(iter(access.ip6), None),
        addresses=interface.addresses,
        mac=interface.mac or None,
    )
