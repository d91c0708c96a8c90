"""Server groups of the compute service."""

from collections.abc import Sequence

from msgspec import Struct

from enamel.clouds.methods import compute as methods
from enamel.clouds.openstack import service
from enamel.clouds.openstack.compute import catalogue
from enamel.model import cloud

SERVICE = catalogue.SERVICE


class _Group(Struct):
    id: service.Id
    name: str = ""
    policies: list[str] = []
    members: list[str] = []

    def neutral(self, *, policy: str = "") -> cloud.ServerGroup:
        return cloud.ServerGroup(
            id=self.id,
            name=self.name,
            policy=(self.policies or [policy])[0],
            members=tuple(self.members),
        )


class _GroupBody(Struct):
    server_group: _Group


class _GroupsBody(Struct):
    server_groups: list[_Group]


class ServerGroups(catalogue.Catalogue, methods.ServerGroups):
    """The server groups of a project."""

    async def server_groups(self) -> Sequence[cloud.ServerGroup]:
        """Return the project's server groups."""
        # Nova gives no more of them than `max_limit` at once, and no link to the others.
        groups = await self._by_offset(
            SERVICE, "/os-server-groups", answer=_GroupsBody, entries="server_groups"
        )
        return [group.neutral() for group in groups]

    async def server_group_named(self, name: str) -> cloud.ServerGroup | None:
        """Return the server group of a name, or None."""
        return next((group for group in await self.server_groups() if group.name == name), None)

    async def create_server_group(self, name: str, *, policy: str) -> cloud.ServerGroup:
        """Make a server group."""
        version = await self._version("2.15") if policy.startswith("soft-") else None
        body = {"server_group": {"name": name, "policies": [policy]}}
        reply = await self._post(SERVICE, "/os-server-groups", body=body, answer=_GroupBody, version=version)
        return reply.server_group.neutral(policy=policy)

    async def delete_server_group(self, id: str) -> None:
        """Delete a server group."""
        await self._delete(SERVICE, "/os-server-groups", id)
