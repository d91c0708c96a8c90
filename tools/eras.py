"""The page on eras: the same launches on clouds of five years, with the number of calls and the differences.

`make docs` runs it: for each era it starts the built-in cloud and Enamel, launches, and records the API calls and the
notes in the tasks' items.
"""

import asyncio
import contextlib
import os
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import Struct

from enamel import bootstrap, telemetry
from enamel.clouds.capability import Capability
from enamel.conf import settings
from enamel.sandbox import era, kernel, serve
from tools.reference import page

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "eras.md"
QUICK: dict[str, Any] = {"boot_seconds": (0.05, 0.1), "pace": 0.1, "guests": False}
ONE: dict[str, Any] = {
    "name": "web",
    "template": "cirros",
    "type": "m1.small",
    "public_address": True,
    "volumes": [{"size_gb": 1}],
}
MORE: dict[str, Any] = {
    "name": "apart",
    "count": 3,
    "template": "cirros",
    "type": "m1.tiny",
    "tags": ["blue"],
    "spread": True,
    "allow": ["tcp/22"],
}
PLAIN: dict[str, Any] = {"name": "alone", "template": "cirros", "type": "m1.tiny"}
WAITS = re.compile(r"GET (compute /v2.1/servers/detail|volume .*/volumes/detail|network /v2.0/ports)$")
"""Lists that are polled while a task waits; each counts once."""
SERVICES = ("identity", "compute", "network", "image", "volume")
INTRO = """Old clouds give the same results as new ones: the same request creates the same servers, addresses and
volumes, nothing twice and nothing left over. Enamel chooses how from what the cloud reports: versions in the
catalogue, microversions, extensions, and attributes in its answers. There is nothing to configure. The sandbox can
emulate each of these years (`enamel up --era 2015`), and then supports no more than that release of OpenStack did."""


class Run(Struct, frozen=True, kw_only=True):
    """The launches on the cloud of one era."""

    era: era.Era
    calls: dict[str, int]
    """By service, for one server with an address and a volume; a list that is waited on counts once."""
    paths: frozenset[str]
    """All calls of all launches, each after the service's name."""
    able: frozenset[Capability]
    notes: tuple[str, ...]
    """The items' notes on fall-backs."""


@contextlib.asynccontextmanager
async def _cloud(name: str, place: Path) -> AsyncIterator[serve.Sandbox]:
    """Run the cloud of an era, with its clouds.yaml in a directory."""
    async with serve.running(kernel.Settings(era=name, **QUICK)) as sandbox:
        (place / "clouds.yaml").write_text(sandbox.clouds_yaml())
        yield sandbox


@contextlib.asynccontextmanager
async def _enamel(place: Path, *, cloud: str) -> AsyncIterator[bootstrap.Running]:
    """Run Enamel on an account of the cloud whose clouds.yaml is in a directory."""
    before = os.environ.get("OS_CLIENT_CONFIG_FILE")
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(place / "clouds.yaml")
    try:
        options = settings.up({}, data=place / cloud, cloud=cloud, port=0)
        async with bootstrap.up(options) as running:
            yield running
    finally:
        if before is None:
            del os.environ["OS_CLIENT_CONFIG_FILE"]
        else:
            os.environ["OS_CLIENT_CONFIG_FILE"] = before


async def _launch(url: str, body: dict[str, Any]) -> list[str]:
    """Launch, and return the notes on fall-backs in the task's plan and items."""
    async with aiohttp.ClientSession(url) as http:
        async with http.post("/servers", json=body) as answer:
            task = await answer.json()
            if answer.status != 202:
                raise RuntimeError(f"{body['name']} was refused: {task}")
        while task["state"] in ("WAITING", "RUNNING"):
            async with http.get(f"/tasks/{task['id']}?wait=20") as answer:
                task = await answer.json()
        if task["state"] != "COMPLETED":
            raise RuntimeError(f"{body['name']} failed: {task['error']}")
        async with http.get(f"/tasks/{task['id']}/items") as answer:
            items = (await answer.json())["items"]
    return [item["note"] for item in items if item.get("note")]


async def cost(name: str) -> dict[str, int]:
    """Launch one server with an address and a volume on the cloud of an era, and return the calls by service."""
    with tempfile.TemporaryDirectory() as directory:
        async with _cloud(name, Path(directory)) as sandbox, _enamel(Path(directory), cloud="sandbox") as up:
            await _launch(up.url, ONE)
            return _by_service(sandbox.cloud.calls.counts)


async def look(name: str) -> Run:
    """Launch on the cloud of an era, and return the calls and notes."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        async with _cloud(name, place) as sandbox:
            counts = sandbox.cloud.calls.counts
            async with _enamel(place, cloud="sandbox") as running:
                notes = await _launch(running.url, ONE)
                calls = _by_service(counts)
                notes += await _launch(running.url, MORE)
            async with _enamel(place, cloud="sandbox-other") as running:
                notes += await _launch(running.url, PLAIN)
                able = await running.clouds.get("sandbox-other").capabilities()
            return Run(
                era=sandbox.cloud.era,
                calls=calls,
                paths=frozenset(f"{call.service} {call.path}" for call in sandbox.cloud.calls.log),
                able=able,
                notes=tuple(dict.fromkeys(notes)),
            )


def _by_service(counts: Counter[str]) -> dict[str, int]:
    numbers: Counter[str] = Counter()
    for route, times in counts.items():
        numbers[route.split()[1]] += 1 if WAITS.match(route) else times
    return {service: numbers[service] for service in SERVICES}


def _called(run: Run, beginning: str) -> bool:
    return any(path.startswith(beginning) for path in run.paths)


def _ways(run: Run) -> dict[str, str]:
    """Return the chosen way of each feature, as the calls and the capabilities show it."""
    able = run.able
    described = run.era.knows("port", "description")
    return {
        "identity": "v3" if _called(run, "identity /v3/auth/tokens") else "v2.0",
        "images": "v1" if _called(run, "image /v1/") else "v2",
        "block storage": next(
            version for version in ("v3", "v2", "v1") if _called(run, f"volume /{version}/")
        ),
        "network of a project without one": "all servers use Nova's own network"
        if Capability.PORTS not in able
        else "auto-allocated topology"
        if _called(run, "network /v2.0/auto-allocated-topology")
        else "a network, a subnet and a router created by Enamel",
        "public address": "on the port, while the server boots"
        if Capability.PORTS in able
        else "from Nova's pool, when the server has been built",
        "marks of ports and networks": "not needed: it has none"
        if Capability.PORTS not in able
        else "description"
        if described
        else "at the end of the name",
        "marks of addresses": "description"
        if described and Capability.PORTS in able
        else "recognised by their server",
        "marks of servers, volumes, groups": "metadata; description of groups",
        "tags of servers": "at boot" if Capability.SERVER_TAGS in able else "in the metadata",
        "servers on different hosts": "server group, soft"
        if Capability.SOFT_AFFINITY in able
        else "server group, strict"
        if Capability.SERVER_GROUPS in able
        else "scheduler hints, one server after the other",
        "equal servers": "one request for all"
        if Capability.MULTI_CREATE in able
        else "one request per server, because Nova does not number their names",
        "volumes at boot": "created in Cinder first, then named by their devices"
        if run.era.compute is None
        else "created in Cinder first, then mapped",
        "rules of a group": "one request for all" if Capability.PORTS in able else "one request per rule",
        "servers on no network": "yes" if Capability.WITHOUT_NETWORK in able else "refused",
    }


def written(runs: Sequence[Run]) -> str:
    """Return the page."""
    names = [f"{run.era.name} ({run.era.release})" for run in runs]
    ways = {run.era.name: _ways(run) for run in runs}
    features = ways[runs[-1].era.name]
    calls = [(service, *(str(run.calls[service] or "–") for run in runs)) for service in SERVICES]
    totals = ("all", *(str(sum(run.calls.values())) for run in runs))
    notes = [f"- {run.era.name}: {note}" for run in runs for note in run.notes]
    parts = [
        "## What differs",
        page.table(
            header=("feature", *names),
            rows=[(name, *(ways[run.era.name][name] for run in runs)) for name in features],
        ),
        "Nova's newest microversion: "
        + ", ".join(f"{run.era.name} {_number(run.era.compute)}" for run in runs)
        + ".",
        "## What a launch costs",
        "Calls for one server with a public address and a volume, on a cloud of which nothing is cached. Lists that are"
        " polled while a task waits count once.",
        page.table(header=("service", *names), rows=[*calls, totals]),
        "## Differences that are reported",
        "The notes in the items of three launches on each cloud: one server with an address and a volume; three on different"
        " hosts, with tags and rules; one in a project without a network.",
        "\n".join(notes),
        LEFT,
    ]
    return page.compose(title="Old clouds", source="`tools/eras.py`", intro=INTRO, parts=parts)


LEFT = """Not reported, because Enamel cannot see it: on clouds without Neutron, an address is allocated and then associated with its
server, in two calls, and it carries no mark. When the answer to the first call is lost, Enamel compares the list of addresses
before and after. A worker that is killed between the two calls leaves an unused address; `enamel orphans` lists it."""


def _number(versions: tuple[kernel.Version, kernel.Version] | None) -> str:
    return f"{versions[1][0]}.{versions[1][1]}" if versions else "none"


async def _all() -> list[Run]:
    return [await look(name) for name in era.ERAS]


if __name__ == "__main__":
    telemetry.set_up(level="ERROR")
    PAGE.write_text(written(asyncio.run(_all())), encoding="utf-8")
