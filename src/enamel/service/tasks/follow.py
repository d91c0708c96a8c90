"""Following: the events of a task as they happen, and its end."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta

from enamel.clouds.calls import cache
from enamel.dispatch import base
from enamel.model import task
from enamel.model.event import Event
from enamel.service.tasks import read
from enamel.service.tasks.timeline import PAGE, Timeline
from enamel.store import engine, events


class Follow:
    """Waits for what happens to tasks.

    The dispatch's hints wake it at once; a hint that is lost costs no more than one look at the store later. All who
    follow the same task share these looks.
    """

    def __init__(
        self,
        store: engine.Store,
        *,
        dispatch: base.Dispatch,
        poll_interval: timedelta = timedelta(seconds=0.4),
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._poll_interval = poll_interval
        self._ending = False
        self._followed: dict[str, Timeline] = {}
        self._looks = cache.Flights()

    def end(self) -> None:
        """Have everybody go who waits: the process ends, and they will go on with another."""
        self._ending = True
        for timeline in self._followed.values():
            timeline.tell()

    async def events(self, id: str, *, after: int = 0) -> AsyncIterator[Event]:
        """Yield the events of a task that follow a number, each as soon as it is stored, up to the final one."""
        with self._following(id) as timeline:
            await timeline.known.wait()
            while not self._ending:
                found = timeline.since(after)
                if after < timeline.start:
                    found = await self._store.read(events.list, id, after=after, limit=PAGE)
                for event in found:
                    yield event
                    after = event.seq
                if not found:
                    if timeline.over:
                        return
                    await timeline.news()

    async def wait(self, id: str, *, timeout: timedelta) -> task.Task:
        """Return a task when it has ended, or as it is when the time is over."""
        with self._following(id) as timeline:
            try:
                async with asyncio.timeout(timeout.total_seconds()):
                    while not timeline.over and not self._ending:
                        await timeline.news()
            except TimeoutError:
                pass
            # Whoever knows that it is over must not be shown a look from before.
            return await self._looks.join((id, timeline.over), lambda: self._store.read(read.look, id))

    @contextmanager
    def _following(self, id: str) -> Iterator[Timeline]:
        """Return the timeline of a task, kept up for as long as anybody follows it."""
        timeline = self._followed.get(id)
        if timeline is None:
            timeline = Timeline(self._store, id, dispatch=self._dispatch, poll_interval=self._poll_interval)
            self._followed[id] = timeline
        timeline.followers += 1
        try:
            yield timeline
        finally:
            timeline.followers -= 1
            if not timeline.followers:
                del self._followed[id]
                timeline.close()
