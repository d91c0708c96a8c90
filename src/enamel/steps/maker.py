"""The maker: a step that makes one thing, which carries the step's mark and is found, tidied and taken away by it."""

from collections.abc import Collection, Sequence
from typing import ClassVar

from enamel.steps.step import Context, Outputs, Step


class Maker(Step, frozen=True, kw_only=True):
    """Make one thing."""

    undoable: ClassVar[bool] = True

    async def marked(self, at: Context) -> Sequence[Outputs]:
        """Return the outputs of all things with this step's mark, as making them would have."""
        raise NotImplementedError

    async def take_away(self, at: Context, id: str) -> None:
        """Delete one, until the cloud answers that it is gone."""
        raise NotImplementedError

    async def find(self, at: Context) -> Outputs | None:
        """Find it by its mark."""
        resources = await self.marked(at)
        return resources[0] if resources else None

    async def tidy(self, at: Context, outputs: Outputs) -> None:
        """Delete others with this mark."""
        for other in await self.marked(at):
            if other["id"] != outputs["id"]:
                await self.take_away(at, other["id"])

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Delete it."""
        await self.take_away(at, outputs["id"])
