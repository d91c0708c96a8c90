"""Waiting: what a thousand who wait cost a cloud, and how soon they are told.

First everybody waits for one launch: by long poll, by a stream of events, and, beside them, by asking the cloud itself
every five seconds as openstacksdk does. Then (`--tasks`) ten thousand tasks wait for a server each.
"""

import argparse
import asyncio
import contextlib
import re
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.request import Request, urlopen

import aiohttp
import msgspec
import openstack
from rich.console import Console
from rich.table import Table

from benchmarks.launch import ground
from benchmarks.launch.lap import Meter
from benchmarks.launch.service import Service

WISH: dict[str, Any] = {"template": ground.IMAGE, "type": ground.TYPE, "networks": [ground.NETWORK]}
BOOT = 8.0
SDK_LOOKS_EVERY = 5.0
ENDED = {"COMPLETED", "ABORTED", "TIMED_OUT"}

Wait = Callable[[aiohttp.ClientSession], Awaitable[None]]


def boots_take(place: ground.Ground, seconds: float) -> None:
    """Change how long a boot takes on the sandbox."""
    change(place, boot_seconds=(seconds, seconds))


def change(place: ground.Ground, **settings: Any) -> None:
    """Change settings of the sandbox."""
    assert place.counter
    url = place.counter.removesuffix("calls") + "settings"
    headers = {"Content-Type": "application/json"}
    urlopen(Request(url, msgspec.json.encode(settings), headers, method="POST")).close()


async def wait_all(wait: Wait, *, count: int) -> float:
    """Have everybody wait; return when the last was told."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(300)) as http:
        await asyncio.gather(*(wait(http) for _ in range(count)))
    return time.time()


def long_poll(url: str) -> Wait:
    """Return how to wait for a task by asking again and again, each time for up to a minute."""

    async def wait(http: aiohttp.ClientSession) -> None:
        while True:
            async with http.get(f"{url}?wait=60") as answer:
                if (await answer.json())["state"] in ENDED:
                    return

    return wait


def stream(url: str) -> Wait:
    """Return how to wait for a task by listening to its events until they end."""

    async def wait(http: aiohttp.ClientSession) -> None:
        async with http.get(f"{url}/events", headers={"Accept": "text/event-stream"}) as answer:
            async for _ in answer.content.iter_any():
                pass

    return wait


def asking(url: str, headers: dict[str, str]) -> Wait:
    """Return how to wait for a server as openstacksdk does."""

    async def wait(http: aiohttp.ClientSession) -> None:
        while True:
            async with http.get(url, headers=headers) as answer:
                if (await answer.json())["server"]["status"] == "ACTIVE":
                    return
            await asyncio.sleep(SDK_LOOKS_EVERY)

    return wait


def waiters(place: ground.Ground, enamel: Service, counts: Sequence[int]) -> Table:
    """Measure those who wait for one launch."""
    boots_take(place, BOOT)
    table = Table(title=f"Everybody waits for one server that takes {BOOT:.0f} s to boot")
    for name in ("how", "waiters", "calls of the cloud", "told after s", "CPU s of the service", "MB"):
        table.add_column(name)
    ways: dict[str, Callable[[str], Wait]] = {"long poll": long_poll, "events": stream}
    # The first launch finds out what there is on the cloud; all that are measured know it.
    enamel.end("/servers", {"name": "herd-first", **WISH})
    for how, way in ways.items():
        for count in counts:
            place.start()
            meter = Meter(enamel.pid)
            task = enamel_launch(enamel, f"herd-{how[:4]}-{count}".replace(" ", ""))
            url = f"{enamel.url}/tasks/{task['id']}"
            told = asyncio.run(wait_all(way(url), count=count))
            ended = enamel.send("GET", f"/tasks/{task['id']}")
            late = told - _seconds(ended["ended_at"])
            calls = sum((place.counted() or {}).values())
            cost = [f"{meter.service():.2f}", f"{meter.memory_mb():.0f}"]
            table.add_row(how, str(count), str(calls), f"{late:.2f}", *cost)
    with contextlib.closing(openstack.connect(cloud=place.entry)) as cloud:
        token, nova = {"X-Auth-Token": str(cloud.auth_token)}, cloud.endpoint_for("compute")
        network = cloud.network.find_network(ground.NETWORK).id
        image, size = cloud.image.find_image(ground.IMAGE).id, cloud.compute.find_flavor(ground.TYPE).id
        for count in counts:
            wish = {"image_id": image, "flavor_id": size, "networks": [{"uuid": network}]}
            server = cloud.compute.create_server(name=f"herd-{count}", **wish)
            begun = time.time()
            place.start()
            told = asyncio.run(wait_all(asking(f"{nova}/servers/{server.id}", token), count=count))
            calls = sum((place.counted() or {}).values())
            table.add_row(
                "asking the cloud every 5 s", str(count), str(calls), f"{told - begun - BOOT:.2f}", "", ""
            )
    return table


def enamel_launch(enamel: Service, name: str) -> Any:
    """Accept a launch and return its task at once."""
    headers = {"Content-Type": "application/json"}
    body = msgspec.json.encode({"name": name, **WISH})
    with urlopen(Request(f"{enamel.url}/servers", body, headers, method="POST")) as answer:
        return msgspec.json.decode(answer.read())


def booted(place: ground.Ground) -> int:
    """Return how many servers were asked for."""
    return sum(
        number for route, number in (place.counted() or {}).items() if re.match("POST .*/servers$", route)
    )


def many(place: ground.Ground, enamel: Service, count: int) -> Table:
    """Measure what so many tasks cost while each waits for a server."""
    boots_take(place, 3600.0)
    change(place, quotas=dict.fromkeys(("instances", "cores", "ram", "port"), 10**7))
    begun = time.perf_counter()

    async def launch_all() -> None:
        connector = aiohttp.TCPConnector(limit=20)
        async with aiohttp.ClientSession(connector=connector) as http:
            turns = asyncio.Semaphore(20)

            async def one(number: int) -> None:
                async with (
                    turns,
                    http.post(f"{enamel.url}/servers", json={"name": f"many-{number}", **WISH}) as answer,
                ):
                    assert answer.status == 202, await answer.text()

            await asyncio.gather(*(one(number) for number in range(count)))

    asyncio.run(launch_all())
    accepted = time.perf_counter() - begun
    while booted(place) < count:
        time.sleep(0.5)
    requested = time.perf_counter() - begun
    # What came in at the end is looked at first.
    time.sleep(15)
    place.start()
    meter = Meter(enamel.pid)
    time.sleep(60)
    calls = place.counted() or {}
    table = Table(title=f"{count} tasks, each waiting for its server")
    for name in ("accepted in s", "all requested after s", "calls in a minute", "CPU s in a minute", "MB"):
        table.add_column(name)
    row = [f"{accepted:.0f}", f"{requested:.0f}", str(sum(calls.values())), f"{meter.service():.1f}"]
    table.add_row(*row, f"{meter.memory_mb():.0f}")
    table.caption = ", ".join(f"{number} × {route}" for route, number in calls.items())
    return table


def _seconds(told: str) -> float:
    return datetime.fromisoformat(told).timestamp()


def main(words: Sequence[str]) -> None:
    """Wait, and print tables."""
    parser = argparse.ArgumentParser(prog="benchmarks herd", description="Many wait.")
    parser.add_argument(
        "--waiters", type=lambda told: [int(one) for one in told.split(",") if one], default=[1, 100, 1000]
    )
    parser.add_argument("--tasks", type=int, default=0, help="how many tasks wait for a server each")
    chosen = parser.parse_args(words)
    console = Console() if sys.stdout.isatty() else Console(width=120)
    with ground.sandbox() as place, contextlib.closing(Service(place.entry)) as enamel:
        if chosen.waiters:
            console.print(waiters(place, enamel, chosen.waiters))
    if chosen.tasks:
        with ground.sandbox() as place, contextlib.closing(Service(place.entry)) as enamel:
            console.print(many(place, enamel, chosen.tasks))
