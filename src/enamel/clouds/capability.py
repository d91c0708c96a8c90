"""What a cloud may or may not be able to do: one capability for each group of a driver's methods."""

import enum

from enamel.model.action import Action
from enamel.model.errors import CapabilityMissing


class Capability(enum.Enum):
    """What a cloud may or may not be able to do."""

    COMPUTE = "compute"
    NETWORK = "network"
    VOLUME = "volume"
    IMAGE = "image"
    FLOATING_IP = "floating-ip"
    ROUTERS = "routers"
    """Routers between networks, as far as the project may see them."""
    AUTO_NETWORK = "auto-network"
    """A network that the cloud makes on first use (Neutron's auto-allocated-topology)."""
    SERVER_TAGS = "server-tags"
    """Tags that are given at boot (Nova 2.52)."""
    SERVER_GROUPS = "server-groups"
    SOFT_AFFINITY = "soft-affinity"
    PORTS = "ports"
    """Ports that are made before the servers."""
    MULTI_CREATE = "multi-create"
    """One request for several equal servers, whose names the cloud numbers."""
    WITHOUT_NETWORK = "without-network"
    """Servers that are on no network at all (Nova 2.37)."""
    KEY_NAMES = "key-names"
    """Keypairs whose names have the characters @ and . (Nova 2.92)."""
    ZERO_DISK = "zero-disk"
    """Servers that start from an image though their flavor has no disk (Nova before 2.72, and for operators)."""
    KEY_MANAGER = "key-manager"
    KEYPAIRS = "keypairs"
    RENAME = "rename"
    TAGS = "tags"
    """Tags that are added to servers and removed from them."""
    CONSOLE_LOG = "console-log"
    CONSOLES = "consoles"
    DIAGNOSTICS = "diagnostics"
    HISTORY = "history"
    """The cloud's own record of what was done to a server."""
    SERVER_IMAGES = "server-images"
    """Images that are made of servers."""
    IMAGE_SHARING = "image-sharing"
    SERVER_TYPE_EDITING = "server-type-editing"
    MIGRATION = "migration"
    SECURITY_GROUPS = "security-groups"
    NETWORK_CREATION = "network-creation"
    ATTACH_PORTS = "attach-ports"
    ATTACH_VOLUMES = "attach-volumes"
    VOLUME_SNAPSHOTS = "volume-snapshots"
    VOLUME_TRANSFER = "volume-transfer"
    PROJECTS = "projects"
    """Other projects of the same cloud."""


METHODS: dict[Capability, tuple[str, ...]] = {
    Capability.COMPUTE: (
        "flavors", "flavors_named", "zones", "servers", "server", "server_seen", "servers_list", "servers_named", "servers_marked",
        "boot", "delete_server", "act",
    ),
    Capability.KEYPAIRS: ("keypair", "keypairs_named", "keypairs", "create_keypair", "delete_keypair"),
    Capability.SERVER_GROUPS: ("server_groups", "server_group_named", "create_server_group", "delete_server_group"),
    Capability.RENAME: ("rename_server",),
    Capability.TAGS: ("set_tags", "add_tag", "remove_tag"),
    Capability.CONSOLE_LOG: ("console_log",),
    Capability.CONSOLES: ("console",),
    Capability.DIAGNOSTICS: ("diagnostics",),
    Capability.HISTORY: ("server_history",),
    Capability.MIGRATION: ("move",),
    Capability.SERVER_TYPE_EDITING: (
        "flavor", "create_flavor", "describe_flavor", "add_flavor_marks", "drop_flavor_marks", "share_flavor",
        "unshare_flavor", "delete_flavor",
    ),
    Capability.NETWORK: ("networks", "networks_named", "subnets", "ports", "ports_of", "port", "ports_named", "ports_list"),
    Capability.ROUTERS: ("routers",),
    Capability.PORTS: ("ports_marked", "create_ports", "delete_port"),
    Capability.ATTACH_PORTS: ("attach_port", "detach_port"),
    Capability.FLOATING_IP: (
        "addresses_of", "addresses_marked", "addresses_list", "address", "create_address", "move_address",
        "delete_address",
    ),
    Capability.SECURITY_GROUPS: (
        "security_groups", "security_groups_named", "security_groups_marked", "groups_letting_in", "create_security_group", "add_rules",
        "delete_security_group",
    ),
    Capability.NETWORK_CREATION: ("create_network", "unfinished_networks", "remove_unfinished_network"),
    Capability.AUTO_NETWORK: ("auto_network",),
    Capability.VOLUME: (
        "volumes", "volume", "volumes_list", "volumes_named", "volumes_marked", "volume_types", "volume_types_named", "volume_zones",
        "create_volume", "delete_volume",
    ),
    Capability.ATTACH_VOLUMES: ("attach_volume", "detach_volume"),
    Capability.VOLUME_SNAPSHOTS: (
        "volume_snapshots", "volume_snapshots_list", "volume_snapshots_marked", "create_volume_snapshot",
        "delete_volume_snapshot",
    ),
    Capability.VOLUME_TRANSFER: ("offer_volume", "withdraw_volume", "accept_volume"),
    Capability.IMAGE: ("images", "images_named"),
    Capability.SERVER_IMAGES: ("snapshots", "take_image", "images_marked", "delete_image"),
    Capability.IMAGE_SHARING: ("share_image",),
    Capability.PROJECTS: ("servers_of", "user", "project", "projects_of", "entry_of"),
}  # fmt: skip
"""The methods of `driver.Cloud` that a capability stands for: where a driver declares it, it has them all.

Capabilities that are not here say how a method behaves. Methods that are not here every driver has, be it by default.
"""

ACTIONS: dict[Capability, frozenset[Action]] = {
    Capability.MIGRATION: frozenset({Action.MOVE}),
    Capability.SERVER_IMAGES: frozenset({Action.SNAPSHOT, Action.BACKUP}),
    Capability.ATTACH_PORTS: frozenset({Action.ATTACH_NETWORK_INTERFACE, Action.DETACH_NETWORK_INTERFACE}),
    Capability.ATTACH_VOLUMES: frozenset({Action.ATTACH_BLOCK_DEVICE, Action.DETACH_BLOCK_DEVICE}),
}
"""The actions that need more than `act`. TERMINATE needs COMPUTE alone."""

_CAPABILITIES = {method: capability for capability, methods in METHODS.items() for method in methods}


def missing(method: str, *, cloud: str) -> CapabilityMissing:
    """Return the error of a method that a cloud does not have."""
    return lacking(_CAPABILITIES[method], cloud=cloud)


def lacking(capability: Capability, *, cloud: str) -> CapabilityMissing:
    """Return the error of a cloud that lacks a capability."""
    return CapabilityMissing(
        f"Cloud '{cloud}' does not offer '{capability.value}'.", cloud=cloud, capability=capability.value
    )
