"""Undoing: everything that can go goes, each thing as soon as all that build on it have gone.

What cannot be undone keeps what it builds on, and nothing else. It can be broken off at any point and begun again:
deleting twice is harmless.
"""

import asyncio
from collections.abc import Callable, Collection

from enamel.flow import leftover, undo_order
from enamel.flow.graph import Graph
from enamel.flow.plan import Node
from enamel.flow.step_run import StepRun
from enamel.flow.undo_order import Part
from enamel.model import item
from enamel.model.item import Item
from enamel.model.task import Made


class Undo:
    """Undoes steps of one task. Each method returns a sentence for each thing that could not be undone."""

    def __init__(self, graph: Graph, items: dict[str, Item], *, step_run: Callable[[Node], StepRun]) -> None:
        self._graph = graph
        self._items = items
        self._step_run = step_run

    async def everything(self) -> list[str]:
        """Undo all that the task has made."""
        return await self.steps(self._graph.nodes)

    async def group(self, group: str) -> list[str]:
        """Undo what was made for one group, also by steps that serve others as well."""
        own = self._graph.of_group[group]
        left = await self._undo([*self._parts(own), *self._shared(group)])
        await self._close(own)
        return left

    async def shared(self, group: str) -> list[str]:
        """Undo what steps that serve several groups have made for one of them, as far as they are done."""
        return await self._undo(self._shared(group))

    async def steps(self, names: Collection[str]) -> list[str]:
        """Undo steps, each as soon as all that build on it are undone."""
        left = await self._undo(self._parts(names))
        await self._close(names)
        return left

    async def _close(self, names: Collection[str]) -> None:
        """Record which steps are undone as a whole."""
        for name in names:
            await self._step_run(self._graph.nodes[name]).all_undone()

    def _parts(self, names: Collection[str]) -> list[Part]:
        return [
            part
            for name, node in self._graph.nodes.items()
            if name in names and self._step_run(node).has_effect
            for part in undo_order.parts(self._items[name])
        ]

    def _shared(self, group: str) -> list[Part]:
        """Return what steps that serve several groups have made for one of them and is still there."""
        return [
            part
            for node in self._graph.serving(group)
            if (step := self._items.get(node.name)) is not None
            and step.state is item.State.COMPLETED
            and self._step_run(node).has_effect
            for part in undo_order.parts(step)
            if part.place is None or part.place in self._graph.places(node, group)
        ]

    async def _undo(self, chosen: Collection[Part]) -> list[str]:
        order = undo_order.order(self._graph, chosen)
        ended = {part: asyncio.Event() for part in order}
        left: dict[Part, str] = {}

        async def undo(part: Part) -> None:
            try:
                for other in order[part]:
                    await ended[other].wait()
                users = [self._name(other) for other in order[part] if other in left]
                sentence = (
                    leftover.sentence(self._things(part), step=part.step, why=leftover.kept_by(users))
                    if users
                    else await self._step_run(self._graph.nodes[part.step]).undo(place=part.place)
                )
                if sentence:
                    left[part] = sentence
            finally:
                ended[part].set()

        work = [asyncio.create_task(undo(part)) for part in order]
        try:
            await asyncio.gather(*work)
        finally:
            for other in work:
                other.cancel()
        return list(left.values())

    def _things(self, part: Part) -> list[Made]:
        return leftover.things(self._items[part.step], part.place)

    def _name(self, part: Part) -> str:
        return leftover.name(self._things(part), step=part.step)
