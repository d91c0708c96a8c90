"""Servers, and what belongs to the compute service: sizes, zones, keys, groups."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from enamel.clouds.capability import Capability
from enamel.clouds.methods.base import Methods, Unwatched, Watch
from enamel.model import cloud
from enamel.model.action import Action


class Servers(Methods, Protocol):
    """Servers: sizes and zones, boot, read, delete, act. Capability COMPUTE."""

    servers: Watch[cloud.Server] = Unwatched(Capability.COMPUTE)
    """The watcher of the project's servers."""

    async def flavors(self) -> Sequence[cloud.Flavor]:
        """Return the sizes of servers; cached."""
        raise self.missing("flavors")

    async def flavors_named(self, names: Collection[str]) -> Sequence[cloud.Flavor]:
        """Return the flavors, and those that have one of the ids and that the list does not show."""
        return await self.flavors()

    async def zones(self) -> Sequence[cloud.Zone]:
        """Return the availability zones; cached."""
        raise self.missing("zones")

    async def server(self, id: str) -> cloud.Server:
        """Return one server. Raises Gone, also where the cloud still shows it as one that was deleted."""
        raise self.missing("server")

    async def server_seen(self, id: str) -> cloud.Server:
        """Return one server; answered from the watcher while its poll is fresh. Raises Gone."""
        return await self.server(id)

    async def servers_list(self) -> Sequence[cloud.Server]:
        """Return all of the project's servers; answered from the watcher while its poll is fresh."""
        raise self.missing("servers_list")

    async def servers_named(self, names: Collection[str]) -> Sequence[cloud.Server]:
        """Return the project's servers that have one of the names."""
        return [server for server in await self.servers_list() if server.name in names]

    async def servers_marked(self, mark: str) -> Sequence[cloud.Server]:
        """Return the servers that carry a mark, newest last: fresh, and complete."""
        raise self.missing("servers_marked")

    async def boot(self, want: cloud.ServerSpec) -> Sequence[str]:
        """Boot one or several equal servers in one request; return their ids, in order of their names."""
        raise self.missing("boot")

    async def delete_server(self, id: str, *, force: bool = False) -> None:
        """Delete a server; with `force` also where the cloud would keep it restorable."""
        raise self.missing("delete_server")

    async def why_failed(self, server_id: str) -> cloud.Failure | None:
        """Return why the newest action that failed on a server did; None where none has, or the cloud keeps no record."""
        return None

    def actions(self) -> frozenset[Action]:
        """Return the actions on servers that this driver can do; a server offers no others."""
        return frozenset({Action.TERMINATE})

    async def act(
        self, server_id: str, action: Action, *, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Begin an action; its end shows in the server's state.

        Arguments: `flavor_id` of RESIZE, `image_id` of REBUILD and RESCUE, `password` of these and of
        UPDATE_PASSWORD, `reason` of LOCK. MOVE, attachments and the taking of images are methods of their own.
        """
        raise self.missing("act")

    async def move(self, server_id: str, *, live: bool) -> None:
        """Begin to move a server to another host; the cloud chooses the host. Capability MIGRATION."""
        raise self.missing("move")

    async def rename_server(self, id: str, name: str) -> None:
        """Give a server another name. Capability RENAME."""
        raise self.missing("rename_server")


class Tags(Methods, Protocol):
    """Tags of servers. Capability TAGS."""

    async def set_tags(self, server_id: str, tags: Collection[str]) -> None:
        """Give a server just these tags."""
        raise self.missing("set_tags")

    async def add_tag(self, server_id: str, tag: str) -> None:
        """Give a server one more tag; one that it has is not a fault."""
        raise self.missing("add_tag")

    async def remove_tag(self, server_id: str, tag: str) -> None:
        """Take a tag from a server. Raises Gone where it does not have it."""
        raise self.missing("remove_tag")


class Inside(Methods, Protocol):
    """What goes on in a server. Capabilities CONSOLE_LOG, CONSOLES, DIAGNOSTICS and HISTORY, one method each."""

    async def console_log(self, server_id: str, *, lines: int | None = None) -> str:
        """Return the end of what a server has written to its console."""
        raise self.missing("console_log")

    async def console(self, server_id: str, *, type: str) -> str:
        """Return the URL of a server's console: of type novnc, xvpvnc, rdp, spice, serial, mks or webmks."""
        raise self.missing("console")

    async def diagnostics(self, server_id: str) -> dict[str, Any]:
        """Return what the hypervisor measures. Raises CloudForbidden where that is for operators."""
        raise self.missing("diagnostics")

    async def server_history(self, server_id: str) -> Sequence[cloud.HistoryEntry]:
        """Return what was done to a server, the latest first, by whomever."""
        raise self.missing("server_history")


class ServerTypes(Methods, Protocol):
    """Sizes of servers as things that operators make and share. Capability SERVER_TYPE_EDITING.

    Every method raises CloudForbidden where that is for operators.
    """

    async def flavor(self, id: str) -> cloud.Flavor:
        """Return a flavor with all that belongs to it."""
        raise self.missing("flavor")

    async def create_flavor(self, want: cloud.FlavorSpec) -> cloud.Flavor:
        """Make a flavor."""
        raise self.missing("create_flavor")

    async def describe_flavor(self, id: str, description: str) -> None:
        """Change a flavor's description. Raises CapabilityMissing on clouds that keep none."""
        raise self.missing("describe_flavor")

    async def add_flavor_marks(self, id: str, marks: cloud.FlavorMarks) -> None:
        """Add marks to a flavor; others stay. Raises CapabilityMissing on clouds that keep none."""
        raise self.missing("add_flavor_marks")

    async def drop_flavor_marks(self, id: str, marks: cloud.FlavorMarks) -> None:
        """Remove marks from a flavor; missing ones are not a fault."""
        raise self.missing("drop_flavor_marks")

    async def share_flavor(self, id: str, *, project_id: str) -> None:
        """Let a project see a private flavor; one that sees it already is not a fault."""
        raise self.missing("share_flavor")

    async def unshare_flavor(self, id: str, *, project_id: str) -> None:
        """Let a project no longer see a private flavor; one that does not see it is not a fault."""
        raise self.missing("unshare_flavor")

    async def delete_flavor(self, id: str) -> None:
        """Delete a flavor."""
        raise self.missing("delete_flavor")


class Keypairs(Methods, Protocol):
    """Public keys that servers are given. Capability KEYPAIRS."""

    async def keypair(self, name: str) -> cloud.Keypair | None:
        """Return the keypair of a name, or None."""
        raise self.missing("keypair")

    async def keypairs_named(self, names: Collection[str]) -> Sequence[cloud.Keypair]:
        """Return the keypairs that have one of the names."""
        return [keypair for keypair in await self.keypairs() if keypair.name in names]

    async def keypairs(self) -> Sequence[cloud.Keypair]:
        """Return the caller's keypairs; cached."""
        raise self.missing("keypairs")

    async def create_keypair(self, name: str, *, public_key: str) -> cloud.Keypair:
        """Import a public key. Raises CloudConflict where the name is taken, CloudRefused where it is no key."""
        raise self.missing("create_keypair")

    async def delete_keypair(self, name: str) -> None:
        """Delete a keypair."""
        raise self.missing("delete_keypair")


class ServerGroups(Methods, Protocol):
    """Rules for where servers stand relative to each other. Capability SERVER_GROUPS."""

    async def server_groups(self) -> Sequence[cloud.ServerGroup]:
        """Return the project's server groups."""
        raise self.missing("server_groups")

    async def server_group_named(self, name: str) -> cloud.ServerGroup | None:
        """Return the server group of a name, or None."""
        raise self.missing("server_group_named")

    async def create_server_group(self, name: str, *, policy: str) -> cloud.ServerGroup:
        """Make a server group; policies are `affinity`, `anti-affinity`, and with SOFT_AFFINITY `soft-…` of both."""
        raise self.missing("create_server_group")

    async def delete_server_group(self, id: str) -> None:
        """Delete a server group."""
        raise self.missing("delete_server_group")
