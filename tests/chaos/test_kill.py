"""Enamel is killed at any moment, on a cloud that loses answers: nothing twice, nothing lost, nothing left over."""

import asyncio
import os
import random
import time
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from enamel.model import ids, task
from enamel.model.errors import KeyInFlight
from enamel.model.task import Task
from enamel.sandbox import faults, kernel
from enamel.store import events, items, tasks
from enamel.store.engine import Store
from tests.chaos import process
from tests.flows import balance, history
from tests.flows.test_launch import KEY

KILLS = int(os.environ.get("ENAMEL_TEST_KILLS", "50"))
LAUNCHES = 40
"""How many launches there are in a run."""
SETTLED_WITHIN = 60.0
"""Seconds after the last kill until everything has ended; more is a task that hangs."""
CLOUD = kernel.Settings(
    boot_seconds=(0.2, 0.8),
    pace=0.3,
    guests=False,
    quotas={"instances": 1000, "cores": 4000, "ram": 10_000_000, "port": 1000, "floatingip": 1000}
    | {
        "volumes": 1000,
        "gigabytes": 10_000,
        "security_group": 1000,
        "key_pairs": 1000,
        "server_groups": 1000,
    },
)
RULES: list[dict[str, Any]] = [
    {"match": {"method": "POST", "probability": 0.08}, "then": {"drop": "after"}},
    {"match": {"method": "POST", "probability": 0.03}, "then": {"drop": "before"}},
    {"match": {"method": "DELETE", "probability": 0.05}, "then": {"drop": "after"}},
    {"match": {"method": "POST", "probability": 0.3}, "then": {"latency": [0.0, 0.15]}},
    {"match": {"method": "GET", "probability": 0.02}, "then": {"status": 502, "html": True}},
    {"match": {"kind": "server", "probability": 0.04}, "then": {"error": "Out of luck."}},
]


def launch(dice: random.Random, number: int) -> dict[str, Any]:
    """Return a random launch of one to five servers."""
    body: dict[str, Any] = {
        "name": f"web{number}",
        "count": dice.randint(1, 5),
        "template": "cirros",
        "type": "m1.tiny",
        "on_failure": dice.choice(["ROLLBACK", "ROLLBACK", "ROLLBACK", "KEEP"]),
        "all_or_nothing": dice.random() < 0.2,
    }
    if dice.random() < 0.7:
        body["public_address"] = True
    if dice.random() < 0.4:
        body["volumes"] = [{"size_gb": 1}]
    if dice.random() < 0.3:
        body["keypair"] = {"name": f"key{number}", "public_key": KEY}
    if dice.random() < 0.3:
        body["allow"] = ["tcp/22"]
    if dice.random() < 0.2:
        body["placement"] = "sandbox"
    if dice.random() < 0.2:
        body["spread"] = True
    return body


class Client:
    """Somebody who uses Enamel, and asks again where it gave no answer."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._open: list[tuple[str, str, Any]] = []
        """Requests without an answer: key, path, body."""
        self.tasks: dict[str, str] = {}
        """Accepted tasks, by key."""

    def want(self, path: str, body: Any) -> None:
        """Take note of a request; its key makes it one however often it is sent."""
        self._open.append((ids.new_id(), path, body))

    async def send(self, url: str) -> None:
        """Send what has no answer yet, as long as there is anybody to answer."""
        async with aiohttp.ClientSession(url) as http:
            while self._open:
                key, path, body = self._open[0]
                try:
                    async with http.post(path, json=body, headers={"Idempotency-Key": key}) as answer:
                        told = await answer.json()
                        status = answer.status
                except aiohttp.ClientError:
                    return
                if status >= 500:
                    # The cloud was in the way; the same request is sent again.
                    await asyncio.sleep(0.05)
                    continue
                if status == 409 and told["errors"][0]["code"] == KeyInFlight.code:
                    raise AssertionError("a process that was killed has kept a key")
                assert status == 202 or path.endswith(("/cancel", "/revert")), told
                if status == 202:
                    self.tasks[key] = told["id"]
                self._open.pop(0)

    def meddle(self) -> None:
        """Now and then take something back."""
        if self.tasks and self._dice.random() < 0.2:
            id = self._dice.choice(sorted(set(self.tasks.values())))
            self.want(f"/tasks/{id}/{self._dice.choice(['cancel', 'revert'])}", None)

    async def until_all_ended(self, url: str) -> None:
        """Wait for the end of all tasks."""
        ended = {state.value for state in task.ENDED}
        async with aiohttp.ClientSession(url) as http, asyncio.timeout(SETTLED_WITHIN):
            for id in self.tasks.values():
                while True:
                    async with http.get(f"/tasks/{id}", params={"wait": "20"}) as answer:
                        if (await answer.json())["state"] in ended:
                            break


async def state_of(url: str) -> tuple[balance.There, dict[str, int]]:
    """Return what the cloud has, and how often it was called."""
    async with aiohttp.ClientSession(url) as http:
        async with http.get("/sandbox/state", params={"project": "demo"}) as answer:
            state = await answer.json()
        async with http.get("/sandbox/calls") as answer:
            counts: dict[str, int] = (await answer.json())["counts"]
    project_id = next(row["project_id"] for row in state["networks"] if row["name"] == "private")
    return balance.inventory(state, project_id=project_id), counts


async def checked(place: Path, there: balance.There) -> list[Task]:
    """Hold every task in the store to the invariants, and return them all."""
    store = Store(f"sqlite:///{place / 'data' / 'enamel.db'}")
    try:
        listed = await store.read(tasks.list, limit=10_000)
        known = [await store.read(tasks.get, one.id) for one in listed]
        for found in known:
            history.check(
                found,
                await store.read(items.list, found.id),
                await store.read(events.list, found.id, limit=100_000),
            )
    finally:
        await store.close()
    standing = balance.standing(known)
    assert balance.leftovers(there, standing, meant=balance.in_doubt(known)) == {}
    assert balance.missing(there, standing) == []
    return known


@pytest.mark.timeout(400)
async def test_killed_at_any_moment(tmp_path: Path) -> None:
    seed = int(os.environ.get("ENAMEL_TEST_SEED") or random.SystemRandom().randrange(10**6))
    dice = random.Random(seed)
    print(f"Again with ENAMEL_TEST_SEED={seed}; logs in {tmp_path}")
    nursery, client = process.Nursery(tmp_path), Client(dice)
    began = time.monotonic()
    try:
        rules = [msgspec.convert(rule, faults.Rule) for rule in RULES]
        settings = msgspec.structs.replace(CLOUD, seed=seed)
        _, cloud = await asyncio.to_thread(nursery.start, process.cloud, settings, rules)
        launched = 0
        for kill in range(KILLS):
            if launched < LAUNCHES * (kill + 1) / KILLS:
                client.want("/servers", launch(dice, launched))
                launched += 1
            client.meddle()
            child, url = await asyncio.to_thread(nursery.start, process.enamel)
            sending = asyncio.create_task(client.send(url))
            await asyncio.sleep(dice.expovariate(1 / 0.4))
            await asyncio.to_thread(process.kill, child)
            await sending
        child, url = await asyncio.to_thread(nursery.start, process.enamel)
        await client.send(url)
        await client.until_all_ended(url)
        await asyncio.to_thread(process.kill, child)
        there, counts = await state_of(cloud)
    finally:
        nursery.close()
    known = await checked(tmp_path, there)
    assert {one.id for one in known} == set(client.tasks.values()), "a task was accepted twice, or lost"
    ends = [one.state.name for one in known]
    print(
        f"{KILLS} kills in {time.monotonic() - began:.0f} s: {len(known)} tasks, "
        + ", ".join(f"{ends.count(end)} {end}" for end in sorted(set(ends)))
        + f", {sum(one.attempt for one in known)} claims, {sum(counts.values())} calls"
    )
    log = (tmp_path / "enamel.log").read_text()
    broken = ("step.broken", "task.stuck", "task.dropped", "worker.broke", "Traceback")
    assert not [word for word in broken if word in log], log[-4000:]
