"""The pace of calls to one service of one cloud, kept by all tasks together.

A gate lets a bounded number through at once. When the cloud asks for a pause, the gate closes for everybody, not
only for the call that was told; then fewer pass at once, and one more for every round of calls that goes well.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType


class Gate:
    """The door to one service."""

    def __init__(self, *, most: int = 32, now: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._limit = most
        self._inside = 0
        self._well = 0
        self._open_from = 0.0
        self._now = now
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """Return how many may be inside at once now."""
        return self._limit

    async def __aenter__(self) -> None:
        if self._inside < self._limit and not self._queue:
            self._inside += 1
        else:
            await self._turn()
        try:
            while (pause := self._open_from - self._now()) > 0:  # noqa: ASYNC110 - the time is known
                # Those who waited together do not all come back in the same instant.
                await asyncio.sleep(pause * random.uniform(1.0, 1.1))
        except BaseException:
            self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def went_well(self) -> None:
        """Take note of a call that the cloud answered without complaint."""
        self._well += 1
        if self._well >= self._limit:
            self._well = 0
            self._limit = min(self._most, self._limit + 1)
            self._let_in()

    def asked_to_slow_down(self, *, pause: float) -> None:
        """Close the door for some seconds and let half as many in afterwards."""
        now = self._now()
        if self._open_from <= now:
            # Several answers to one burst are one complaint.
            self._limit = max(1, self._limit // 2)
            self._well = 0
        self._open_from = max(self._open_from, now + pause)

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._queue and self._inside < self._limit:
            turn = self._queue.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)
