"""A receiver of webhooks, which answers as it is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct


class Message(Struct, frozen=True, kw_only=True):
    """What was received."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    query: str = ""

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found

    @property
    def type(self) -> str:
        return str(self.event["type"])


class Receiver:
    """Keeps what it receives."""

    def __init__(self) -> None:
        self.url = ""
        self.taken: list[Message] = []
        """What it has answered with 200."""
        self.seen: list[Message] = []
        """Everything."""
        self.answers: list[web.Response] = []
        """What it answers first, before it takes everything."""
        self.always: int | None = None
        """What it answers to everything, where it takes nothing."""
        self.hold = asyncio.Event()
        self.hold.set()
        self._news = asyncio.Condition()

    async def receive(self, request: web.Request) -> web.StreamResponse:
        await self.hold.wait()
        found = Message(
            path=request.path,
            query=request.query_string,
            headers=dict(request.headers),
            body=await request.read(),
        )
        self.seen.append(found)
        answer = self.answers.pop(0) if self.answers else web.Response(status=self.always or 200)
        if answer.status == 200:
            self.taken.append(found)
        async with self._news:
            self._news.notify_all()
        return answer

    async def until(self, type: str) -> None:
        """Wait until an event of a type was taken."""
        async with self._news:
            await self._news.wait_for(lambda: any(one.type == type for one in self.taken))

    @property
    def numbers(self) -> list[int]:
        return [one.event["seq"] for one in self.taken]


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.receive)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}"
    try:
        yield receiver
    finally:
        receiver.hold.set()
        await runner.cleanup()
