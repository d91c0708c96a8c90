"""The toll bridge: a proxy before a real cloud that counts plumbing calls by their routes.

It listens on loopback for the identity service, learns from the catalogue of each token which services there are, and
stands before those, too: in every answer it puts its own addresses in place of theirs. All contenders pass it alike.
"""

import asyncio
import concurrent.futures
import contextlib
import json
import re
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

_ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_URL = re.compile(rb'https?://[^/"\s]+')
_OF_ONE_HOP = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "content-encoding",
    "host",
    "server",
    "date",
}
COUNTER = "/benchmark/calls"
"""Where the counts are told, and forgotten."""


class Bridge:
    """Counts what passes."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._ways: dict[str, str] = {}
        """Our address by theirs."""
        self._names: dict[str, str] = {}
        """Types of services, by their origin."""
        self._runners: list[web.AppRunner] = []
        self._http: aiohttp.ClientSession | None = None
        self._opening = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def before(self, origin: str) -> AsyncIterator[str]:
        """Stand before a service, and before all that it tells of; yield the address to use instead."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), auto_decompress=False
        ) as self._http:
            try:
                yield await self._way(origin)
            finally:
                for runner in self._runners:
                    await runner.cleanup()

    async def _way(self, origin: str) -> str:
        async with self._opening:
            if origin not in self._ways:
                app = web.Application(client_max_size=1 << 30)
                app.router.add_get(COUNTER, self._tell)
                app.router.add_delete(COUNTER, self._forget)
                app.router.add_route("*", "/{path:.*}", lambda request: self._pass_on(origin, request))
                runner = web.AppRunner(app, access_log=None, keepalive_timeout=75)
                await runner.setup()
                self._runners.append(runner)
                site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
                await site.start()
                self._ways[origin] = f"http://127.0.0.1:{runner.addresses[0][1]}"
            return self._ways[origin]

    async def _pass_on(self, origin: str, request: web.Request) -> web.Response:
        assert self._http is not None
        route = f"{request.method} {self._names.get(origin, 'identity')} {_ID.sub('{id}', request.path)}"
        self.counts[route] += 1
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_ONE_HOP}
        headers["Accept-Encoding"] = "identity"
        async with self._http.request(
            request.method,
            origin + request.path_qs,
            data=await request.read() or None,
            headers=headers,
            allow_redirects=False,
            skip_auto_headers=("Content-Type", "User-Agent", "Accept"),
        ) as answer:
            body = await answer.read()
            kept = [
                (name, value) for name, value in answer.headers.items() if name.lower() not in _OF_ONE_HOP
            ]
            if request.path.endswith("/auth/tokens") and request.method == "POST" and answer.status == 201:
                await self._learn(body)
        body = _URL.sub(lambda found: self._ways.get(found[0].decode(), found[0].decode()).encode(), body)
        told = web.Response(status=answer.status, body=body)
        for name, value in kept:
            told.headers.add(name, self._translated(value) if name.lower() in ("location", "link") else value)
        return told

    async def _learn(self, body: bytes) -> None:
        for service in json.loads(body)["token"].get("catalog", ()):
            for endpoint in service["endpoints"]:
                parts = urlsplit(endpoint["url"])
                origin = f"{parts.scheme}://{parts.netloc}"
                self._names.setdefault(origin, service["type"])
                await self._way(origin)

    async def _tell(self, request: web.Request) -> web.Response:
        return web.json_response({"counts": self.counts})

    async def _forget(self, request: web.Request) -> web.Response:
        self.counts.clear()
        return web.json_response({})

    def _translated(self, value: str) -> str:
        for theirs, ours in self._ways.items():
            value = value.replace(theirs, ours)
        return value


@contextlib.contextmanager
def open_before(origin: str) -> Iterator[str]:
    """Stand before a cloud, in a thread of its own; yield the address to use."""
    loop = asyncio.new_event_loop()
    up: concurrent.futures.Future[str] = concurrent.futures.Future()
    over = asyncio.Event()

    async def stand() -> None:
        async with Bridge().before(origin) as ours:
            up.set_result(ours)
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(stand()), daemon=True)
    thread.start()
    try:
        yield up.result(10)
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
