"""The steps of this worker that wait for messages from outside, and what wakes them.

A step reads its messages when it begins and whenever more have arrived for its task; it never polls. `wake` is called after a hint,
and after a query for the messages of all tasks of the worker.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from enamel.model.signal import Signal


class SignalWaiters:
    """The steps that wait for messages."""

    def __init__(self, read: Callable[[str, str], Awaitable[Sequence[Signal]]]) -> None:
        """Prepare for waiters.

        Args:
            read: Returns the messages of a name that have arrived for a task, in the order of their arrival.
        """
        self._read = read
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._known: dict[str, int] = {}
        """How many messages each task had when its steps were woken last."""

    @property
    def idle(self) -> bool:
        """Tell whether no step waits."""
        return not self._waiting

    async def receive(self, task: str, name: str, more_than: int) -> Sequence[Signal]:
        """Return the messages of a name, as soon as more than a number of them have arrived for a task."""
        with self._registered(task) as arrived:
            while True:
                arrived.clear()
                messages = await self._read(task, name)
                if len(messages) > more_than:
                    return messages
                await arrived.wait()

    def wake(self, counts: Mapping[str, int]) -> None:
        """Wake the steps of the tasks for which there are other numbers of messages than before."""
        for task in self._waiting.keys() & counts.keys():
            if self._known.get(task) != counts[task]:
                self._known[task] = counts[task]
                for arrived in self._waiting[task]:
                    arrived.set()

    @contextmanager
    def _registered(self, task: str) -> Iterator[asyncio.Event]:
        arrived = asyncio.Event()
        self._waiting.setdefault(task, set()).add(arrived)
        try:
            yield arrived
        finally:
            waiting = self._waiting[task]
            waiting.discard(arrived)
            if not waiting:
                del self._waiting[task]
                self._known.pop(task, None)
