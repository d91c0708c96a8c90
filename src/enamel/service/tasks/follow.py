"""Follow tasks: their events as they happen, and their end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from enamel.clouds.calls import cache
from enamel.dispatch import base
from enamel.model import task
from enamel.model.call_context import CallContext
from enamel.model.event import Event
from enamel.service.access import policy
from enamel.service.tasks import read
from enamel.service.tasks.timeline import PAGE
from enamel.service.tasks.timelines import Timelines
from enamel.store import engine, events

LONGEST_WAIT = timedelta(seconds=60)
"""How long one request can wait for the end of a task."""


class Follow:
    """Waits for what happens to tasks.

    The dispatch's hints wake it at once; without a hint it polls the store, for all followers of all tasks together.
    """

    def __init__(
        self,
        store: engine.Store,
        *,
        dispatch: base.Dispatch,
        reader: read.Read,
        poll_interval: timedelta = timedelta(seconds=0.4),
    ) -> None:
        self._store = store
        self._reader = reader
        self._ending = False
        self._timelines = Timelines(store, dispatch=dispatch, poll_interval=poll_interval)
        self._reads = cache.Flights()

    def end(self) -> None:
        """Release everybody who waits: the process ends, and they can go on with another."""
        self._ending = True
        self._timelines.wake()

    async def events(
        self, ctx: CallContext, id: str, *, after: int = 0, cloud: str | None = None
    ) -> AsyncIterator[Event]:
        """Yield the events of a task that follow a number, each as soon as it is stored, up to the final one.

        Raises:
            NotFound: There is no such task, or it belongs to another project.
        """
        task = await self._begin(ctx, id, cloud=cloud)
        with self._timelines.following(task.id) as timeline:
            await timeline.known.wait()
            while not self._ending:
                news = timeline.since(after)
                if after < timeline.start:
                    news = await self._store.read(events.list, task.id, after=after, limit=PAGE)
                for event in news:
                    yield event
                    after = event.seq
                if not news:
                    if timeline.over:
                        return
                    await timeline.news()

    async def wait(
        self, ctx: CallContext, id: str, *, timeout: timedelta, cloud: str | None = None
    ) -> task.Task:
        """Return a task when it has ended, or as it is when the time is over.

        Raises:
            NotFound: There is no such task, or it belongs to another project.
        """
        current = await self._begin(ctx, id, cloud=cloud)
        if current.state in task.ENDED:
            return current
        with self._timelines.following(current.id) as timeline:
            try:
                async with asyncio.timeout(min(timeout, LONGEST_WAIT).total_seconds()):
                    while not timeline.over and not self._ending:
                        await timeline.news()
            except TimeoutError:
                pass
            # Whoever knows that it is over must not be shown an earlier read.
            return await self._reads.join(
                (current.id, timeline.over), lambda: self._store.read(read.look, current.id)
            )

    async def _begin(self, ctx: CallContext, id: str, *, cloud: str | None) -> task.Task:
        """Return a task that the caller may see, with one read for all who ask at the same time. Raises NotFound."""
        policy.enforce(ctx, "enamel:task:get")
        key = (ctx.caller.project_id, id, cloud)
        return await self._reads.join(key, lambda: self._reader.get(ctx, id, cloud=cloud))
