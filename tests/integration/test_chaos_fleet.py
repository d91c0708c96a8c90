"""A fleet on which everything fails, on each database: nothing twice, nothing lost, nothing left over."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import kombu
import pytest
from amqp.exceptions import NotFound

from tests.chaos import fleet as fleets
from tests.chaos import fleet_check, fleet_client
from tests.chaos.fleet import Fleet
from tests.integration.services.daemon import Daemon

pytestmark = [pytest.mark.integration, pytest.mark.timeout(480)]

LAUNCHES = int(os.environ.get("ENAMEL_TEST_LAUNCHES", "150"))
SETTLED_WITHIN = 120.0
"""Seconds after the last mishap until everything has ended; more is a task that hangs."""
LEASE = 5.0
RULES: list[dict[str, Any]] = [
    {"match": {"method": "POST", "probability": 0.04}, "then": {"drop": "after"}},
    {"match": {"method": "POST", "probability": 0.02}, "then": {"drop": "before"}},
    {"match": {"method": "POST", "probability": 0.02}, "then": {"status": 500}},
    {"match": {"method": "POST", "probability": 0.02}, "then": {"status": 500, "effect": True}},
    {"match": {"probability": 0.01}, "then": {"status": 429, "headers": {"Retry-After": "1"}}},
    {"match": {"method": "DELETE", "probability": 0.03}, "then": {"drop": "after"}},
    {"match": {"method": "GET", "probability": 0.01}, "then": {"status": 502, "html": True}},
    {"match": {"kind": "server", "probability": 0.02}, "then": {"error": "Out of luck."}},
]


class Havoc:
    """What may happen to a fleet."""

    def __init__(self, fleet: Fleet, dice: random.Random, *, database: Daemon, broker: Daemon) -> None:
        self._fleet = fleet
        self._dice = dice
        self._database = database
        self._broker = broker

    def plan(self) -> list[Callable[[], Awaitable[None]]]:
        """Return everything that is to happen, in an order of chance."""
        often: list[Callable[[], Awaitable[None]]] = [
            *[self.kill_worker] * 3,
            *[self.kill_api] * 2,
            *[self.freeze_worker] * 2,
            self.freeze_api,
            *[self.cut_store] * 3,
            *[self.cut_broker] * 2,
            *[self.silence_store] * 2,
            *[self.double_hints] * 2,
            self.lose_hints,
            self.restart_broker,
            self.restart_database,
        ]
        self._dice.shuffle(often)
        return often

    async def kill_worker(self) -> None:
        """Kill a worker; it comes back after a while, perhaps only after others have taken over."""
        await asyncio.to_thread(self._member(fleets.WORKERS).kill)
        await asyncio.sleep(self._dice.uniform(0, 3))

    async def kill_api(self) -> None:
        """Kill an API process."""
        await asyncio.to_thread(self._member(fleets.APIS).kill)
        await asyncio.sleep(self._dice.uniform(0, 1))

    async def freeze_worker(self) -> None:
        """Freeze a worker until its lease is over and its tasks are others'."""
        await self._freeze(self._member(fleets.WORKERS))

    async def freeze_api(self) -> None:
        """Freeze an API process until the keys that it holds are others'."""
        await self._freeze(self._member(fleets.APIS))

    async def _freeze(self, member: fleets.Member) -> None:
        member.send(signal.SIGSTOP)
        try:
            await asyncio.sleep(LEASE + self._dice.uniform(0.5, 4))
        finally:
            member.send(signal.SIGCONT)

    async def cut_store(self) -> None:
        """Break the connections that a process has to the database."""
        self._member(self._fleet.members).store.cut()

    async def cut_broker(self) -> None:
        """Break the connections that a process has to the broker."""
        self._member(self._fleet.members).broker.cut()

    async def silence_store(self) -> None:
        """Keep a worker from the database until its lease is over, while it reaches the cloud."""
        wire = self._member(fleets.WORKERS).store
        wire.stall()
        try:
            await asyncio.sleep(LEASE + self._dice.uniform(0.5, 4))
        finally:
            wire.flow()

    async def double_hints(self) -> None:
        """Say everything again."""

        def publish() -> None:
            with kombu.Connection(self._broker.url) as connection:
                exchange = kombu.Exchange("enamel.tasks", type="topic", durable=True)
                producer = kombu.Producer(connection.channel(), exchange=exchange)
                for _ in range(100):
                    hint = {
                        "task": "",
                        "type": "server.create",
                        "stage": "accepted",
                        "attempt": 0,
                        "priority": "NORMAL",
                    }
                    producer.publish(hint, routing_key="server.create", serializer="json")

        await asyncio.to_thread(publish)

    async def lose_hints(self) -> None:
        """Lose what nobody has heard yet."""

        def purge() -> None:
            # Where no worker is there yet to make the queue, there is nothing to lose.
            with kombu.Connection(self._broker.url) as connection, contextlib.suppress(NotFound):
                connection.channel().queue_purge("enamel.tasks.server.create")

        await asyncio.to_thread(purge)

    async def restart_broker(self) -> None:
        """Kill the broker; it comes back after a while."""
        await asyncio.to_thread(self._broker.kill)
        await asyncio.to_thread(self._broker.start)

    async def restart_database(self) -> None:
        """Kill the database; it comes back after a while."""
        await asyncio.to_thread(self._database.kill)
        await asyncio.sleep(self._dice.uniform(0.5, 3))
        await asyncio.to_thread(self._database.start)

    def _member(self, names: Any) -> fleets.Member:
        return self._fleet.members[self._dice.choice(sorted(names))]


async def settled(fleet: Fleet) -> None:
    """Wait until all tasks have ended."""
    while await fleet_check.still_open(fleet):
        fleet.revive()
        await asyncio.sleep(0.5)


async def test_everything_fails(tmp_path: Path, database: Daemon, broker: Daemon) -> None:
    seed = int(os.environ.get("ENAMEL_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"Again with ENAMEL_TEST_SEED={seed}; logs in {tmp_path}")
    dice = random.Random(seed)
    began = time.monotonic()
    with fleets.running(tmp_path, database=database, broker=broker) as fleet:
        fleet.misbehave(RULES)
        havoc = Havoc(fleet, dice, database=database, broker=broker)
        callers = fleet_client.Callers([fleet.url(name) for name in fleets.APIS], random.Random(seed))
        bodies = [fleet_client.launch(dice, number) for number in range(LAUNCHES)]
        calling = asyncio.create_task(callers.launch(bodies, at_once=4, meddling=0.1, pause=1.0))
        for mishap in havoc.plan():
            print(f"{time.monotonic() - began:6.1f} {mishap.__name__} {len(callers.accepted)} accepted")
            await mishap()
            fleet.revive()
            await asyncio.sleep(dice.expovariate(1 / 0.7))
        async with asyncio.timeout(SETTLED_WITHIN):
            await calling
            await settled(fleet)
            # A revert that was cancelled on its way can be asked for again, and then brings all of it to its end.
            await callers.revert(await fleet_check.half_reverted(fleet))
            await settled(fleet)
        known = await fleet_check.check(fleet, accepted=callers.accepted.values())
    print(f"{time.monotonic() - began:.0f} s; {fleet_check.summary(known)}")
