"""The way back: takes away what steps have made, in reverse, until the cloud answers that it is gone."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta

import structlog

from enamel.clouds.calls import context, record
from enamel.flow.graph import Graph
from enamel.flow.journal import TaskJournal
from enamel.flow.plan import Node
from enamel.model import errors, item
from enamel.model.call_context import Lane
from enamel.model.errors import EnamelError, LeaseLost
from enamel.steps import KINDS
from enamel.steps.step import Context, Outputs, Retry, Step

log = structlog.get_logger(__name__)

RETRY = Retry(maximum_attempts=12, maximum_interval=timedelta(seconds=15))
"""Undoing is tried long: what was in use a moment ago is free a moment later."""

TIMEOUT = timedelta(minutes=10)
"""Time for undoing one step once."""

SETTLE = 2.0
"""Seconds that a cloud may need until the effect of a request that broke off shows in its lists."""

UNDONE = frozenset({item.State.WAITING, item.State.REVERTED})


class Undo:
    """Undoes steps of one task. It can be broken off at any point and begun again: deleting twice is harmless."""

    def __init__(
        self,
        graph: Graph,
        journal: TaskJournal,
        *,
        context: Callable[[Node], Context],
        step: Callable[[Node], Awaitable[Step]],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._graph = graph
        self._journal = journal
        self._context = context
        self._step = step
        self._sleep = sleep

    async def everything(self) -> list[str]:
        """Undo all that the task has made; return a sentence for each thing that could not be undone."""
        return await self.steps(self._graph.nodes)

    async def group(self, group: str) -> list[str]:
        """Undo what was made for one server, also by steps that serve others as well."""
        return await self.steps(self._graph.of_group[group]) + await self.shared(group)

    async def shared(self, group: str) -> list[str]:
        """Undo what steps that serve several servers have made for one of them, as far as they are done."""
        left: list[str] = []
        for node in reversed(self._graph.serving(group)):
            one, places = self._journal.items.get(node.name), self._graph.places(node, group)
            if (
                one is not None
                and one.state is item.State.COMPLETED
                and not set(places) <= set(one.outputs.get("undone", ()))
            ):
                left += await self._revert(node, only=places)
        return left

    async def steps(self, names: Collection[str]) -> list[str]:
        """Undo steps, each as soon as all that build on it are undone."""
        mine = [name for name in self._graph.nodes if name in names and self._leaves_something(name)]
        ended = {name: asyncio.Event() for name in mine}
        order = self._reverse_needs(mine)

        async def one(name: str) -> list[str]:
            for other in order[name]:
                await ended[other].wait()
            try:
                return await self._revert(self._graph.nodes[name], only=None)
            finally:
                ended[name].set()

        work = [asyncio.create_task(one(name)) for name in mine]
        try:
            return [sentence for sentences in await asyncio.gather(*work) for sentence in sentences]
        finally:
            for other in work:
                other.cancel()

    def _leaves_something(self, name: str) -> bool:
        one = self._journal.items.get(name)
        if one is None:
            return False
        # What an earlier task has made and this one has taken over is not this one's to undo.
        taken_over = one.attempt == 0 and one.state is item.State.COMPLETED
        # A step that waits to be begun again may have had its effect before.
        begun = one.state not in UNDONE or one.uncertain
        return KINDS[one.kind].undoable and begun and not taken_over

    def _reverse_needs(self, names: Sequence[str]) -> dict[str, set[str]]:
        """Return for each step those that must be undone before it, also across steps that leave nothing."""
        inside = set(names)
        found: dict[str, set[str]] = {}
        for name in reversed(list(self._graph.nodes)):
            found[name] = set()
            for other in self._graph.dependents[name]:
                found[name] |= {other} if other in inside else found[other]
        return {name: found[name] for name in names}

    async def _revert(self, node: Node, *, only: Sequence[int] | None) -> list[str]:
        """Undo one step; return a sentence if that cannot be done."""
        if not self._leaves_something(node.name):
            return []
        attempt = 0
        while True:
            attempt += 1
            with record.calls() as calls, context.in_lane(Lane.CLEAN_UP):
                try:
                    async with asyncio.timeout(TIMEOUT.total_seconds()):
                        outputs = await self._take_away(node, only=only)
                    await self._journal.reverted(node, calls=calls, only=only, outputs=outputs)
                    return []
                except LeaseLost:
                    raise
                except EnamelError as exc:
                    error = exc
                except TimeoutError:
                    error = errors.StepTimedOut(
                        f"Undoing '{node.name}' took longer than {TIMEOUT.total_seconds():.0f} s."
                    )
            final = isinstance(
                error, errors.CloudForbidden | errors.CloudUnauthorized | errors.PlanUnreadable
            )
            if final or attempt >= RETRY.maximum_attempts:
                log.error("step.left", task=self._journal.task.id, step=node.name, error=error.detail)
                return [self._left(node, error)]
            await self._sleep(max(RETRY.pause(attempt), float(error.data.get("retry_after") or 0)))

    async def _take_away(self, node: Node, *, only: Sequence[int] | None) -> Outputs:
        """Undo one step once and return its outputs."""
        one = self._journal.items[node.name]
        step, at = await self._step(node), self._context(node)
        made = one.outputs if one.state is item.State.COMPLETED else await step.find_leftovers(at)
        if made is None and one.uncertain:
            await self._sleep(SETTLE)
            made = await step.find_leftovers(at)
        if made is not None:
            await step.undo(at, made, only=only)
        if only is None and one.attempt > 1:
            await step.tidy(at, made or step.empty_outputs)
        return made or {}

    @staticmethod
    def _left(node: Node, error: EnamelError) -> str:
        return f"What step '{node.name}' made is still there: {error.detail}"
