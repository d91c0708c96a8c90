"""Steps on security groups: the rules that a launch asks for."""

from collections.abc import Collection
from typing import ClassVar

from enamel.model import cloud, task
from enamel.steps.step import Context, Outputs, Retry, Step


class CreateSecurityGroup(Step, frozen=True, kw_only=True):
    """Make a security group with its rules."""

    kind: ClassVar[str] = "security_group.create"
    action: ClassVar[str] = "ALLOWING"
    undoable: ClassVar[bool] = True
    calls: ClassVar[int] = 2

    name: str
    rules: tuple[cloud.Rule, ...]

    async def do(self, at: Context) -> Outputs:
        """Make the group, then all its rules in one request."""
        group = await at.cloud.create_security_group(self.name, mark=at.mark)
        return await self._with_rules(at, group)

    async def find(self, at: Context) -> Outputs | None:
        """Find the group by its mark and see that it has all rules."""
        groups = await at.cloud.security_groups_marked(at.mark)
        return await self._with_rules(at, groups[0]) if groups else None

    async def remains(self, at: Context) -> Outputs | None:
        """Find the group, whether the cloud would take its rules or not."""
        groups = await at.cloud.security_groups_marked(at.mark)
        return {"id": groups[0].id, "name": groups[0].name} if groups else None

    async def _with_rules(self, at: Context, group: cloud.SecurityGroup) -> Outputs:
        if self.rules:
            await at.cloud.add_rules(group.id, self.rules)
        return {"id": group.id, "name": group.name}

    async def tidy(self, at: Context, made: Outputs) -> None:
        """Delete other groups with this mark."""
        for group in await at.cloud.security_groups_marked(at.mark):
            if group.id != made["id"]:
                await at.cloud.delete_security_group(group.id)

    async def undo(self, at: Context, made: Outputs, *, only: Collection[int] | None = None) -> None:
        """Delete the group."""
        await at.cloud.delete_security_group(made["id"])

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the group."""
        return [task.Made(kind="security_group", id=outputs["id"], name=outputs["name"])]


class DeleteSecurityGroup(Step, frozen=True, kw_only=True):
    """Delete a security group that nothing uses any more."""

    kind: ClassVar[str] = "security_group.delete"
    action: ClassVar[str] = "DELETING_SECURITY_GROUP"
    repeatable: ClassVar[bool] = True
    # Neutron says 409 while a port is still on its way out.
    retry: ClassVar[Retry] = Retry(attempts=12, first=0.5, most=5.0)

    id: str

    async def do(self, at: Context) -> Outputs:
        """Delete it."""
        await at.cloud.delete_security_group(self.id)
        return {"id": self.id}
