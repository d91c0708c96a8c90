"""A fleet under mishaps: two API processes and three workers, one of which only boots; how soon others take over.

While servers are launched, one worker is killed and stays dead for a while, another is frozen until its lease is over,
and the broker is killed and started again. Told is how long it took until the first task of the killed worker moved on,
and what the invariants of the chaos suite say of the end.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich.console import Console

from enamel.store.engine import Store
from enamel.store.schema import events, tasks
from enamel.store.transaction import Tx
from tests.chaos import fleet as fleets
from tests.chaos import fleet_check, fleet_client
from tests.integration.services.daemon import Daemon
from tests.integration.services.mariadb import MariaDB
from tests.integration.services.postgresql import PostgreSQL
from tests.integration.services.rabbitmq import RabbitMQ

DATABASES: dict[str, Any] = {"postgresql": PostgreSQL, "mariadb": MariaDB}
LEASE = 5.0
SETTLED_WITHIN = 900.0


def _held(tx: Tx, worker: str) -> dict[str, int]:
    """Return the tasks that a worker has, each with the number of its last event."""
    number = sa.func.max(events.c.seq).label("number")
    query = (
        sa.select(events.c.task, number)
        .join(tasks, tasks.c.id == events.c.task)
        .where(tasks.c.worker == worker, tasks.c.ended_at.is_(None))
        .group_by(events.c.task)
    )
    return {row["task"]: row["number"] for row in tx.rows(query)}


def _moved(tx: Tx, held: dict[str, int]) -> bool:
    """Tell whether any of the tasks has an event that it had not when its worker was killed."""
    number = sa.func.max(events.c.seq).label("number")
    query = sa.select(events.c.task, number).where(events.c.task.in_(held)).group_by(events.c.task)
    return any(row["number"] > held[row["task"]] for row in tx.rows(query))


async def _taken_over(fleet: fleets.Fleet, name: str) -> tuple[float, int]:
    """Kill a worker; return the seconds until the first of its tasks moved on, and how many it had."""
    store = Store(fleet.store)
    try:
        member = fleet.members[name]
        _, worker = fleet_check.lives(fleet, member)[-1]
        while not await store.read(_held, worker):
            await asyncio.sleep(0.05)
        await asyncio.to_thread(member.kill)
        killed = time.perf_counter()
        held = await store.read(_held, worker)
        while held and not await store.read(_moved, held):
            await asyncio.sleep(0.05)
        return time.perf_counter() - killed, len(held)
    finally:
        await store.close()


async def _run(place: Path, *, database: Daemon, broker: Daemon, launches: int) -> dict[str, Any]:
    """Launch servers among mishaps and return what was measured."""
    with fleets.running(place, database=database, broker=broker) as fleet:
        callers = fleet_client.Callers([fleet.url(name) for name in fleets.APIS], random.Random(1))
        bodies = [
            {"name": f"web{number}", "template": "cirros", "type": "m1.tiny", "public_address": True}
            for number in range(launches)
        ]
        began = time.perf_counter()
        calling = asyncio.create_task(callers.launch(bodies, at_once=8))
        while len(callers.accepted) < launches / 5:
            await asyncio.sleep(0.1)
        seconds, had = await _taken_over(fleet, "any-1")
        fleet.revive()
        frozen = fleet.members["any-2"]
        frozen.send(signal.SIGSTOP)
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.start)
        await asyncio.sleep(LEASE + 2)
        frozen.send(signal.SIGCONT)
        async with asyncio.timeout(SETTLED_WITHIN):
            await calling
            accepted = time.perf_counter() - began
            while await fleet_check.still_open(fleet):
                await asyncio.sleep(0.2)
        ended = time.perf_counter() - began
        known = await fleet_check.check(fleet, accepted=callers.accepted.values())
    return {
        "database": database.name,
        "launches": launches,
        "taken over after": round(seconds, 2),
        "tasks of the killed worker": had,
        "accepted in": round(accepted, 1),
        "ended in": round(ended, 1),
        "end": fleet_check.summary(known),
        "load": [round(one, 1) for one in os.getloadavg()],
    }


def main(words: list[str]) -> None:
    """Run on each database that is named, and print what came of it."""
    parser = argparse.ArgumentParser(prog="benchmarks fleet", description="A fleet under mishaps.")
    parser.add_argument(
        "--on", choices=DATABASES, action="append", help="a database; both where none is named"
    )
    parser.add_argument("--launches", type=int, default=1000)
    chosen = parser.parse_args(words)
    for name in chosen.on or DATABASES:
        with tempfile.TemporaryDirectory(prefix="enamel-fleet-", ignore_cleanup_errors=True) as place:
            # A database's own user must get through to its data.
            Path(place).chmod(0o711)
            with (
                DATABASES[name](Path(place)).running() as database,
                RabbitMQ(Path(place)).running() as broker,
            ):
                logs = Path(place) / "fleet"
                logs.mkdir()
                measured = asyncio.run(_run(logs, database=database, broker=broker, launches=chosen.launches))
        Console().print_json(json.dumps(measured))
