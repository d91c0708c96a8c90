"""Steps on server groups: servers of one launch that stand apart."""

from collections.abc import Collection
from typing import ClassVar

from enamel.clouds.driver import Capability
from enamel.model import task
from enamel.steps.step import Context, Outputs, Step


class CreateServerGroup(Step, frozen=True, kw_only=True):
    """Make a server group that spreads its members over hosts, softly where the cloud can."""

    kind: ClassVar[str] = "server_group.create"
    action: ClassVar[str] = "SPREADING"
    undoable: ClassVar[bool] = True

    name: str
    """Holds the task's id: server groups carry no marks."""

    async def do(self, at: Context) -> Outputs:
        """Make it."""
        soft = Capability.SOFT_AFFINITY in await at.cloud.capabilities()
        if not soft:
            at.note("The cloud knows no soft anti-affinity: each server needs a host of its own.")
        group = await at.cloud.create_server_group(
            self.name, policy="soft-anti-affinity" if soft else "anti-affinity"
        )
        return {"id": group.id, "name": group.name}

    async def find(self, at: Context) -> Outputs | None:
        """Find it by its name."""
        group = await at.cloud.server_group_named(self.name)
        return {"id": group.id, "name": group.name} if group else None

    async def undo(self, at: Context, made: Outputs, *, only: Collection[int] | None = None) -> None:
        """Delete it."""
        await at.cloud.delete_server_group(made["id"])

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the group."""
        return [task.Made(kind="server_group", id=outputs["id"], name=outputs["name"])]
