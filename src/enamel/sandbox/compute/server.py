"""Servers: their states, their parts, their records."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from enamel.sandbox import seams

NOSTATE, RUNNING, PAUSED, SHUTDOWN = 0, 1, 3, 4
"""The power state, as the hypervisor reports it."""

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
    """Its description."""
    extra_specs: dict[str, str] = {}
    """Requirements on the host."""
    access: set[str] = set()
    """The projects that see a private one."""


class Disk(Struct, kw_only=True):
    """A volume on a server."""

    volume_id: str
    """The volume."""
    device: str
    """Where the server sees it."""
    delete_on_termination: bool
    """Whether it is deleted with the server."""
    attachment_id: str
    """Cinder's name for the connection; empty until there is one."""
    mapping_id: str
    """Nova's name for it."""
    tag: str | None = None
    """What the server sees it tagged with."""


class BlockDevice(Struct, frozen=True, kw_only=True):
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
    """Whether it is deleted with the server."""
    volume_type: str
    """The type of a new volume."""
    device: str
    """The requested device name."""
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
    """When it changed last."""
    event: str
    """The name of the only event kept."""
    message: str | None = None
    """Error, when it failed."""
    finished: datetime | None = None
    """When it was done."""


class Server(Struct, kw_only=True):
    """A server, or the record of a deleted one."""

    id: str
    """The server's id."""
    name: str
    """Its name."""
    hostname: str
    """Its hostname."""
    project_id: str
    """Whose it is."""
    user_id: str
    """Who made it."""
    flavor: Flavor
    """Its size."""
    image: seams.Image | None
    """What it was made from; None when it boots from a volume."""
    reservation_id: str
    """The reservation id, shared by servers of one request."""
    launch_index: int
    """Its index in that request."""
    created: datetime
    """When it was asked for."""
    updated: datetime
    """When it changed last."""
    nics: list[seams.Nic]
    """Interfaces to boot with."""
    groups: list[str]
    """Security groups for new ports."""
    block_devices: list[BlockDevice]
    """Volumes to boot with."""
    vm_state: str = "building"
    """Nova's vm_state."""
    task_state: str | None = "scheduling"
    """Nova's task_state."""
    power_state: int = NOSTATE
    """The power state, as the hypervisor reports it."""
    zone: str = ""
    """Its availability zone; empty until it is scheduled."""
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
    """Its keypair."""
    user_data: str | None = None
    """Its user data."""
    metadata: dict[str, str] = {}
    """Its metadata."""
    tags: list[str] = []
    """Its tags."""
    description: str | None = None
    """Its description."""
    config_drive: str = ""
    """Whether it has a config drive."""
    locked_by: str | None = None
    """`owner` or `admin`, when locked."""
    locked_reason: str | None = None
    """Why it is locked."""
    fault: tuple[int, str, datetime] | None = None
    """The last fault: code, message, time."""
    disks: dict[str, Disk] = {}
    """Its volumes."""
    actions: list[Action] = []
    """Its action log."""
    group_id: str | None = None
    """The server group it is in."""
    hints: dict[str, Any] = {}
    """Scheduler hints it was booted with."""
    disk_config: str = "MANUAL"
    """AUTO or MANUAL."""
    access_v4: str = ""
    """The access address for IPv4."""
    access_v6: str = ""
    """The access address for IPv6."""
    former: tuple[Flavor, str | None] | None = None
    """The flavor and state before a resize."""
    epoch: int = 0
    """Raised when scheduled changes of the server are no longer to happen."""

    @property
    def status(self) -> str:
        """The public status: vm_state and task_state as Nova shows them."""
        default, tasks = _STATUS.get(self.vm_state, ("UNKNOWN", {}))
        return tasks.get(self.task_state or "", default)

    def summary(self) -> dict[str, Any]:
        """Return the server as an inventory shows it."""
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
        """Whether its guest runs."""
        return self.power_state == RUNNING and self.vm_state not in ("deleted", "soft-delete")
