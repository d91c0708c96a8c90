"""Reading: a thousand callers list five hundred servers, through Enamel and from the cloud itself.

The cloud's own answer is read as sparingly as a program can: one list, with a token that is there already. openstacksdk
needs a token of its own and the discovery of versions for each caller besides, which is measured with one of them.
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import Sequence

import aiohttp
import openstack
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from benchmarks.launch import ground
from benchmarks.launch.lap import Meter
from benchmarks.launch.service import Service


class Result(Struct, frozen=True, kw_only=True):
    """What it took."""

    who: str
    seconds: float
    p50: float
    p99: float
    calls: int
    cpu: float | None
    """Processor seconds of the service."""


async def crowd(url: str, *, headers: dict[str, str], callers: int, expect: int) -> list[float]:
    """Have everybody ask at once; return how long each waited, in seconds."""
    waited = []

    async def one(http: aiohttp.ClientSession) -> None:
        begun = time.perf_counter()
        async with http.get(url, headers=headers) as answer:
            found = await answer.read()
            # Looked into no further: it is not the callers that are measured.
            assert answer.status == 200, found
            assert found.count(b'"key_name"') + found.count(b'"launch_keypair_id"') == expect
        waited.append(time.perf_counter() - begun)

    # As many connections as a proxy in front would keep.
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=100), timeout=aiohttp.ClientTimeout(600)
    ) as http:
        await asyncio.gather(*(one(http) for _ in range(callers)))
    return waited


def measured(
    who: str,
    url: str,
    place: ground.Ground,
    *,
    headers: dict[str, str],
    callers: int,
    expect: int,
    pid: int | None,
) -> Result:
    """Measure a crowd."""
    place.start()
    meter, begun = Meter(pid), time.perf_counter()
    waited = sorted(asyncio.run(crowd(url, headers=headers, callers=callers, expect=expect)))
    return Result(
        who=who,
        seconds=time.perf_counter() - begun,
        p50=statistics.median(waited),
        p99=waited[int(len(waited) * 0.99)],
        calls=sum((place.counted() or {}).values()),
        cpu=meter.service() if pid else None,
    )


def main(words: Sequence[str]) -> None:
    """Read, and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks read", description="Many callers list many servers.")
    parser.add_argument("--callers", type=int, default=1000)
    parser.add_argument("--servers", type=int, default=500)
    chosen = parser.parse_args(words)
    console = Console() if sys.stdout.isatty() else Console(width=120)
    expect = chosen.servers
    with ground.sandbox() as place, contextlib.closing(Service(place.entry)) as enamel:
        wish = {"template": ground.IMAGE, "type": ground.TYPE, "networks": [ground.NETWORK]}
        enamel.end("/servers", {"name": "read", "count": chosen.servers, **wish})
        with contextlib.closing(openstack.connect(cloud=place.entry)) as cloud:
            nova = f"{cloud.endpoint_for('compute')}/servers/detail"
            token = {"X-Auth-Token": str(cloud.auth_token)}
        place.start()
        with contextlib.closing(openstack.connect(cloud=place.entry)) as cloud:
            assert len(cloud.list_servers()) == expect
        of_sdk = sum((place.counted() or {}).values())
        results = [
            measured(
                "the cloud itself",
                nova,
                place,
                headers=token,
                callers=chosen.callers,
                expect=expect,
                pid=None,
            ),
            measured(
                "Enamel",
                f"{enamel.url}/servers?limit={expect}",
                place,
                headers={},
                callers=chosen.callers,
                expect=expect,
                pid=enamel.pid,
            ),
        ]
    table = Table(title=f"{chosen.callers} callers list {expect} servers")
    for name in (
        "who",
        "calls of the cloud",
        "seconds",
        "per second",
        "p50 ms",
        "p99 ms",
        "CPU s of the service",
    ):
        table.add_column(name)
    for one in results:
        rate = chosen.callers / one.seconds
        row = [
            str(one.calls),
            f"{one.seconds:.1f}",
            f"{rate:.0f}",
            f"{1000 * one.p50:.0f}",
            f"{1000 * one.p99:.0f}",
        ]
        table.add_row(one.who, *row, "" if one.cpu is None else f"{one.cpu:.1f}")
    console.print(table)
    theirs, ours = results
    console.print(
        f"The cloud answers {theirs.calls / max(1, ours.calls):.0f} times fewer requests, and the callers have their "
        f"lists {theirs.seconds / ours.seconds:.1f} × sooner. One openstacksdk makes {of_sdk} calls for its list: "
        f"{of_sdk * chosen.callers} for all."
    )
