"""Commands with several effects: first what the cloud can refuse, then what cannot be undone."""

from typing import Any

import pytest

from enamel.model import errors, item, task
from enamel.model.action import Action
from tests.flows.after import After, states
from tests.flows.test_cloud_faults import RICH
from tests.flows.test_launch import went_well
from tests.flows.world import World

ONE: dict[str, Any] = {**RICH, "count": 1, "spread": False}
DELETIONS = {
    "locked": {"status": 409, "body": {"conflictingRequest": {"code": 409, "message": "It is locked"}}},
    "forbidden by policy": {"status": 403},
    "busy": {
        "status": 409,
        "body": {"conflictingRequest": {"code": 409, "message": "while it is in task_state migrating"}},
    },
    "refused": {"status": 400},
}


def refuse_deletion(world: World, then: dict[str, Any]) -> None:
    """Let Nova refuse the deletion of servers, by force as well."""
    action = {"path": "/v2.1/servers/{id}/action", "method": "POST", "body": "forceDelete"}
    for match in (action, {"path": "/v2.1/servers/{id}", "method": "DELETE"}):
        world.fault({"service": "compute", **match}, then)


async def terminated(world: World, after: After, **params: str) -> After:
    (server,) = (made.id for made in after.task.result.made["server"])
    return await world.run(command="server.terminate", server=server, **params)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("refusal", DELETIONS)
@pytest.mark.parametrize("along", [None, "everything"])
async def test_a_server_that_cannot_be_deleted_keeps_all_it_has(
    world: World, refusal: str, along: str | None
) -> None:
    after = went_well(await world.run(ONE))
    refuse_deletion(world, DELETIONS[refusal])
    ended = await terminated(world, after, **({"with": along} if along else {}))
    assert ended.state is task.State.ABORTED
    assert ended.count() == after.count()
    assert ended.cloud["address"][0]["port_id"] == ended.cloud["port"][0]["id"]
    begun = [one for one in ended.items if one.state is not item.State.WAITING and one.attempt]
    assert [one.kind for one in begun] == ["server.delete"]
    await world.check()


async def test_a_locked_server_is_refused_before_anything_is_done(world: World) -> None:
    after = went_well(await world.run(ONE))
    (server,) = (made.id for made in after.task.result.made["server"])
    await world.cloud.act(server, Action.LOCK)
    with pytest.raises(errors.WrongState, match="'web' is locked") as refused:
        await world.accept(command="server.terminate", server=server)
    assert "UNLOCK" in refused.value.advice
    await world.cloud.act(server, Action.UNLOCK)
    assert (await terminated(world, after)).state is task.State.COMPLETED
    await world.check(deleted=True)


@pytest.mark.parametrize("entry", ["sandbox-admin"])
async def test_an_operator_deletes_a_locked_server(world: World, entry: str) -> None:
    after = went_well(await world.run(ONE))
    (server,) = (made.id for made in after.task.result.made["server"])
    await world.cloud.act(server, Action.LOCK)
    assert (await terminated(world, after)).state is task.State.COMPLETED
    await world.check(deleted=True)


async def test_a_volume_with_a_snapshot_is_refused_before_the_server_goes(world: World) -> None:
    after = went_well(await world.run({**ONE, "volumes": [{"size_gb": 1, "delete_with_server": False}]}))
    (volume,) = (made.id for made in after.task.result.made["volume"])
    snapshot = await world.run({"name": "keep me"}, command="volume.snapshot", volume=volume)
    assert snapshot.state is task.State.COMPLETED, snapshot.task.error
    with pytest.raises(errors.WrongState, match="has snapshots: keep me"):
        await terminated(world, after)
    kept = await terminated(world, after, **{"with": "addresses,ports"})
    assert kept.state is task.State.COMPLETED, kept.task.error
    assert [row["id"] for row in kept.cloud["volume"]] == [volume]


@pytest.mark.parametrize("status", [409, 400, 403])
async def test_a_deletion_that_was_carried_out_although_it_was_refused(world: World, status: int) -> None:
    after = went_well(await world.run(ONE))
    refuse_deletion(world, {"status": status, "effect": True})
    ended = await terminated(world, after)
    assert ended.state is task.State.COMPLETED, ended.task.error
    assert ended.count() == {"keypair": 1}
    await world.check(deleted=True)


async def test_a_step_in_the_middle_of_its_call_is_not_broken_off(world: World) -> None:
    """The address is being deleted while the volume, which goes at the same time, turns out to be protected."""
    after = went_well(await world.run({**ONE, "volumes": [{"size_gb": 1, "delete_with_server": False}]}))
    world.fault({"method": "DELETE", "path": "/v2.0/floatingips/{id}"}, {"latency": 0.5})
    world.fault({"method": "DELETE", "path": "/v3/volumes/{id}"}, {"status": 403})
    ended = await terminated(world, after)
    assert ended.state is task.State.ABORTED
    by_kind = {one.kind: one for one in ended.items}
    assert by_kind["volume.delete"].state is item.State.ABORTED and by_kind["volume.delete"].error
    assert by_kind["address.delete"].state is item.State.COMPLETED, states(ended)
    assert not ended.cloud["address"]
    for one in ended.items:
        assert one.attempt == 0 or one.state is item.State.COMPLETED or one.error, (
            "nobody says what became of it"
        )
