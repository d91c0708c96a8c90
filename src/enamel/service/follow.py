"""Following: the events of a task as they happen, and its end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from enamel.dispatch import base
from enamel.model import task
from enamel.model.event import FINAL, Event
from enamel.service import read
from enamel.store import engine, events, tasks

_PAGE = 500


class Follow:
    """Waits for what happens to tasks.

    The dispatch's hints wake it at once; a hint that is lost costs no more than one look at the store later.
    """

    def __init__(
        self, store: engine.Store, *, dispatch: base.Dispatch, look_every: timedelta = timedelta(seconds=0.4)
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._look_every = look_every.total_seconds()
        self._ending = False

    def end(self) -> None:
        """Have everybody go who waits: the process ends, and they will go on with another."""
        self._ending = True

    async def events(self, id: str, *, after: int = 0) -> AsyncIterator[Event]:
        """Yield the events of a task that follow a number, each as soon as it is stored, up to the final one."""
        with self._dispatch.following(id) as bell:
            while not self._ending:
                found = await self._store.read(events.list, id, after=after, limit=_PAGE)
                for event in found:
                    yield event
                    after = event.seq
                    if event.type in FINAL:
                        return
                if not found:
                    if await self._over(id, after=after):
                        return
                    await bell.wait(timeout=self._look_every)

    async def wait(self, id: str, *, timeout: timedelta) -> task.Task:
        """Return a task when it has ended, or as it is when the time is over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout.total_seconds()
        with self._dispatch.following(id) as bell:
            while True:
                found = await self._store.read(read.look, id)
                left = until - loop.time()
                if found.state in task.ENDED or left <= 0 or self._ending:
                    return found
                await bell.wait(timeout=min(self._look_every, left))

    async def _over(self, id: str, *, after: int) -> bool:
        """Tell whether a task has no more events to come, as when `after` is beyond its last one."""
        found = await self._store.read(tasks.get, id)
        return found.state in task.ENDED and after >= found.events
