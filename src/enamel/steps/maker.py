"""The maker: a step that makes one thing, which carries the step's mark and is found, tidied and taken away by it."""

import dataclasses
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import ClassVar, TypeVar

from enamel.clouds.methods.base import Watch
from enamel.model.errors import Gone
from enamel.steps import ownership
from enamel.steps.ownership import Labels
from enamel.steps.step import Context, Outputs, Step

T = TypeVar("T")


class Maker(Step, frozen=True, kw_only=True):
    """Make one thing."""

    undoable: ClassVar[bool] = True
    noun: ClassVar[str] = ""
    """What the thing is called in sentences."""

    async def marked(self, at: Context) -> Sequence[Outputs]:
        """Return the outputs of all things with this step's mark, as making them would have."""
        raise NotImplementedError

    async def labels(self, at: Context, id: str) -> Labels:
        """Return what the thing of an id carries now. Raises Gone."""
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
        """Delete it; if another has made what has its id, delete what carries this step's mark instead."""
        id = outputs["id"]
        try:
            labels = await self.labels(at, id)
        except Gone:
            return
        if ownership.is_own(labels, at, outputs, name=outputs.get("name") or outputs.get("address") or ""):
            await self.take_away(at, id)
            return
        ownership.note_other(at, self.noun, id, labels)
        await self.tidy(dataclasses.replace(at, mark=ownership.mark_of(at, outputs)), self.empty_outputs)


async def now(watch: Watch[T], id: str) -> T:
    """Return a watched resource as it is; many who ask share a list. Raises Gone."""
    resource = await watch.until(id, lambda _: True, due=timedelta(0))
    if resource is None:
        raise Gone(f"Nothing has the id '{id}' any more.")
    return resource
