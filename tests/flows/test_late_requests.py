"""A request that the cloud carries out after the successor of its worker has looked for its effect."""

import asyncio

import msgspec
import pytest

from enamel.model import task
from enamel.model.orphan import Kind, Why
from tests.flows.test_launch import WEB, went_well
from tests.flows.test_orphans import clean, look
from tests.flows.world import QUICK, World

SLOW = msgspec.structs.replace(QUICK, boot_seconds=(2.0, 2.0))
BODY = {**WEB, "volumes": [{"size_gb": 1}]}


async def handed_over(world: World, *, late: float) -> str:
    """Stop a worker in the middle of the creation of a volume, which arrives late; return the id of the task."""
    world.fault({"method": "POST", "path": "/v3/volumes", "times": 1}, {"latency": late})
    accepted = await world.accept(BODY)
    await world.struck()
    await world.stop()
    world.start()
    return accepted.id


@pytest.mark.parametrize("settings", [SLOW])
async def test_a_second_volume_goes_before_the_task_ends(world: World) -> None:
    id = await handed_over(world, late=1.0)
    await world.until(id, "item.completed", item="volume-create-web")
    while len(world.there()["volume"]) < 2:
        await asyncio.sleep(0.02)
    after = went_well(await world.end(id))
    assert [row["id"] for row in after.cloud["volume"]] == [after.task.result.made["volume"][0].id]
    await world.check()


async def test_a_second_volume_that_comes_after_the_end_is_an_orphan(world: World) -> None:
    id = await handed_over(world, late=4.0)
    after = went_well(await world.end(id))
    assert after.count()["volume"] == 1
    while len(world.there()["volume"]) < 2:
        await asyncio.sleep(0.02)
    (own,) = (made.id for made in after.task.result.made["volume"])
    (late,) = (row["id"] for row in world.there()["volume"] if row["id"] != own)
    await look(world)
    (orphan,) = (await look(world))[Kind.VOLUME]
    assert (orphan.id, orphan.why, orphan.proposed) == (late, Why.LEFT_BEHIND, True)
    assert (await clean(world))[1] == {"removed": {late}}
    assert (await world.get(id)).state is task.State.COMPLETED
    await world.check()
