"""Servers, flavors, keypairs and server groups: the state of the sandbox's Nova."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from enamel.sandbox import kernel, seams

if TYPE_CHECKING:
    from enamel.sandbox import state

ZONES = ("az1", "az2")
LOWEST: kernel.Version = (2, 1)
HIGHEST: kernel.Version = (2, 104)

NOSTATE, RUNNING, PAUSED, SHUTDOWN = 0, 1, 3, 4

LIMITS = {
    "instances": 5000,
    "cores": 20_000,
    "ram": 40_960_000,
    "key_pairs": 5000,
    "server_groups": 5000,
    "server_group_members": 5000,
    "metadata_items": 128,
    "injected_files": 5,
    "injected_file_content_bytes": 10_240,
    "injected_file_path_bytes": 255,
    "fixed_ips": -1,
    "floating_ips": -1,
    "security_groups": -1,
    "security_group_rules": -1,
}

_STATUS: dict[str, tuple[str, dict[str, str]]] = {
    "active": (
        "ACTIVE",
        {
            "rebooting": "REBOOT",
            "rebooting_hard": "HARD_REBOOT",
            "updating_password": "PASSWORD",
            "rebuilding": "REBUILD",
            "rebuild_spawning": "REBUILD",
            "migrating": "MIGRATING",
            "resize_prep": "RESIZE",
            "resize_migrating": "RESIZE",
            "resize_finish": "RESIZE",
        },
    ),
    "building": ("BUILD", {}),
    "stopped": (
        "SHUTOFF",
        {
            "resize_prep": "RESIZE",
            "resize_migrating": "RESIZE",
            "resize_finish": "RESIZE",
            "rebuilding": "REBUILD",
            "rebuild_spawning": "REBUILD",
        },
    ),
    "resized": ("VERIFY_RESIZE", {"resize_reverting": "REVERT_RESIZE"}),
    "paused": ("PAUSED", {"migrating": "MIGRATING"}),
    "suspended": ("SUSPENDED", {}),
    "rescued": ("RESCUE", {}),
    "error": ("ERROR", {"rebuilding": "REBUILD", "rebuild_spawning": "REBUILD"}),
    "deleted": ("DELETED", {}),
    "soft-delete": ("SOFT_DELETED", {}),
    "shelved": ("SHELVED", {}),
    "shelved_offloaded": ("SHELVED_OFFLOADED", {}),
}

STATUSES = frozenset(name for default, tasks in _STATUS.values() for name in (default, *tasks.values()))
"""Every status a server can have."""


class Flavor(Struct, kw_only=True):
    """A size of servers."""

    id: str
    """The id users name it by."""
    name: str
    """Its name."""
    vcpus: int
    """Virtual processors."""
    ram: int
    """MiB of memory."""
    disk: int
    """GiB of root disk."""
    ephemeral: int = 0
    """GiB of a second disk."""
    swap: int = 0
    """MiB of swap."""
    rxtx_factor: float = 1.0
    """A factor for network bandwidth."""
    public: bool = True
    """Whether every project sees it."""
    description: str | None = None
    """What it is for."""
    extra_specs: dict[str, str] = {}
    """Requirements on the host."""
    access: set[str] = set()
    """The projects that see a private one."""


class Keypair(Struct, frozen=True, kw_only=True):
    """A public key of a user."""

    id: int
    """Its number."""
    name: str
    """Its name, unique for the user."""
    type: str
    """ssh or x509."""
    public_key: str
    """The key."""
    fingerprint: str
    """The MD5 of the key, as pairs of digits."""
    user_id: str
    """Whose it is."""
    created: datetime
    """When it came."""


class Group(Struct, kw_only=True):
    """Servers that are to be together or apart."""

    id: str
    """The group's id."""
    name: str
    """Its name."""
    policy: str
    """affinity, anti-affinity, soft-affinity or soft-anti-affinity."""
    rules: dict[str, Any]
    """Rules of the policy."""
    project_id: str
    """Whose it is."""
    user_id: str
    """Who made it."""
    members: list[str] = []
    """Servers in it."""


class Disk(Struct, kw_only=True):
    """A volume on a server."""

    volume_id: str
    """The volume."""
    device: str
    """Where the server sees it."""
    delete_on_termination: bool
    """Whether it goes with the server."""
    attachment_id: str
    """Cinder's name for the connection; empty until there is one."""
    mapping_id: str
    """Nova's name for it."""
    tag: str | None = None
    """What the server sees it tagged with."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A volume that a server is to be booted with."""

    source: str
    """image, snapshot, volume or blank."""
    source_id: str
    """The image, snapshot or volume."""
    size: int
    """GiB; 0 takes the source's size."""
    boot_index: int | None
    """0 for the root disk."""
    delete_on_termination: bool
    """Whether it goes with the server."""
    volume_type: str
    """The type of a new volume."""
    device: str
    """A wish for the device's name."""
    tag: str | None
    """What the server sees it tagged with."""


class Action(Struct, kw_only=True):
    """One line of a server's action log."""

    name: str
    """create, delete, reboot …"""
    request_id: str
    """The request that asked for it."""
    user_id: str
    """Who asked."""
    project_id: str
    """For which project."""
    started: datetime
    """When it was asked for."""
    updated: datetime
    """When something happened last."""
    event: str
    """The name of the only event kept."""
    message: str | None = None
    """Error, when it failed."""
    finished: datetime | None = None
    """When it was done."""


class Server(Struct, kw_only=True):
    """A virtual machine, or what was one."""

    id: str
    """The server's id."""
    name: str
    """What its owner calls it."""
    hostname: str
    """What it calls itself."""
    project_id: str
    """Whose it is."""
    user_id: str
    """Who made it."""
    flavor: Flavor
    """Its size."""
    image: seams.Image | None
    """What it was made from; None when it boots from a volume."""
    reservation_id: str
    """Shared by servers made together."""
    launch_index: int
    """Which of them it is."""
    created: datetime
    """When it was asked for."""
    updated: datetime
    """When it changed last."""
    nics: list[seams.Nic]
    """Interfaces it is to be booted with."""
    groups: list[str]
    """Security groups for new ports."""
    wanted: list[Wanted]
    """Volumes it is to be booted with."""
    vm_state: str = "building"
    """Nova's lasting state."""
    task_state: str | None = "scheduling"
    """Nova's passing state."""
    power_state: int = NOSTATE
    """What the hypervisor says."""
    zone: str = ""
    """Where it is, or is wanted; empty until it is placed."""
    pinned_zone: str | None = None
    """The zone that was asked for."""
    host: str | None = None
    """The hypervisor."""
    launched: datetime | None = None
    """When it first ran."""
    terminated: datetime | None = None
    """When it was deleted for good."""
    deleted: datetime | None = None
    """When it was deleted, softly or for good."""
    key_name: str | None = None
    """The keypair in it."""
    user_data: str | None = None
    """What cloud-init gets."""
    metadata: dict[str, str] = {}
    """Free words."""
    tags: list[str] = []
    """Free labels."""
    description: str | None = None
    """What it is for."""
    config_drive: str = ""
    """True when it has one."""
    locked_by: str | None = None
    """owner or admin, when locked."""
    locked_reason: str | None = None
    """Why it is locked."""
    fault: tuple[int, str, datetime] | None = None
    """What went wrong last: code, message, time."""
    disks: dict[str, Disk] = {}
    """Volumes on it."""
    actions: list[Action] = []
    """What was done to it."""
    group_id: str | None = None
    """The server group it is in."""
    hints: dict[str, Any] = {}
    """Scheduler hints it was booted with."""
    disk_config: str = "MANUAL"
    """AUTO or MANUAL."""
    access_v4: str = ""
    """An address its owner noted."""
    access_v6: str = ""
    """The same, of the other kind."""
    former: tuple[Flavor, str | None] | None = None
    """The flavor and state before a resize."""
    epoch: int = 0
    """Grows when what was to happen to the server no longer will."""

    @property
    def status(self) -> str:
        """Nova's public word for state and task."""
        default, tasks = _STATUS.get(self.vm_state, ("UNKNOWN", {}))
        return tasks.get(self.task_state or "", default)

    def summary(self) -> dict[str, Any]:
        """Return what an inventory says of the server."""
        return {
            "id": self.id,
            "name": self.name,
            "project_id": self.project_id,
            "status": self.status,
            "task_state": self.task_state,
            "zone": self.zone,
            "metadata": self.metadata,
            "tags": self.tags,
            "volumes": list(self.disks),
            "reservation_id": self.reservation_id,
        }

    @property
    def running(self) -> bool:
        """Whether its guest does something."""
        return self.power_state == RUNNING and self.vm_state not in ("deleted", "soft-delete")


class Usage(Struct):
    """What a project uses of its quota."""

    instances: int = 0
    """Servers."""
    cores: int = 0
    """Virtual processors."""
    ram: int = 0
    """MiB of memory."""


class Compute:
    """Everything Nova knows."""

    def __init__(self, cloud: state.Cloud) -> None:
        """Make the flavors every sandbox has."""
        self.cloud = cloud
        self.servers: dict[str, Server] = {}
        self.of_project: dict[str, dict[str, Server]] = {}
        self.gone: dict[str, list[Server]] = {}
        self.usage: dict[str, Usage] = {}
        self.limits: dict[str, dict[str, int]] = {}
        self.flavors: dict[str, Flavor] = {}
        self.keypairs: dict[tuple[str, str], Keypair] = {}
        self.groups: dict[str, Group] = {}
        self.keys_made = 0
        self.hosts = {
            f"compute{number + 1}": ZONES[number // cloud.settings.hosts_per_zone]
            for number in range(len(ZONES) * cloud.settings.hosts_per_zone)
        }
        for name, vcpus, ram, disk in (
            ("m1.tiny", 1, 512, 1),
            ("m1.small", 1, 2048, 20),
            ("m1.medium", 2, 4096, 40),
            ("m1.large", 4, 8192, 80),
        ):
            flavor = Flavor(id=cloud.new_id(), name=name, vcpus=vcpus, ram=ram, disk=disk)
            self.flavors[flavor.id] = flavor

    def inventory(self) -> dict[str, list[dict[str, Any]]]:
        """Return everything that exists, by kind; servers deleted for good are gone."""
        return {
            "servers": [server.summary() for server in self.servers.values()],
            "keypairs": [
                {
                    "id": keypair.name,
                    "name": keypair.name,
                    "user_id": keypair.user_id,
                    "project_id": self.cloud.identity.users[keypair.user_id].project_id,
                }
                for keypair in self.keypairs.values()
            ],
            "server_groups": [
                {"id": group.id, "name": group.name, "project_id": group.project_id, "members": group.members}
                for group in self.groups.values()
            ],
        }

    def limit(self, project_id: str, name: str) -> int:
        """Return a project's limit; -1 is none."""
        own = self.limits.get(project_id, {}).get(name)
        return self.cloud.quota(name, default=LIMITS[name]) if own is None else own

    def used(self, project_id: str) -> Usage:
        """Return what a project uses."""
        return self.usage.setdefault(project_id, Usage())

    def charge(self, server: Server, *, sign: int) -> None:
        """Add a server to what its project uses, or take it away."""
        usage = self.used(server.project_id)
        usage.instances += sign
        usage.cores += sign * server.flavor.vcpus
        usage.ram += sign * server.flavor.ram

    def afford(self, project_id: str, *, instances: int, cores: int, ram: int) -> None:
        """Refuse what a project's quota does not allow."""
        usage = self.used(project_id)
        asked = {"instances": instances, "cores": cores, "ram": ram}
        used = {"instances": usage.instances, "cores": usage.cores, "ram": usage.ram}
        over = [
            name
            for name in ("cores", "instances", "ram")
            if asked[name] and 0 <= self.limit(project_id, name) < used[name] + asked[name]
        ]
        if over:
            names = ", ".join(over)
            raise kernel.Refusal(
                403,
                f"Quota exceeded for {names}: Requested {', '.join(str(asked[name]) for name in over)},"
                f" but already used {', '.join(str(used[name]) for name in over)}"
                f" of {', '.join(str(self.limit(project_id, name)) for name in over)} {names}",
            )

    def add(self, server: Server) -> None:
        """Take a new server in."""
        self.servers[server.id] = server
        self.of_project.setdefault(server.project_id, {})[server.id] = server
        self.charge(server, sign=+1)

    def retire(self, server: Server) -> None:
        """Move a deleted server to the records."""
        del self.servers[server.id]
        del self.of_project[server.project_id][server.id]
        self.gone.setdefault(server.project_id, []).append(server)
        if server.group_id in self.groups:
            self.groups[server.group_id].members.remove(server.id)

    def find(self, caller: kernel.Caller, server_id: str) -> Server:
        """Return a server the caller may see, or refuse."""
        server = self.servers.get(server_id)
        if server is None or not caller.sees(server.project_id):
            raise kernel.Refusal(404, f"Instance {server_id} could not be found.")
        return server

    def find_flavor(self, caller: kernel.Caller, flavor_id: str) -> Flavor | None:
        """Return a flavor the caller may use, or None."""
        flavor = self.flavors.get(flavor_id)
        if flavor and (flavor.public or caller.admin or caller.project_id in flavor.access):
            return flavor
        return None

    def visible_groups(self, caller: kernel.Caller) -> Iterator[Group]:
        """Yield the server groups of the caller's project."""
        return (group for group in self.groups.values() if group.project_id == caller.project_id)
