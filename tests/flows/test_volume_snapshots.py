"""Snapshots of volumes, when answers get lost and workers die."""

from typing import Any

import msgspec
import pytest

from enamel.model import task
from enamel.model.errors import NotFound
from tests.flows.world import QUICK, World

POST = {"method": "POST", "service": "volume", "path": "/v3/snapshots", "times": 1}


async def volume(world: World) -> str:
    made = await world.run({"name": "data", "size_gb": 1}, command="volume.create")
    assert made.task.result is not None
    return made.task.result.made["volume"][0].id


def there(world: World) -> list[dict[str, Any]]:
    return list(world.sandbox.cloud.volume.snapshots)


@pytest.mark.parametrize("then", [{"drop": "after"}, {"drop": "before"}, {"status": 500, "effect": True}])
async def test_a_lost_answer_makes_no_second_snapshot(world: World, then: dict[str, Any]) -> None:
    of = await volume(world)
    world.fault(POST, then)
    after = await world.run({"name": "before"}, command="volume.snapshot", volume=of)
    assert after.state is task.State.COMPLETED
    assert [one["name"] for one in there(world)] == ["before"]
    assert world.sandbox.faults.listed()[0]["hits"] == 1
    gone = await world.run(None, command="volume.delete_snapshot", volume=of, snapshot=there(world)[0]["id"])
    assert gone.state is task.State.COMPLETED and there(world) == []


async def test_a_worker_that_dies_after_the_request_makes_no_second_snapshot(world: World) -> None:
    of = await volume(world)
    accepted = await world.accept({"name": "before"}, command="volume.snapshot", volume=of)
    await world.until(accepted.id, "item.started", item="volume_snapshot-create")
    await world.crash()
    after = await world.end(accepted.id)
    assert after.state is task.State.COMPLETED and len(there(world)) == 1


async def test_a_snapshot_is_taken_back(world: World) -> None:
    of = await volume(world)
    made = await world.run({"name": "before"}, command="volume.snapshot", volume=of)
    back = await world.run(None, command="task.revert", task=made.task.id)
    assert back.state is task.State.COMPLETED and there(world) == []


@pytest.mark.parametrize("settings", [msgspec.structs.replace(QUICK, quotas={"snapshots": 0})])
async def test_one_that_the_cloud_cannot_make_is_taken_away(world: World) -> None:
    of = await volume(world)
    refused = await world.run({"name": "before"}, command="volume.snapshot", volume=of)
    assert refused.state is task.State.ABORTED and there(world) == []
    assert refused.task.error is not None and refused.task.error.code == "enamel.cloud.quota_exceeded"


async def test_one_that_is_not_there_is_not_found(world: World) -> None:
    of = await volume(world)
    with pytest.raises(NotFound):
        await world.run({"name": "before"}, command="volume.snapshot", volume="0" * 32)
    with pytest.raises(NotFound):
        await world.run(None, command="volume.delete_snapshot", volume=of, snapshot=of)
