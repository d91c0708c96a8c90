"""Dispatch within one process: what `enamel up` uses."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from enamel.model import topic


class Bell:
    """Wakes one listener in this process."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the listener."""
        self._rung.set()

    async def wait(self, *, timeout: float) -> bool:
        """Wait for a ring, and tell whether one came within the seconds given."""
        try:
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class Local:
    """Carries hints from and to coroutines of one loop."""

    def __init__(self) -> None:
        self._listeners: dict[Bell, topic.Topics] = {}
        self._followers: dict[str, set[Bell]] = {}

    async def publish(self, type: str, *, task: str) -> None:
        """Wake every worker of this process that serves the type: it is one, or few."""
        for bell, topics in self._listeners.items():
            if topics.serve(type):
                bell.ring()

    @contextmanager
    def listen(self, topics: topic.Topics) -> Iterator[Bell]:
        """Return the bell of a worker that serves these topics."""
        bell = Bell()
        self._listeners[bell] = topics
        try:
            yield bell
        finally:
            del self._listeners[bell]

    def changed(self, task: str) -> None:
        """Wake the followers of a task: it has new events."""
        for bell in self._followers.get(task, ()):
            bell.ring()

    @contextmanager
    def following(self, task: str) -> Iterator[Bell]:
        """Return the bell of a follower of a task."""
        bell = Bell()
        self._followers.setdefault(task, set()).add(bell)
        try:
            yield bell
        finally:
            followers = self._followers[task]
            followers.discard(bell)
            if not followers:
                del self._followers[task]

    async def follow(self, task: str, *, timeout: float) -> bool:
        """Wait once for a change of a task, and tell whether one came within the seconds given."""
        with self.following(task) as bell:
            return await bell.wait(timeout=timeout)
