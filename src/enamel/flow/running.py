"""What of a task is under way: its steps, the work on groups that failed, and the news of how each ends."""

import asyncio
import math
from collections.abc import Coroutine, Iterable
from typing import Any

from enamel.flow.inbox import Inbox
from enamel.flow.plan import Node
from enamel.flow.step_run import BrokenOff
from enamel.steps import KINDS


class Ended:
    """What became of a step: done, failed with an error, or stopped."""

    __slots__ = ("error", "name", "stopped")

    def __init__(self, name: str, *, error: BaseException | None = None, stopped: bool = False) -> None:
        self.name = name
        self.error = error
        self.stopped = stopped


class Running:
    """The coroutines of one task, and the inbox in which they report their ends."""

    def __init__(self) -> None:
        self._steps: dict[str, asyncio.Task[None]] = {}
        self._kinds: dict[str, str] = {}
        self._group_work: set[asyncio.Task[None]] = set()
        self._inbox: Inbox[Ended | BaseException | None] = Inbox()

    def __contains__(self, name: str) -> bool:
        return name in self._steps

    @property
    def idle(self) -> bool:
        """Tell whether nothing is under way and all news are read."""
        return not self._steps and not self._group_work and self._inbox.empty()

    def begin(self, node: Node, work: Coroutine[Any, Any, None]) -> None:
        """Begin a step."""
        step = asyncio.create_task(self._report(node.name, work), name=node.name)
        self._steps[node.name] = step
        self._kinds[node.name] = node.kind

        def over(step: asyncio.Task[None]) -> None:
            # A step that is cancelled before its first line reports nothing itself.
            if step.cancelled():
                work.close()
                self._inbox.put(Ended(node.name, stopped=True))

        step.add_done_callback(over)

    async def _report(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        ended = Ended(name)
        try:
            await work
        except (asyncio.CancelledError, BrokenOff):
            ended.stopped = True
        except Exception as exc:
            ended.error = exc
        self._inbox.put(ended)

    def begin_group_work(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin what is done for a group that failed."""
        task = asyncio.create_task(work)
        self._group_work.add(task)

        def over(task: asyncio.Task[None]) -> None:
            self._group_work.discard(task)
            self._inbox.put(None if task.cancelled() else task.exception())

        task.add_done_callback(over)

    def fail(self, error: BaseException) -> None:
        """Let `next` return an error that is no step's."""
        self._inbox.put(error)

    def wake(self) -> None:
        """Let `next` return, for something else has changed."""
        self._inbox.put(None)

    async def next(self, *, until: float = math.inf) -> Ended | BaseException | None:
        """Return the step that ends next, or an error that is no step's; None when something else has changed.

        Args:
            until: How long to wait, by the loop's clock.

        Raises:
            TimeoutError: That time comes first.
        """
        async with asyncio.timeout_at(None if math.isinf(until) else until):
            news = await self._inbox.get()
        if isinstance(news, Ended):
            self._steps.pop(news.name, None)
        return news

    def break_off_waits(self, names: Iterable[str] | None = None) -> None:
        """Cancel those of the running steps, by default of all, that only wait, or whose effect is looked up to undo it."""
        for name in list(self._steps if names is None else names):
            kind = KINDS[self._kinds[name]] if name in self._steps else None
            if kind is not None and kind.repeatable and (kind.waits or kind.undoable):
                self._steps[name].cancel()

    def break_off(self) -> None:
        """Cancel those of the running steps that can be begun again without harm, for another worker to do so."""
        for name, step in list(self._steps.items()):
            if KINDS[self._kinds[name]].repeatable:
                step.cancel()

    async def drop(self) -> None:
        """Cancel everything, and wait until it has stopped."""
        work = [*self._steps.values(), *self._group_work]
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
