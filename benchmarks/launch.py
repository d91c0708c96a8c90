"""Servers with public addresses: Enamel beside openstacksdk, turn by turn in one run, on the sandbox or a real cloud.

Each contender starts from nothing (cold: no token, no catalogue) and then goes again (warm). On the sandbox every
plumbing call is counted, those of validation too. Wall time is from the request until all servers are ACTIVE with
their addresses.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol
from urllib.request import Request, urlopen

import aiohttp
import openstack
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from enamel import bootstrap, telemetry
from enamel.conf import settings
from enamel.sandbox import kernel, serve

WISH = {"template": "cirros", "type": "m1.tiny", "networks": ["private"], "public_address": True}
TARGETS = {("1", "cold"): 12, ("1", "warm"): 6, ("10 equal", "cold"): 25, ("10 with ports", "cold"): 35}
"""Plumbing calls that Enamel may take."""


class Lap(Struct, frozen=True, kw_only=True):
    """One launch, measured."""

    who: str
    what: str
    state: str
    """cold or warm"""
    seconds: float
    calls: int | None = None
    """None where the cloud does not count."""
    routes: dict[str, int] = {}


class Ground(Struct, frozen=True, kw_only=True):
    """The cloud that is raced on."""

    entry: str
    control: str | None = None
    """Where the sandbox counts."""

    def start(self) -> None:
        """Count from zero."""
        if self.control:
            urlopen(Request(self.control, method="DELETE")).close()

    def counted(self) -> dict[str, int]:
        """Return the calls since then, by route."""
        if not self.control:
            return {}
        with urlopen(self.control) as answer:
            found: dict[str, int] = json.load(answer)["counts"]
        return found

    def lap(self, who: str, what: str, state: str, seconds: float) -> Lap:
        """Return a lap that has just ended."""
        routes = self.counted()
        calls = sum(routes.values()) if self.control else None
        return Lap(who=who, what=what, state=state, seconds=seconds, calls=calls, routes=routes)


class Contender(Protocol):
    """One way to launch servers."""

    async def laps(self, ground: Ground) -> list[Lap]:
        """Launch cold, then warm, and leave nothing behind."""


class Sdk:
    """openstacksdk's own composition, `create_server(auto_ip=True, wait=True)`; one thread for each server."""

    def __init__(self, count: int) -> None:
        self._count = count

    async def laps(self, ground: Ground) -> list[Lap]:
        """Launch with a new connection, then again with the same."""
        return await asyncio.to_thread(self._laps, ground)

    def _laps(self, ground: Ground) -> list[Lap]:
        found = []
        ground.start()
        begun = time.perf_counter()
        with contextlib.closing(openstack.connect(cloud=ground.entry)) as cloud:
            for state in ("cold", "warm"):
                names = [f"sdk-{os.getpid()}-{number + 1}" for number in range(self._count)]

                def launch(name: str, cloud: openstack.connection.Connection = cloud) -> str:
                    made = cloud.create_server(
                        name,
                        image="cirros",
                        flavor="m1.tiny",
                        network="private",
                        auto_ip=True,
                        wait=True,
                        timeout=600,
                    )
                    return str(made.id)

                with ThreadPoolExecutor(self._count) as pool:
                    ids = list(pool.map(launch, names))
                found.append(ground.lap("openstacksdk", str(self._count), state, time.perf_counter() - begun))
                self._remove(cloud, ids)
                ground.start()
                begun = time.perf_counter()
        return found

    @staticmethod
    def _remove(cloud: openstack.connection.Connection, ids: Sequence[str]) -> None:
        ports = [port.id for id in ids for port in cloud.network.ports(device_id=id)]
        for address in [one for port in ports for one in cloud.network.ips(port_id=port)]:
            cloud.network.delete_ip(address)
        for id in ids:
            cloud.compute.delete_server(id, force=True)
        while any(cloud.compute.find_server(id) for id in ids):
            time.sleep(0.3)


class Enamel:
    """One call to Enamel, all in one process as `enamel up` runs it."""

    def __init__(self, what: str, body: dict[str, Any]) -> None:
        self._what = what
        self._body = body

    async def laps(self, ground: Ground) -> list[Lap]:
        """Launch with a service that was started just now, then again."""
        found = []
        async with _served(ground.entry) as http:
            for state in ("cold", "warm"):
                ground.start()
                begun = time.perf_counter()
                task = await _end(http, "/servers", self._body)
                found.append(ground.lap("Enamel", self._what, state, time.perf_counter() - begun))
                await _end(http, f"/tasks/{task['id']}/revert", None)
        return found


@contextlib.asynccontextmanager
async def _served(entry: str) -> AsyncIterator[aiohttp.ClientSession]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as data:
        chosen = settings.up({}, data=Path(data), cloud=entry, port=0, log_level="ERROR")
        async with bootstrap.up(chosen) as up, aiohttp.ClientSession(up.url) as http:
            yield http


async def _end(http: aiohttp.ClientSession, path: str, body: Any) -> Any:
    """Send a request and return the task at its successful end."""
    async with http.post(path, json=body, headers={"Prefer": "wait=60"}) as answer:
        task = await answer.json()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {task}")
    while task["state"] in {"WAITING", "RUNNING"}:
        async with http.get(f"/tasks/{task['id']}?wait=60") as answer:
            task = await answer.json()
    if task["state"] != "COMPLETED":
        raise RuntimeError(f"{path}: {task['error']}")
    return task


CONTENDERS: tuple[Contender, ...] = (
    Sdk(1),
    Enamel("1", {"name": "enamel-bench", **WISH}),
    Sdk(10),
    Enamel("10 equal", {"name": "enamel-bench", "count": 10, **WISH}),
    Enamel(
        "10 with ports",
        {"defaults": WISH, "servers": [{"hostname": f"enamel-bench-{number}"} for number in range(10)]},
    ),
)
"""They take turns, so that a machine that is busy for a while is busy for all of them."""


@contextlib.contextmanager
def on(entry: str | None) -> Iterator[Ground]:
    """Yield the cloud of an entry of clouds.yaml, or a new sandbox on which a boot takes two seconds."""
    if entry is not None:
        yield Ground(entry=entry)
        return
    wanted = kernel.Settings(boot_seconds=(2.0, 2.0), guests=False)
    with serve.in_thread(wanted) as sandbox, tempfile.TemporaryDirectory() as place:
        file = Path(place) / "clouds.yaml"
        file.write_text(sandbox.clouds_yaml())
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(file)
        yield Ground(entry="sandbox", control=f"{sandbox.url}/sandbox/calls")


def table(laps: Sequence[Lap]) -> Table:
    """Return the medians, with how many times less than openstacksdk Enamel takes."""
    found = Table()
    for name in ("servers", "who", "", "calls", "target", "fewer", "seconds", "quicker"):
        found.add_column(name, no_wrap=True)
    groups: dict[tuple[str, str, str], list[Lap]] = {}
    for lap in laps:
        groups.setdefault((lap.what, lap.who, lap.state), []).append(lap)
    for (what, who, state), of_group in groups.items():
        rival = groups[what.split()[0], "openstacksdk", state]
        target = TARGETS.get((what, state)) if who == "Enamel" else None
        seconds, calls = _median(of_group, lambda lap: lap.seconds), _median(of_group, lambda lap: lap.calls)
        found.add_row(
            what,
            who,
            state,
            "" if calls is None else f"{calls:.0f}",
            "" if target is None or calls is None else f"≤ {target}" + (" missed" if calls > target else ""),
            "" if who != "Enamel" else _ratio(_median(rival, lambda lap: lap.calls), calls),
            f"{seconds:.1f}",
            "" if who != "Enamel" else _ratio(_median(rival, lambda lap: lap.seconds), seconds),
        )
    return found


def _median(laps: Sequence[Lap], value: Callable[[Lap], float | None]) -> float | None:
    found = [number for lap in laps if (number := value(lap)) is not None]
    return statistics.median(found) if found else None


def _ratio(theirs: float | None, ours: float | None) -> str:
    return f"{theirs / ours:.1f} ×" if theirs and ours else ""


def excess(laps: Sequence[Lap]) -> list[str]:
    """Return where the calls went of what is above its target."""
    lines = []
    for lap in {(lap.what, lap.state): lap for lap in laps if lap.who == "Enamel"}.values():
        target = TARGETS.get((lap.what, lap.state))
        if target is not None and lap.calls is not None and lap.calls > target:
            most = ", ".join(f"{number} × {route}" for route, number in Counter(lap.routes).most_common())
            lines.append(f"{lap.what}, {lap.state}: {lap.calls} calls, target {target}: {most}")
    return lines


def main(words: Sequence[str]) -> None:
    """Race, print a table, and keep every lap as JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks launch", description="Enamel beside openstacksdk.")
    parser.add_argument("--cloud", help="an entry of clouds.yaml; a sandbox where none is named")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where the laps are kept")
    chosen = parser.parse_args(words)
    kept = chosen.json or Path("build/benchmarks") / f"launch-{chosen.cloud or 'sandbox'}.json"
    console = Console()
    if not console.is_terminal:
        console = Console(width=100)
    laps: list[Lap] = []
    telemetry.set_up(level="ERROR")
    # The SDK warns of parts of itself that nobody uses here.
    warnings.simplefilter("ignore")
    with on(chosen.cloud) as ground:
        for number in range(chosen.rounds):
            for contender in CONTENDERS:
                with console.status(f"Round {number + 1} of {chosen.rounds} on {ground.entry} …"):
                    laps += asyncio.run(contender.laps(ground))
    console.print(table(laps))
    for line in excess(laps):
        console.print(line, style="yellow")
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(
        json.dumps([{name: getattr(lap, name) for name in lap.__struct_fields__} for lap in laps], indent=1)
    )
    console.print(f"Every lap is in {kept}.")
