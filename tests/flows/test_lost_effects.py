"""A cloud that accepts a request and does nothing: what may be asked for again is, and the rest ends with a reason."""

from typing import Any

import pytest

from enamel.model import task
from enamel.model.errors import Invalid
from enamel.model.states import VolumeState
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import World

ACCEPTED = {"status": 202}


async def _server(world: World) -> str:
    launched = went_well(await world.run(WEB))
    world.mine()
    return launched.task.servers[0].id or ""


async def _volume(world: World) -> str:
    made = await world.run({"name": "data", "size_gb": 1}, command="volume.create")
    return made.task.result.made["volume"][0].id


@pytest.mark.parametrize("along", ["nothing", "everything"])
async def test_a_deletion_of_a_server_that_is_lost_is_repeated(world: World, along: str) -> None:
    id = await _server(world)
    for match in (
        {"path": "/v2.1/servers/{id}/action", "method": "POST", "body": "forceDelete"},
        {"path": "/v2.1/servers/{id}", "method": "DELETE"},
    ):
        world.fault({"service": "compute", "times": 1, **match}, ACCEPTED)
    after = await world.run(command="server.terminate", server=id, **{"with": along})
    assert after.state is task.State.COMPLETED, after.task.error
    assert id not in {row["id"] for row in world.sandbox.cloud.compute.inventory()["servers"]}
    assert "asked for again" in after.items[0].note


async def test_a_deletion_of_a_volume_that_is_lost_is_repeated(world: World) -> None:
    id = await _volume(world)
    match = {"service": "volume", "method": "DELETE", "path": "/v3/volumes/{id}", "times": 1}
    world.fault(match, ACCEPTED)
    after = await world.run(command="volume.delete", volume=id)
    assert after.state is task.State.COMPLETED, after.task.error
    assert after.count() == {}


async def test_a_detachment_that_is_lost_is_repeated(world: World) -> None:
    id, disk = await _server(world), await _volume(world)
    fields: dict[str, Any] = {"action": "ATTACH_BLOCK_DEVICE", "volume": disk}
    done = await world.run(fields, command="server.attach_block_device", server=id)
    assert done.state is task.State.COMPLETED, done.task.error
    match = {"service": "compute", "method": "DELETE", "path": ".*/os-volume_attachments/.*", "times": 1}
    world.fault(match, ACCEPTED)
    back = await world.revert(done)
    assert back.state is task.State.COMPLETED, back.task.error
    assert (await world.cloud.volume(disk)).state is VolumeState.AVAILABLE


@pytest.mark.parametrize("action", ["POWER_OFF", "PAUSE", "SUSPEND"])
async def test_an_action_that_is_lost_is_repeated(world: World, action: str) -> None:
    id = await _server(world)
    match = {"service": "compute", "path": "/v2.1/servers/{id}/action", "method": "POST", "times": 1}
    world.fault(match, ACCEPTED)
    after = await world.run({"action": action}, command=f"server.{action.lower()}", server=id)
    assert after.state is task.State.COMPLETED, after.task.error
    assert "asked for again" in after.items[0].note


async def test_a_deletion_has_the_time_that_it_is_given(world: World) -> None:
    id = await _server(world)
    await world.stop()
    accepted = await world.accept(command="server.terminate", server=id, timeout="5m")
    assert accepted.deadline is not None
    assert (accepted.deadline - accepted.created_at).total_seconds() == 300
    world.start()
    assert (await world.end(accepted.id)).state is task.State.COMPLETED


async def test_what_is_no_time(world: World) -> None:
    id = await _server(world)
    with pytest.raises(Invalid) as refused:
        await world.accept(command="server.terminate", server=id, timeout="soon")
    assert [fault.pointer for fault in refused.value.faults] == ["?timeout"]
