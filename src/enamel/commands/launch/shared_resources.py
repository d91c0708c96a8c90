"""What the servers of a launch share: keypairs, security groups, a network and a server group, each made once."""

from collections.abc import Sequence
from typing import Any

from enamel.clouds.capability import Capability
from enamel.commands.facts import Facts
from enamel.commands.launch.interface import Interface
from enamel.commands.launch.resolved_server import ResolvedServer
from enamel.flow.draft import Draft, Handle
from enamel.model import cloud, ids
from enamel.steps import keypair, network, security_group, server_group


class SharedResources:
    """Adds the steps that make what servers share, and returns what each server uses of it."""

    def __init__(self, draft: Draft, *, servers: Sequence[ResolvedServer], task: str, facts: Facts) -> None:
        self._draft = draft
        self._servers = servers
        self._short = ids.short(task)
        self._facts = facts
        self._keys: dict[str, Handle] = {}
        self._groups: dict[tuple[cloud.Rule, ...], Handle] = {}
        self._network: Handle | None = None
        self.server_group: Handle | None = None
        """None also where the cloud has no server groups."""

    def add(self) -> None:
        """Add the steps, in the order of the servers that need them."""
        for server in self._servers:
            self._add_key(server)
            self._add_group(server)
            self._add_network(server)
            self._add_server_group(server)

    def _add_key(self, server: ResolvedServer) -> None:
        key = server.key
        if key and key.public_key is not None and key.name not in self._keys:
            step = keypair.ImportKeypair(name=key.name, public_key=key.public_key)
            self._keys[key.name] = self._draft.add(step)

    def _add_group(self, server: ResolvedServer) -> None:
        if not server.rules or server.rules in self._groups:
            return
        base = server.hostname if len(self._servers) == 1 else server.hostname.rsplit("-", 1)[0]
        number = f"-{len(self._groups) + 1}" if self._groups else ""
        name = f"{base}-{self._short}{number}"
        step = security_group.CreateSecurityGroup(name=name, rules=server.rules)
        self._groups[server.rules] = self._draft.add(step)

    def _add_network(self, server: ResolvedServer) -> None:
        if self._network is None and any(interface.automatic for interface in server.interfaces or ()):
            self._network = self._draft.add(network.AutoNetwork())

    def _add_server_group(self, server: ResolvedServer) -> None:
        able = Capability.SERVER_GROUPS in self._facts.capabilities
        if self.server_group is None and server.spread and len(self._servers) > 1 and able:
            name = server_group.name_of(self._short)
            self.server_group = self._draft.add(server_group.CreateServerGroup(name=name))

    def key_name(self, server: ResolvedServer) -> Any:
        """Return the name of a server's keypair."""
        if server.key is None:
            return None
        imported = self._keys.get(server.key.name)
        return imported["name"] if imported else server.key.name

    def network(self, interface: Interface) -> Any:
        """Return the id of the network of an interface."""
        if interface.automatic and self._network is not None:
            return self._network["id"]
        return interface.network_id

    def security_groups(self, server: ResolvedServer) -> tuple[Any, ...] | None:
        """Return the ids of a server's security groups; None leaves the project's default."""
        if not server.rules:
            return server.security_groups
        named = server.security_groups
        if named is None:
            project = self._facts.identity.project_id
            named = tuple(
                group.id
                for group in self._facts.security_groups
                if group.name == "default" and group.project_id in ("", project)
            ) or (cloud.DEFAULT_GROUP,)
        return (self._groups[server.rules]["id"], *named)

    def notes(self) -> tuple[str, ...]:
        """Return what has to be known of the networks: on which of them the servers' security groups are not."""
        ids = {
            interface.network_id
            for server in self._servers
            if server.rules or server.security_groups
            for interface in server.interfaces or ()
            if interface.port_id is None and not interface.accepts_groups
        }
        names = sorted(network.name for network in self._facts.networks if network.id in ids)
        return tuple(
            f"Network '{name}' has no port security: the servers' security groups are on their other interfaces."
            for name in names
        )
