"""The order of undoing: each step as soon as all that build on it are undone.

It can be broken off at any point and begun again: deleting twice is harmless.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence

from enamel.flow.graph import Graph
from enamel.flow.plan import Node
from enamel.flow.step_run import StepRun
from enamel.model import item
from enamel.model.item import Item


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
        return await self.steps(self._graph.of_group[group]) + await self.shared(group)

    async def shared(self, group: str) -> list[str]:
        """Undo what steps that serve several groups have made for one of them, as far as they are done."""
        left: list[str] = []
        for node in reversed(self._graph.serving(group)):
            step, places = self._items.get(node.name), self._graph.places(node, group)
            if (
                step is not None
                and step.state is item.State.COMPLETED
                and not set(places) <= set(step.outputs.get("undone", ()))
            ):
                left += await self._step_run(node).undo(only=places)
        return left

    async def steps(self, names: Collection[str]) -> list[str]:
        """Undo steps, each as soon as all that build on it are undone."""
        runs = {
            name: run
            for name, node in self._graph.nodes.items()
            if name in names and (run := self._step_run(node)).has_effect
        }
        ended = {name: asyncio.Event() for name in runs}
        before = self._reverse_needs(list(runs))

        async def undo(name: str) -> list[str]:
            for other in before[name]:
                await ended[other].wait()
            try:
                return await runs[name].undo()
            finally:
                ended[name].set()

        work = [asyncio.create_task(undo(name)) for name in runs]
        try:
            return [sentence for sentences in await asyncio.gather(*work) for sentence in sentences]
        finally:
            for other in work:
                other.cancel()

    def _reverse_needs(self, names: Sequence[str]) -> dict[str, set[str]]:
        """Return for each step those that must be undone before it, also across steps that leave nothing."""
        inside = set(names)
        needs: dict[str, set[str]] = {}
        for name in reversed(list(self._graph.nodes)):
            needs[name] = set()
            for other in self._graph.dependents[name]:
                needs[name] |= {other} if other in inside else needs[other]
        return {name: needs[name] for name in names}
