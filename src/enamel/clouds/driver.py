"""The seam between Enamel and a cloud: what a driver can do, in Enamel's words.

Every method raises errors of the CloudError branch (or QuotaExceeded) and nothing else; see `enamel.model.errors`.
Methods that make something are never repeated by the driver once the cloud may have seen the request: they raise
OutcomeUnknown, and the step above looks its mark up. Reads are repeated by the driver while that is sensible.
Methods that delete take 404 for success.
"""

import enum
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from enamel.model import cloud
from enamel.model.action import Action
from enamel.model.cloud_reference import CloudReference
from enamel.model.cloud_state import CloudState

T_co = TypeVar("T_co", covariant=True)


class Capability(enum.Enum):
    """What a cloud may or may not be able to do."""

    COMPUTE = "compute"
    NETWORK = "network"
    VOLUME = "volume"
    IMAGE = "image"
    FLOATING_IP = "floating-ip"
    AUTO_NETWORK = "auto-network"
    """Neutron's auto-allocated-topology."""
    SERVER_TAGS = "server-tags"
    """Tags that are given at boot (2.52)."""
    SERVER_GROUPS = "server-groups"
    SOFT_AFFINITY = "soft-affinity"
    PORTS = "ports"
    """Ports that are made before the servers."""
    MULTI_CREATE = "multi-create"
    """One request for several equal servers, whose names the cloud numbers."""
    WITHOUT_NETWORK = "without-network"
    """Servers that are on no network at all (2.37)."""
    KEY_MANAGER = "key-manager"


class Watch(Protocol[T_co]):
    """The one poller that every waiter for a kind of resource of a project subscribes to.

    However many wait, the cloud sees one detailed list per interval. The interval adapts: short while something is
    due, longer when nothing moves.
    """

    async def until(
        self,
        id: str,
        done: Callable[[T_co | None], bool],
        *,
        due: timedelta | None = None,
        seen: Callable[[T_co], None] | None = None,
    ) -> T_co | None:
        """Return the resource as soon as `done` says so of a fresh look at it; None means that it is gone.

        Args:
            id: The resource that is waited for.
            done: Called with each fresh look, and with None when the cloud has forgotten the resource (a list that
                merely misses it once is not believed). It may raise: the exception reaches the waiter.
            due: When the waiter expects it, from now; the watcher looks little before that.
            seen: Called with each fresh look, for progress.
        """


class Cloud(Protocol):
    """One project on one cloud."""

    name: str
    """Entry in clouds.yaml."""
    site: str
    """Where it answers; entries with the same site are accounts on the same cloud."""

    @property
    def servers(self) -> Watch[cloud.Server]:
        """The watcher of the project's servers."""

    @property
    def volumes(self) -> Watch[cloud.Volume]:
        """The watcher of the project's volumes."""

    @property
    def volume_snapshots(self) -> Watch[cloud.VolumeSnapshot]:
        """The watcher of the snapshots of volumes."""

    @property
    def ports(self) -> Watch[tuple[cloud.Port, ...]]:
        """The watcher of servers' ports, by the server's id; one list asks for all the servers that are waited for."""

    @property
    def snapshots(self) -> Watch[cloud.Image]:
        """The watcher of images that are being made."""

    def state(self) -> CloudState:
        """Return how the cloud's services bear what is asked of them, and what is known of it; nothing is asked."""

    async def identity(self) -> cloud.Identity:
        """Return who we are there."""

    async def capabilities(self) -> frozenset[Capability]:
        """Return what the driver and this account's catalogue offer together."""

    @property
    def in_use(self) -> bool:
        """Whether a call is under way or somebody waits for a resource. Such a handle is not closed for being idle."""
        return False

    async def close(self) -> None:
        """Give back connections and stop what is under way. A use after that opens connections again."""

    # -- the catalogue; cached, one request for any number of equal reads at once

    async def flavors(self) -> Sequence[cloud.Flavor]: ...
    async def images(self) -> Sequence[cloud.Image]:
        """Return every image the project may boot, in any state."""

    async def networks(self) -> Sequence[cloud.Network]: ...
    async def subnets(self) -> Sequence[cloud.Subnet]: ...
    async def zones(self) -> Sequence[cloud.Zone]: ...
    async def volume_types(self) -> Sequence[cloud.VolumeType]: ...
    async def forget(self) -> None:
        """Throw the cached catalogue away, for all processes."""

    async def refresh(self) -> bool:
        """Throw away what of the catalogue was kept for a while, and tell whether there was any: something is not in it."""

    async def successors(self, ids: Collection[str]) -> dict[str, str]:
        """Return what has taken the place of flavors, images and networks that are gone: their names with other ids.

        For when a cloud refuses what was chosen from a catalogue that was kept; it is asked again for that.
        """

    # -- reads that must be fresh

    async def quota(self, kinds: Collection[str]) -> dict[str, cloud.Limit]:
        """Return the project's limits of the kinds asked for.

        Kinds: servers, cores, memory_mb, keypairs, server_groups, volumes, gigabytes, ports, addresses,
        security_groups, networks. Only the services that know one of the kinds are asked.
        """

    async def keypair(self, name: str) -> cloud.Keypair | None: ...
    async def keypairs(self) -> Sequence[cloud.Keypair]:
        """Return the caller's keypairs; cached."""

    async def security_groups(self) -> Sequence[cloud.SecurityGroup]: ...
    async def server(self, id: str) -> cloud.Server:
        """Return one server. Raises Gone."""

    async def server_seen(self, id: str) -> cloud.Server:
        """Return one server; answered from the watcher while its look is fresh. Raises Gone."""

    async def servers_list(self) -> Sequence[cloud.Server]:
        """Return all of the project's servers; answered from the watcher while its look is fresh."""

    async def servers_of(self, project_id: str) -> Sequence[cloud.Server]:
        """Return the servers of any project. Raises CloudForbidden where that is for operators."""

    async def servers_named(self, names: Collection[str]) -> Sequence[cloud.Server]:
        """Return the project's servers that have one of the names."""

    async def servers_marked(self, mark: str) -> Sequence[cloud.Server]:
        """Return the servers whose metadata key `enamel` has this value, newest last."""

    async def ports_of(self, servers: Collection[str]) -> Sequence[cloud.Port]:
        """Return the ports of servers, in one request for many."""

    async def port(self, id: str) -> cloud.Port: ...
    async def ports_named(self, wanted: Collection[str]) -> Sequence[cloud.Port]:
        """Return the project's ports that have one of the names or ids."""

    async def ports_list(self) -> Sequence[cloud.Port]:
        """Return all of the project's ports."""

    async def ports_marked(self, mark: str) -> Sequence[cloud.Port]: ...
    async def addresses_of(self, ports: Collection[str]) -> Sequence[cloud.Address]: ...
    async def addresses_marked(self, mark: str, *, port_id: str | None = None) -> Sequence[cloud.Address]:
        """Return the addresses that carry a mark.

        Args:
            mark: The mark.
            port_id: The port that the address was to lead to: on clouds whose addresses carry no marks, the one that
                leads there is it.
        """

    async def addresses_list(self) -> Sequence[cloud.Address]: ...
    async def address(self, id: str) -> cloud.Address:
        """Return one public address. Raises Gone."""

    async def groups_letting_in(self, group_id: str) -> Sequence[str]:
        """Return the ids of other security groups whose rules name this one."""

    async def unfinished_networks(self) -> Sequence[cloud.Network]:
        """Return the project's networks that were begun and have not got their way out."""

    async def security_groups_marked(self, mark: str) -> Sequence[cloud.SecurityGroup]: ...
    async def volume(self, id: str) -> cloud.Volume: ...
    async def volumes_list(self) -> Sequence[cloud.Volume]: ...
    async def volumes_marked(self, mark: str) -> Sequence[cloud.Volume]: ...
    async def volume_snapshots_list(self) -> Sequence[cloud.VolumeSnapshot]: ...
    async def volume_snapshots_marked(self, mark: str) -> Sequence[cloud.VolumeSnapshot]: ...
    async def console_log(self, server_id: str, *, lines: int | None = None) -> str: ...
    async def why_failed(self, server_id: str) -> cloud.Failure | None:
        """Return why the newest action that failed on a server did; None where none has."""

    async def server_history(self, server_id: str) -> Sequence[cloud.HistoryEntry]:
        """Return what was done to a server, the latest first, by whomever."""

    async def images_marked(self, mark: str) -> Sequence[cloud.Image]: ...
    async def console(self, server_id: str, *, type: str) -> str:
        """Return the URL of a server's console: of type novnc, xvpvnc, rdp, spice, serial, mks or webmks."""

    async def diagnostics(self, server_id: str) -> dict[str, Any]:
        """Return what the hypervisor measures. Raises CloudForbidden where that is for operators."""

    async def flavor(self, id: str) -> cloud.Flavor:
        """Return a flavor with all that belongs to it. Raises CloudForbidden where that is for operators."""

    async def user(self, text: str) -> cloud.Account | None:
        """Return the user that has an id or a name. Raises CloudForbidden where that is for operators."""

    async def project(self, text: str) -> cloud.Account | None:
        """Return the project that has an id or a name. Raises CloudForbidden where that is for operators."""

    async def projects_of(self, user_id: str) -> Sequence[str]:
        """Return the ids of the projects in which a user has a role."""

    async def entry_of(self, project: str) -> CloudReference:
        """Return the reference to this cloud for another project. Raises CloudForbidden: no role there."""

    # -- effects

    async def offer_volume(self, volume_id: str) -> cloud.Offer:
        """Offer a volume to whoever has the key."""

    async def withdraw_volume(self, volume_id: str) -> None:
        """Take back what was offered of a volume, if anything."""

    async def accept_volume(self, offer: cloud.Offer) -> None:
        """Take what another project offers."""

    async def share_image(self, id: str, *, project_id: str) -> None:
        """Let another project boot from an image, if it cannot already."""

    async def rename_server(self, id: str, name: str) -> None: ...
    async def create_flavor(self, want: cloud.FlavorSpec) -> cloud.Flavor:
        """Make a flavor. Raises CloudForbidden where that is for operators."""

    async def describe_flavor(self, id: str, description: str) -> None:
        """Change what a flavor says of itself. Raises CapabilityMissing."""

    async def add_flavor_marks(self, id: str, marks: cloud.FlavorMarks) -> None:
        """Write something on a flavor; what is there already stays. Raises CapabilityMissing."""

    async def drop_flavor_marks(self, id: str, marks: cloud.FlavorMarks) -> None:
        """Take something off a flavor, whether it is there or not."""

    async def share_flavor(self, id: str, *, project_id: str) -> None:
        """Let a project see a private flavor, if it does not already."""

    async def unshare_flavor(self, id: str, *, project_id: str) -> None:
        """Let a project no longer see a private flavor, whether it has or not."""

    async def delete_flavor(self, id: str) -> None: ...
    async def create_keypair(self, name: str, *, public_key: str) -> cloud.Keypair: ...
    async def delete_keypair(self, name: str) -> None: ...
    async def create_security_group(self, name: str, *, mark: str) -> cloud.SecurityGroup: ...
    async def add_rules(self, group_id: str, rules: Sequence[cloud.Rule]) -> None:
        """Add rules to a security group, in one request; rules that are there already are not a fault."""

    async def delete_security_group(self, id: str) -> None: ...
    async def create_network(self, name: str, *, mark: str) -> cloud.Network:
        """Make a network with a subnet and a router to the external network: the project's own way out."""

    async def remove_unfinished_network(self, id: str) -> None:
        """Delete a half-made network with all that leads out of it.

        Raises Gone, and CloudConflict where it is whole meanwhile.
        """

    async def auto_network(self) -> str:
        """Return the id of the project's auto-allocated network; the cloud makes it on first use."""

    async def create_ports(self, wants: Sequence[cloud.PortSpec]) -> Sequence[cloud.Port]:
        """Make ports in one bulk request, all or none; they come back in the order of the wants."""

    async def delete_port(self, id: str) -> None: ...
    async def create_address(
        self, *, network_id: str, mark: str, port_id: str | None = None, fixed_address: str | None = None
    ) -> cloud.Address: ...
    async def move_address(
        self, id: str, *, port_id: str | None, fixed_address: str | None = None
    ) -> cloud.Address:
        """Attach an address to a port, to one of its addresses where that is named, or take it off with None."""

    async def delete_address(self, id: str) -> None: ...
    async def create_volume(self, want: cloud.VolumeSpec) -> cloud.Volume: ...
    async def delete_volume(self, id: str) -> None: ...
    async def create_volume_snapshot(
        self, volume_id: str, *, name: str, description: str, mark: str
    ) -> cloud.VolumeSnapshot:
        """Have a snapshot made of a volume, also of one that a server has."""

    async def delete_volume_snapshot(self, id: str) -> None: ...
    async def boot(self, want: cloud.ServerSpec) -> Sequence[str]:
        """Boot one or several equal servers in one request; return their ids, in order of their names."""

    async def delete_server(self, id: str, *, force: bool = False) -> None:
        """Delete a server; with `force` also where the cloud would keep it restorable."""

    async def act(
        self, server_id: str, action: Action, *, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Have an action begun; how it ends shows in the server's state.

        Arguments: `flavor_id` of RESIZE, `image_id` of REBUILD and RESCUE, `password` of these and of
        UPDATE_PASSWORD, `reason` of LOCK. MOVE and the taking of images are methods of their own.
        """

    async def move(self, server_id: str, *, live: bool) -> None:
        """Have a server moved to another host; the cloud chooses the host."""

    async def take_image(
        self, server_id: str, *, name: str, mark: str, series: Mapping[str, Any] | None = None
    ) -> str:
        """Have an image made of a server and return its id; empty where the cloud is too old to tell it.

        A `series` makes it a backup: its `kind`, and how many of it to `keep`.
        """

    async def delete_image(self, id: str) -> None: ...
    async def set_tags(self, server_id: str, wanted: Collection[str]) -> None:
        """Give a server just these tags; where the cloud is too old for tags, its metadata hold them."""

    async def add_tag(self, server_id: str, tag: str) -> None: ...
    async def remove_tag(self, server_id: str, tag: str) -> None:
        """Take a tag from a server. Raises Gone where it does not have it."""

    async def attach_port(self, server_id: str, *, port_id: str) -> None:
        """Plug a port into a server; the cloud answers when that is done."""

    async def detach_port(self, server_id: str, *, port_id: str) -> None: ...
    async def attach_volume(
        self, server_id: str, *, volume_id: str, delete_with_server: bool = False
    ) -> None: ...
    async def detach_volume(self, server_id: str, *, volume_id: str) -> None: ...
    async def server_groups(self) -> Sequence[cloud.ServerGroup]: ...
    async def server_group_named(self, name: str) -> cloud.ServerGroup | None: ...
    async def create_server_group(self, name: str, *, policy: str) -> cloud.ServerGroup: ...
    async def delete_server_group(self, id: str) -> None: ...


class Clouds(Protocol):
    """The clouds of the configuration."""

    def names(self) -> Sequence[str]:
        """Return the entries that can be used, the default one first."""

    def get(self, name: str, *, project: str | None = None) -> Cloud:
        """Return a cloud. Raises CloudUnknown.

        Args:
            name: The entry.
            project: Id of another project of the same cloud; None for the entry's own. See `Cloud.entry_of`.
        """

    async def close(self) -> None:
        """Close all of them."""
