"""Steps on server groups: servers of one launch that stand apart."""

import re
from collections.abc import Collection
from typing import ClassVar

from enamel.clouds.capability import Capability
from enamel.model import ids, task
from enamel.steps.step import Context, Outputs, Step


def name_of(task: str) -> str:
    """Return the name of the server group that a launch makes for its servers; the end of its id is enough."""
    return f"enamel-{ids.short(task)}"


def is_ours(name: str) -> bool:
    """Tell whether a launch may have given a server group this name."""
    return re.fullmatch("enamel-[0-9a-f]{8}", name) is not None


class CreateServerGroup(Step, frozen=True, kw_only=True):
    """Make a server group that spreads its members over hosts, softly where the cloud can."""

    kind: ClassVar[str] = "server_group.create"
    action: ClassVar[str] = "SPREADING"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.SERVER_GROUPS})
    undoable: ClassVar[bool] = True

    name: str
    """Holds the task's id: server groups carry no marks."""

    def needs(self) -> dict[str, int]:
        """Return how much of each quota it uses up."""
        return {"server_groups": 1}

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

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Delete it; the name is its mark, whatever id was recorded."""
        group = await at.cloud.server_group_named(self.name)
        if group is not None:
            await at.cloud.delete_server_group(group.id)

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return the group."""
        return [task.Made(kind="server_group", id=outputs["id"], name=outputs["name"])]


class ReleaseServerGroup(Step, frozen=True, kw_only=True):
    """Delete the server group of a launch when none of its servers is left."""

    kind: ClassVar[str] = "server_group.release"
    action: ClassVar[str] = "DELETING_SERVER_GROUP"
    repeatable: ClassVar[bool] = True
    calls: ClassVar[int] = 2

    name: str

    async def do(self, at: Context) -> Outputs:
        """Delete it if it has no members."""
        group = await at.cloud.server_group_named(self.name)
        if group is None:
            return {"id": ""}
        if group.members:
            at.note(f"The server group stays for {len(group.members)} other servers.")
        else:
            await at.cloud.delete_server_group(group.id)
        return {"id": group.id}
