"""The inbox: the news of a task, for the run that carries it out.

It is a queue with one reader and no limit. asyncio's own can do more, and occupies three kilobytes when it is empty: with
ten thousand waiting tasks in one worker that is a tenth of all its memory.
"""

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """Keeps news in their order until the one reader reads them."""

    __slots__ = ("_news", "_reader")

    def __init__(self) -> None:
        self._news: list[T] = []
        self._reader: asyncio.Future[None] | None = None

    def put(self, news: T) -> None:
        """Add news, and wake the reader."""
        self._news.append(news)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def empty(self) -> bool:
        """Tell whether there is no news."""
        return not self._news

    async def get(self) -> T:
        """Return the oldest news, as soon as there is any."""
        while not self._news:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._news.pop(0)
