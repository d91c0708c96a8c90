"""Dispatch within one process: what `enamel up` uses."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from enamel.dispatch import base
from enamel.dispatch.hint import Stage
from enamel.model import topic
from enamel.model.task import Priority


class Bell:
    """Wakes one listener in this process."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the listener."""
        self._rung.set()

    async def wait(self, *, timeout: float) -> bool:
        """Wait for a ring, and return whether one came before the timeout."""
        try:
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class Local:
    """Carries hints from and to coroutines of one loop."""

    trouble: str | None = None
    """Nothing can come between the coroutines of one loop."""

    def __init__(self, bell: Callable[[], base.Bell] = Bell) -> None:
        """Take up the work.

        Args:
            bell: Makes the bells that are handed out.

        """
        self._bell = bell
        self._listeners: dict[base.Bell, topic.Topics] = {}
        self._followers: dict[str, set[base.Bell]] = {}

    async def publish(
        self,
        type: str,
        *,
        task: str,
        stage: Stage = Stage.ACCEPTED,
        attempt: int = 0,
        priority: Priority = Priority.NORMAL,
    ) -> None:
        """Wake every worker of this process that serves the type: it is one, or few."""
        self.wake(type, everyone=stage is Stage.ASKED)

    def wake(self, type: str = "", *, everyone: bool = False) -> None:
        """Wake the workers that serve a type, or all that there are."""
        for bell, topics in self._listeners.items():
            if everyone or topics.serve(type):
                bell.ring()

    def served(self) -> tuple[topic.Topics, ...]:
        """Return the topics of the workers that listen."""
        return tuple(self._listeners.values())

    @property
    def followed(self) -> bool:
        """Tell whether anybody follows a task."""
        return bool(self._followers)

    @contextmanager
    def listen(self, topics: topic.Topics) -> Iterator[base.Bell]:
        """Return the bell of a worker that serves these topics."""
        bell = self._bell()
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
    def following(self, task: str) -> Iterator[base.Bell]:
        """Return the bell of a follower of a task."""
        bell = self._bell()
        self._followers.setdefault(task, set()).add(bell)
        try:
            yield bell
        finally:
            followers = self._followers[task]
            followers.discard(bell)
            if not followers:
                del self._followers[task]

    async def follow(self, task: str, *, timeout: float) -> bool:
        """Wait once for a change of a task, and return whether one came before the timeout."""
        with self.following(task) as bell:
            return await bell.wait(timeout=timeout)
