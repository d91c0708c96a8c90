"""The live stream of a task's events: server-sent events that carry CloudEvents."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from enamel.model import event as events
from enamel.model.event import Event

MEDIA_TYPE = "text/event-stream"
ALIVE_EVERY = timedelta(seconds=15)
"""Proxies close connections on which nothing comes for a minute or so."""
_AGAIN_AFTER_MS = 1000


async def frames(
    events: AsyncIterator[Event], *, alive_every: timedelta = ALIVE_EVERY
) -> AsyncIterator[bytes]:
    """Yield each event as a frame, and a comment whenever nothing has happened for a while."""
    yield f"retry: {_AGAIN_AFTER_MS}\n\n".encode()
    upcoming: asyncio.Task[Event] | None = None
    try:
        while True:
            upcoming = upcoming or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({upcoming}, timeout=alive_every.total_seconds())
            if not done:
                yield b": still here\n\n"
                continue
            try:
                event = upcoming.result()
            except StopAsyncIteration:
                return
            upcoming = None
            yield frame(event)
    finally:
        if upcoming is not None:
            upcoming.cancel()
            await asyncio.wait({upcoming})


def frame(event: Event) -> bytes:
    """Return one event as it goes over the wire; its id is where a broken stream is taken up again."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, event.type.encode(), events.encoded(event))
