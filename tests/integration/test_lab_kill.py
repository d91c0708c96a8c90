"""Enamel is killed while twenty servers are made on a real OpenStack: twenty servers, twenty addresses, no more."""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests import real_cloud
from tests.chaos import process
from tests.integration.project import Project

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]
ENTRY = os.environ.get("ENAMEL_TEST_CLOUD", "")
SERVERS = 20
WISH: dict[str, Any] = {
    "name": "web",
    "count": SERVERS,
    "template": "cirros",
    "type": "m1.tiny",
    "public_address": True,
}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    if not ENTRY:
        pytest.skip(real_cloud.NEEDED)
    made = Project(ENTRY, file=tmp_path / "clouds.yaml")
    with (
        made.limited("compute", instances=50, cores=100, ram=100_000),
        made.limited("volume", volumes=50, gigabytes=100),
        made.limited("network", floatingip=50, port=100),
    ):
        yield made
    made.clean_up()
    made.remove()


class Killed:
    """An Enamel that is killed and started again, and somebody who asks it."""

    def __init__(self, place: Path, project: Project) -> None:
        self._nursery = process.Nursery(place)
        self._file = project.file
        self._child, self._url = self._born()

    def _born(self) -> Any:
        return self._nursery.start(process.enamel_on, self._file, "mine")

    async def again(self) -> None:
        """Kill it, and start it again."""
        await asyncio.to_thread(process.kill, self._child)
        self._child, self._url = await asyncio.to_thread(self._born)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        async with (
            aiohttp.ClientSession(self._url) as http,
            http.request(method, path, json=body) as answer,
        ):
            return await answer.json()

    async def end(self, task: Any) -> Any:
        """Return a task at its end."""
        assert "state" in task, task
        while task["state"] in {"WAITING", "RUNNING"}:
            task = await self.ask("GET", f"/tasks/{task['id']}?wait=60")
        assert task["state"] == "COMPLETED", task["error"]
        return task

    def close(self) -> None:
        self._nursery.close()


@pytest.mark.parametrize("more", [{}, {"volumes": [{"size_gb": 1}]}], ids=["together", "ports first"])
async def test_killed_while_twenty_servers_are_made(
    project: Project, tmp_path: Path, more: dict[str, Any]
) -> None:
    seed = int(os.environ.get("ENAMEL_TEST_SEED") or random.SystemRandom().randrange(10**6))
    dice = random.Random(seed)
    print(f"Again with ENAMEL_TEST_SEED={seed}")
    before = project.inventory()
    enamel = Killed(tmp_path, project)
    try:
        began = time.monotonic()
        accepted = await enamel.ask("POST", "/servers", WISH | more)
        for _ in range(4):
            await asyncio.sleep(dice.uniform(0.5, 4.0))
            await enamel.again()
        task = await enamel.end(accepted)
        took = time.monotonic() - began
        servers = project.servers()
        assert set(servers) == {f"web-{number}" for number in range(1, SERVERS + 1)}
        assert {one["status"] for one in servers.values()} == {"ACTIVE"}
        now = project.inventory()
        made = {kind: len(now[kind]) - len(before[kind]) for kind in before}
        expected = {"servers": SERVERS, "ports": SERVERS, "addresses": SERVERS}
        expected |= {"volumes": SERVERS} if more else {}
        assert {kind: number for kind, number in made.items() if number} == expected
        addresses = {entry["public_address"] for entry in task["result"]["servers"]}
        assert len(addresses) == SERVERS
        print(f"{SERVERS} servers after 4 kills in {took:.1f} s with {task['calls']} calls")
        assert {entry["state"] for entry in task["result"]["servers"]} == {"READY"}
        await enamel.end(await enamel.ask("POST", f"/tasks/{task['id']}/revert"))
        assert project.inventory() == before
    finally:
        enamel.close()
