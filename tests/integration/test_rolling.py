"""A rolling restart of everything under load, behind nginx or HAProxy: no request fails, and no task is lost."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration import fleet
from tests.integration.haproxy import HAProxy
from tests.integration.nginx import Nginx
from tests.integration.services import debian
from tests.store import databases

pytestmark = [pytest.mark.timeout(600)]
CALLERS = 6
LAUNCHES_AT_LEAST = 20
APIS = ("api-1", "api-2")
WORKERS = ("worker-1", "worker-2")
FINAL = ("task.completed", "task.aborted", "task.timed_out")


@pytest.fixture(params=databases.PARAMETERS[1:2])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[fleet.Fleet]:
    with fleet.running(tmp_path, databases.url(request.param)) as found:
        yield found


@pytest.fixture(params=[Nginx, HAProxy], ids=["nginx", "haproxy"])
def proxy(request: pytest.FixtureRequest, there: fleet.Fleet) -> Iterator[str]:
    daemon = request.param(there.place, behind=[there.port(name) for name in APIS])
    try:
        daemon.start()
    except debian.Unavailable as why:
        pytest.skip(f"{daemon.name} cannot be had: {why}")
    yield daemon.url
    daemon.stop()


class Caller:
    """Launches servers one after the other and follows each launch live; repeats nothing that it sends."""

    def __init__(self, http: aiohttp.ClientSession, number: int) -> None:
        self._http = http
        self._number = number
        self.ended: dict[str, str] = {}
        """The last event of each task."""
        self.resumed = 0

    async def call_until(self, over: asyncio.Event) -> None:
        while not over.is_set():
            body = {
                "name": f"web-{self._number}-{len(self.ended)}",
                "template": "cirros",
                "type": "m1.tiny",
            }
            async with self._http.post("/servers", json=body) as answer:
                task = await answer.json()
                assert answer.status == 202, task
            if len(self.ended) % 2:
                async with self._http.get(f"/tasks/{task['id']}", params={"wait": "5"}) as answer:
                    assert answer.status == 200, await answer.text()
            self.ended[task["id"]] = await self._follow(task["id"])

    async def _follow(self, id: str) -> str:
        """Follow the live stream to its end, over as many connections as it takes; no event is missed."""
        seen: list[int] = []
        while True:
            headers = {"Accept": "text/event-stream", "Last-Event-ID": str(len(seen))}
            async with self._http.get(f"/tasks/{id}/events", headers=headers) as stream:
                assert stream.status == 200, await stream.text()
                async for line in stream.content:
                    if line.startswith(b"data: "):
                        event = json.loads(line[6:])
                        seen.append(event["seq"])
                        if event["type"] in FINAL:
                            assert seen == list(range(1, len(seen) + 1))
                            return str(event["type"])
            self.resumed += 1


async def found_healthy(http: aiohttp.ClientSession) -> None:
    """Wait until the proxy has found out that there is somebody behind it."""
    async with asyncio.timeout(fleet.UP_WITHIN):
        while True:
            async with http.get("/healthcheck") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.2)


async def restart_everything(there: fleet.Fleet, running: dict[str, fleet.Process]) -> None:
    """Restart one process after the other, as an upgrade does."""
    for name in (*WORKERS, *APIS):
        assert await asyncio.to_thread(running[name].end) == 0, there.logs()[-4000:]
        start = there.api if name in APIS else there.worker
        running[name] = await asyncio.to_thread(start, name)


async def test_nothing_is_lost(there: fleet.Fleet, proxy: str) -> None:
    running: dict[str, Any] = {name: there.api(name) for name in APIS}
    running |= {name: there.worker(name) for name in WORKERS}
    over = asyncio.Event()
    # Each request has a connection of its own, as of many callers.
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(proxy, connector=connector) as http:
        await found_healthy(http)
        callers = [Caller(http, number) for number in range(CALLERS)]
        calling = [asyncio.create_task(caller.call_until(over)) for caller in callers]
        await restart_everything(there, running)
        while sum(len(caller.ended) for caller in callers) < LAUNCHES_AT_LEAST:
            assert not [task for task in calling if task.done()], await asyncio.gather(*calling)
            await asyncio.sleep(0.1)
        over.set()
        await asyncio.gather(*calling)
        ended = {id: end for caller in callers for id, end in caller.ended.items()}
        assert set(ended.values()) == {"task.completed"}
        async with http.get("/servers", params={"limit": "1000"}) as answer:
            names = [server["hostname"] for server in (await answer.json())["servers"]]
    assert len(names) == len(set(names)) == len(ended)
    resumed = sum(caller.resumed for caller in callers)
    print(f"{len(ended)} launches during {len(running)} restarts; {resumed} streams were taken up again.")
    assert "Traceback" not in there.logs()
