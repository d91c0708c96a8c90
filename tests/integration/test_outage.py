"""Database and broker are away, for longer than any lease: nothing fails, nobody dies, and the work goes on by itself."""

import asyncio
import json
import os
import random
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from enamel.model import task
from tests.chaos import fleet as fleets
from tests.chaos import fleet_check, fleet_client
from tests.chaos.fleet import Fleet
from tests.integration.services.daemon import Daemon

AWAY = float(os.environ.get("ENAMEL_TEST_AWAY", "20"))
"""Seconds; a lease lasts five."""
LAUNCHES = 40
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300 + int(AWAY))]


def health(fleet: Fleet) -> tuple[int, Any]:
    """Return what an API process says of its health."""
    try:
        with urllib.request.urlopen(f"{fleet.url('api-1')}/healthcheck") as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def test_all_is_away_for_a_while(tmp_path: Path, database: Daemon, broker: Daemon) -> None:
    dice = random.Random(7)
    with fleets.running(tmp_path, database=database, broker=broker) as fleet:
        callers = fleet_client.Callers([fleet.url(name) for name in fleets.APIS], dice)
        bodies = [fleet_client.launch(dice, number) for number in range(LAUNCHES)]
        calling = asyncio.create_task(callers.launch(bodies, at_once=4, pause=0.1))
        async with asyncio.timeout(60):
            while len(callers.accepted) < LAUNCHES // 2:
                await asyncio.sleep(0.05)
        await asyncio.to_thread(database.kill)
        await asyncio.to_thread(broker.kill)
        await asyncio.sleep(AWAY)
        status, told = await asyncio.to_thread(health, fleet)
        assert (status, told["status"]) == (503, "FAILED"), told
        assert not calling.done(), "launches were accepted without a database"
        await asyncio.to_thread(database.start)
        await asyncio.sleep(AWAY / 4)
        await asyncio.to_thread(broker.start)
        async with asyncio.timeout(120):
            await calling
            while await fleet_check.still_open(fleet):
                await asyncio.sleep(0.5)
            while (await asyncio.to_thread(health, fleet))[1]["status"] != "OK":
                await asyncio.sleep(0.2)
        known = await fleet_check.check_outcome(fleet, accepted=callers.accepted.values())
        assert {one.state for one in known} == {task.State.COMPLETED}
        assert len(known) == LAUNCHES
        assert {name: member.starts for name, member in fleet.members.items() if member.starts > 1} == {}
        print(f"{AWAY:.0f} s away; {fleet_check.summary(known)}")
