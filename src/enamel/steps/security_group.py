"""Steps on security groups: the rules that a launch asks for."""

from datetime import timedelta
from typing import ClassVar

from enamel.clouds.capability import Capability
from enamel.model import cloud, mark, states, task
from enamel.model.errors import CloudConflict, Gone
from enamel.steps import ownership
from enamel.steps.maker import Maker
from enamel.steps.ownership import Labels
from enamel.steps.step import IN_USE, Context, Outputs, Retry, Step

_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts to delete a group that something still uses."""


class CreateSecurityGroup(Maker, frozen=True, kw_only=True):
    """Make a security group with its rules."""

    kind: ClassVar[str] = "security_group.create"
    action: ClassVar[str] = "ALLOWING"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.SECURITY_GROUPS})
    calls: ClassVar[int] = 2
    noun: ClassVar[str] = "security group"

    name: str
    rules: tuple[cloud.Rule, ...]

    def needs(self) -> dict[str, int]:
        """Return how much of each quota it uses up."""
        return {"security_groups": 1}

    async def do(self, at: Context) -> Outputs:
        """Make the group, then all its rules in one request."""
        group = await at.cloud.create_security_group(self.name, mark=at.mark)
        ownership.check_created(at, self.noun, group.id, group.description)
        return await self._with_rules(at, self._outputs(at, group))

    async def find(self, at: Context) -> Outputs | None:
        """Find the group by its mark and see that it has all rules."""
        groups = await self.marked(at)
        return await self._with_rules(at, groups[0]) if groups else None

    async def find_leftovers(self, at: Context) -> Outputs | None:
        """Find the group, whether the cloud would take its rules or not."""
        return await super().find(at)

    async def _with_rules(self, at: Context, outputs: Outputs) -> Outputs:
        if self.rules:
            await at.cloud.add_rules(outputs["id"], self.rules)
        return outputs

    async def marked(self, at: Context) -> list[Outputs]:
        """Return the groups with this mark."""
        return [self._outputs(at, group) for group in await at.cloud.security_groups_marked(at.mark)]

    def _outputs(self, at: Context, group: cloud.SecurityGroup) -> Outputs:
        return {"id": group.id, "name": group.name, "mark": at.mark}

    async def labels(self, at: Context, id: str) -> Labels:
        """Return the mark and the name of a group. Raises Gone."""
        group = await listed(at, id)
        return Labels(group.description, group.name)

    async def take_away(self, at: Context, id: str) -> None:
        """Delete one."""
        await at.cloud.delete_security_group(id)

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the group."""
        return [task.Made(kind="security_group", id=outputs["id"], name=outputs["name"])]


async def listed(at: Context, id: str) -> cloud.SecurityGroup:
    """Return a security group of the project. Raises Gone."""
    for group in await at.cloud.security_groups():
        if group.id == id:
            return group
    raise Gone(f"There is no security group '{id}'.", cloud=at.cloud.name)


class DeleteSecurityGroup(Step, frozen=True, kw_only=True):
    """Delete a security group that nothing uses any more."""

    kind: ClassVar[str] = "security_group.delete"
    action: ClassVar[str] = "DELETING_SECURITY_GROUP"
    repeatable: ClassVar[bool] = True
    # Neutron says 409 while a port is still on its way out.
    retry: ClassVar[Retry] = Retry(maximum_attempts=12, maximum_interval=timedelta(seconds=5), errors=IN_USE)

    id: str

    async def do(self, at: Context) -> Outputs:
        """Delete it."""
        await at.cloud.delete_security_group(self.id)
        return {"id": self.id}


class ReleaseSecurityGroup(DeleteSecurityGroup, frozen=True, kw_only=True):
    """Delete a security group that several servers of a launch share, unless others of them are left.

    It is looked when the server itself has gone: of servers that go at the same time, the last one takes it along.
    """

    kind: ClassVar[str] = "security_group.release"

    task: str
    """The task that has launched the servers."""

    async def do(self, at: Context) -> Outputs:
        """Delete it unless others use it."""
        others = [
            other.name
            for other in await at.cloud.servers_list()
            if other.state not in states.DELETED and mark.task_of(other.mark) == self.task
        ]
        if others:
            at.note(f"The security group stays for {', '.join(sorted(others)[:5])}.")
            return {"id": self.id}
        for pause in _PAUSES:
            try:
                return await super().do(at)
            except CloudConflict:
                await at.sleep(pause)
        # The port of one that has just gone: whoever deletes that comes by here after it.
        at.note("The security group stays: something uses it still.")
        return {"id": self.id}
