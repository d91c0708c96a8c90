"""The servers, flavors, keypairs and server groups that exist: the state of the sandbox's Nova."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct

from enamel.sandbox import core, kernel
from enamel.sandbox.compute import server as compute_server
from enamel.sandbox.identity import state as identity_state

ZONES = ("az1", "az2")
LOWEST: kernel.Version = (2, 1)

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
    """When it was created."""


class Group(Struct, kw_only=True):
    """A server group: servers on the same host or on different hosts."""

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


class Usage(Struct):
    """What a project uses of its quota."""

    instances: int = 0
    """Servers."""
    cores: int = 0
    """Virtual processors."""
    ram: int = 0
    """MiB of memory."""


class Compute:
    """The state of Nova."""

    def __init__(self, cloud: core.Core, identity: identity_state.Identity) -> None:
        """Create the flavors every sandbox has."""
        self._cloud = cloud
        self._identity = identity
        self.servers: dict[str, compute_server.Server] = {}
        self.of_project: dict[str, dict[str, compute_server.Server]] = {}
        self.gone: dict[str, list[compute_server.Server]] = {}
        self.usage: dict[str, Usage] = {}
        self.limits: dict[str, dict[str, int]] = {}
        self.flavors: dict[str, compute_server.Flavor] = {}
        self.keypairs: dict[tuple[str, str], Keypair] = {}
        self.groups: dict[str, Group] = {}
        self.keys_made = 0
        self._numbers: dict[str, int] = {}
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
            flavor = compute_server.Flavor(id=cloud.new_id(), name=name, vcpus=vcpus, ram=ram, disk=disk)
            self.flavors[flavor.id] = flavor

    def number(self, id: str) -> int:
        """Return the number by which Nova knows an address, a group or a rule where it is the network service."""
        return self._numbers.setdefault(id, len(self._numbers) + 1)

    def inventory(self) -> dict[str, list[dict[str, Any]]]:
        """Return everything that exists, by kind; servers deleted for good are gone."""
        return {
            "servers": [server.summary() for server in self.servers.values() if server.vm_state != "deleted"],
            "keypairs": [
                {
                    "id": keypair.name,
                    "name": keypair.name,
                    "user_id": keypair.user_id,
                    "project_id": self._identity.users[keypair.user_id].project_id,
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
        return self._cloud.quota(name, default=LIMITS[name]) if own is None else own

    def used(self, project_id: str) -> Usage:
        """Return what a project uses."""
        return self.usage.setdefault(project_id, Usage())

    def charge(self, server: compute_server.Server, *, sign: int) -> None:
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

    def add(self, server: compute_server.Server) -> None:
        """Add a new server."""
        self.servers[server.id] = server
        self.of_project.setdefault(server.project_id, {})[server.id] = server
        self.charge(server, sign=+1)

    def retire(self, server: compute_server.Server) -> None:
        """Move a deleted server to the records."""
        del self.servers[server.id]
        del self.of_project[server.project_id][server.id]
        self.gone.setdefault(server.project_id, []).append(server)
        if server.group_id in self.groups:
            self.groups[server.group_id].members.remove(server.id)

    def find(self, caller: kernel.Caller, server_id: str) -> compute_server.Server:
        """Return a server the caller may see, or refuse."""
        server = self.servers.get(server_id)
        if server is None or not caller.sees(server.project_id):
            raise kernel.Refusal(404, f"Instance {server_id} could not be found.")
        return server

    def find_flavor(self, caller: kernel.Caller, flavor_id: str) -> compute_server.Flavor | None:
        """Return a flavor the caller may use, or None."""
        flavor = self.flavors.get(flavor_id)
        if flavor and (flavor.public or caller.admin or caller.project_id in flavor.access):
            return flavor
        return None

    def visible_groups(self, caller: kernel.Caller) -> Iterator[Group]:
        """Yield the server groups of the caller's project."""
        return (group for group in self.groups.values() if group.project_id == caller.project_id)
