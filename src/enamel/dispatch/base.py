"""What every kind of dispatch offers: wake-ups for workers and for followers.

A hint may get lost or come twice. Whoever waits for one looks into the store after it, and after a while without one.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from enamel.dispatch.hint import Stage
from enamel.model import topic
from enamel.model.task import Priority


class Bell(Protocol):
    """Wakes one listener. A ring without a waiter is kept for the next one."""

    def ring(self) -> None:
        """Wake the listener."""

    async def wait(self, *, timeout: float) -> bool:
        """Wait for a ring, and return whether one came before the timeout."""


class Dispatch(Protocol):
    """Carries hints between those who write into the store and those who wait for it."""

    @property
    def trouble(self) -> str | None:
        """Return why hints do not reach other processes; None if they do."""

    async def publish(
        self,
        type: str,
        *,
        task: str,
        stage: Stage = Stage.ACCEPTED,
        attempt: int = 0,
        priority: Priority = Priority.NORMAL,
    ) -> None:
        """Wake a worker for a task of this type: it waits for a worker, or its worker should check it.

        Call it after the commit of what it tells of. It never waits for a network.
        """

    def listen(self, topics: topic.Topics) -> AbstractContextManager[Bell]:
        """Return the bell of a worker that serves these topics."""

    def changed(self, task: str) -> None:
        """Wake the followers of a task: it has new events."""

    def following(self, task: str) -> AbstractContextManager[Bell]:
        """Return the bell of a follower of a task.

        Take it before reading the store, so that nothing that comes after the reading is missed.
        """

    async def follow(self, task: str, *, timeout: float) -> bool:
        """Wait once for a change of a task, and return whether one came before the timeout."""
