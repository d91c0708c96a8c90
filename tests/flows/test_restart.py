"""Tasks that failed are taken up again: only what is missing is made, and a revert afterwards leaves nothing."""

from typing import Any

import pytest

from enamel.model import task
from enamel.model.errors import Invalid, NameTaken, WrongState
from tests.flows.after import After, states
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import World

TOGETHER: dict[str, Any] = {**WEB, "count": 3, "public_address": True}
"""Three servers with one request; their ports are Nova's."""
PORTS_FIRST: dict[str, Any] = {**TOGETHER, "volumes": [{"size_gb": 1}]}
"""Three servers with a request each, on ports and with volumes that were made before."""
SHAPES = pytest.mark.parametrize("body", [TOGETHER, PORTS_FIRST], ids=["together", "ports first"])
LATE = pytest.mark.parametrize("late", [False, True], ids=["at once", "while it starts"])
POLICIES = pytest.mark.parametrize("on_failure", ["ROLLBACK", "KEEP"])


def whole(body: dict[str, Any]) -> dict[str, int]:
    """What there is when all three servers are there."""
    return {"server": 3, "port": 3, "address": 3} | ({"volume": 3} if body is PORTS_FIRST else {})


def fail(world: World, name: str = "web-2", *, late: bool = False) -> None:
    """Have the server of a name go to ERROR."""
    world.fault({"kind": "server", "name": f"^{name}$"}, {"error": "The host burnt down.", "late": late})


async def partly(world: World, body: dict[str, Any], on_failure: str, *, late: bool = False) -> After:
    """Launch three servers of which one fails."""
    fail(world, late=late)
    after = await world.run({**body, "on_failure": on_failure})
    world.sandbox.faults.clear()
    assert after.state is task.State.ABORTED and after.task.error is not None
    assert after.task.error.code == "enamel.task.partly_done"
    return after


def servers(after: After) -> dict[str, str]:
    return {row["name"]: row["id"] for row in after.cloud["server"]}


@pytest.mark.sampled(4)
@SHAPES
@POLICIES
@LATE
async def test_only_what_is_missing_is_made(
    world: World, body: dict[str, Any], on_failure: str, late: bool
) -> None:
    before = await partly(world, body, on_failure, late=late)
    after = went_well(await world.restart(before))
    assert after.task.type == "server.create" and after.task.parent == before.task.id
    assert after.count() == whole(body)
    old, new = servers(before), servers(after)
    assert {name for name in new if new[name] == old.get(name)} == {"web-1", "web-3"}
    assert [entry.hostname for entry in after.task.servers] == ["web-1", "web-2", "web-3"]
    assert {entry.hostname: entry.id for entry in after.task.servers} == new
    assert len({entry.public_address for entry in after.task.servers}) == 3
    assert {kind: len(things) for kind, things in after.task.result.made.items()}["server"] == 3
    assert (await world.revert(after)).count() == {}
    await world.check()


@pytest.mark.sampled(2)
@SHAPES
@POLICIES
async def test_a_restart_of_a_restart(world: World, body: dict[str, Any], on_failure: str) -> None:
    first = await partly(world, body, on_failure)
    fail(world)
    second = await world.restart(first)
    world.sandbox.faults.clear()
    assert second.state is task.State.ABORTED
    assert set(servers(second)) >= {"web-1", "web-3"}
    third = went_well(await world.restart(second))
    assert third.count() == whole(body)
    assert (
        servers(third).items() >= {name: id for name, id in servers(first).items() if name != "web-2"}.items()
    )
    assert (await world.revert(third)).count() == {}
    await world.check()


@pytest.mark.sampled(2)
@SHAPES
@POLICIES
async def test_one_of_two_that_failed_fails_again(
    world: World, body: dict[str, Any], on_failure: str
) -> None:
    fail(world, "web-3")
    first = await partly(world, body, on_failure)
    fail(world, "web-3")
    second = await world.restart(first)
    world.sandbox.faults.clear()
    assert second.state is task.State.ABORTED
    assert set(servers(second)) >= {"web-1", "web-2"}
    after = went_well(await world.restart(second))
    assert after.count() == whole(body)
    assert (await world.revert(after)).count() == {}
    await world.check()


@pytest.mark.sampled(2)
@SHAPES
@POLICIES
async def test_the_half_that_is_there_can_be_reverted(
    world: World, body: dict[str, Any], on_failure: str
) -> None:
    first = await partly(world, body, on_failure)
    fail(world)
    second = await world.restart(first)
    world.sandbox.faults.clear()
    assert (await world.revert(second)).count() == {}
    await world.check()


@SHAPES
async def test_a_launch_that_was_rolled_back_is_made_as_a_whole(world: World, body: dict[str, Any]) -> None:
    for name in ("web-1", "web-2", "web-3"):
        fail(world, name)
    before = await world.run(body)
    world.sandbox.faults.clear()
    assert before.count() == {}
    after = went_well(await world.restart(before))
    assert after.count() == whole(body)
    assert (await world.revert(after)).count() == {}
    await world.check()


@SHAPES
async def test_all_or_nothing_is_made_again_as_a_whole(world: World, body: dict[str, Any]) -> None:
    fail(world)
    before = await world.run({**body, "all_or_nothing": True})
    world.sandbox.faults.clear()
    assert before.count() == {}
    assert went_well(await world.restart(before)).count() == whole(body)
    await world.check()


@pytest.mark.parametrize("start", ["server-boot", "port-create"])
async def test_from_a_step_that_serves_all(world: World, start: str) -> None:
    body = TOGETHER if start == "server-boot" else PORTS_FIRST
    before = await partly(world, body, "KEEP")
    after = went_well(await world.restart(before, start=start))
    assert after.count() == whole(body)
    assert not set(servers(before).values()) & set(servers(after).values())
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_from_a_step_that_serves_all_after_it_was_split(world: World) -> None:
    first = await partly(world, TOGETHER, "KEEP")
    fail(world)
    second = await world.restart(first)
    world.sandbox.faults.clear()
    assert "server-boot-again-2" in states(second)
    after = went_well(await world.restart(second, start="server-boot"))
    assert "server-boot-again-2" not in states(after)
    assert after.count() == whole(TOGETHER)
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_from_one_servers_step(world: World) -> None:
    before = await partly(world, PORTS_FIRST, "ROLLBACK")
    after = went_well(await world.restart(before, start="server-boot-web-1"))
    assert after.count() == whole(PORTS_FIRST)
    kept = servers(before).items() & servers(after).items()
    assert {name for name, _ in kept} == {"web-3"}
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_from_a_step_that_is_not_there(world: World) -> None:
    before = await partly(world, TOGETHER, "ROLLBACK")
    with pytest.raises(Invalid, match=r"no item 'server-boot-web-9'.*server-boot, "):
        await world.restart(before, start="server-boot-web-9")
    await world.check()


async def test_what_only_waited_waits_again(world: World) -> None:
    accepted = await world.accept({**WEB, "on_failure": "KEEP", "timeout": "1s"})
    world.fault({"service": "compute", "method": "GET", "path": "/v2.1/servers.*"}, {"status": 503})
    before = await world.end(accepted.id)
    world.sandbox.faults.clear()
    assert before.state is task.State.TIMED_OUT
    after = went_well(await world.restart(before))
    assert after.count() == {"server": 1, "port": 1}
    assert (await world.revert(after)).count() == {}
    await world.check()


@POLICIES
async def test_a_broken_volume_is_made_again(world: World, on_failure: str) -> None:
    world.fault({"kind": "volume"}, {"error": "No space."})
    before = await world.run({**WEB, "volumes": [{"size_gb": 1, "name": "data"}], "on_failure": on_failure})
    world.sandbox.faults.clear()
    assert before.state is task.State.ABORTED
    after = went_well(await world.restart(before))
    assert after.count() == {"server": 1, "port": 1, "volume": 1}
    assert {row["status"] for row in after.cloud["volume"]} == {"in-use"}
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_secrets_are_still_there(world: World) -> None:
    world.planted.add("cGFzc3dvcmQ6IGh1c2g=")
    fail(world, "web")
    before = await world.run({**WEB, "user_data": "cGFzc3dvcmQ6IGh1c2g="})
    world.sandbox.faults.clear()
    after = went_well(await world.restart(before))
    assert after.task.secrets or after.count()["server"] == 1
    assert (await world.get(before.task.id)).secrets == ()
    await world.check()


async def test_a_cancelled_restart_leaves_what_was_there(world: World) -> None:
    before = await partly(world, TOGETHER, "ROLLBACK")
    world.fault({"service": "compute", "method": "POST", "path": "/v2.1/servers"}, {"status": 503})
    accepted = await world.accept({}, command="task.restart", task=before.task.id)
    await world.until(accepted.id, "item.retrying")
    await world.cancel(accepted.id)
    second = await world.end(accepted.id)
    world.sandbox.faults.clear()
    assert second.state is task.State.ABORTED
    assert servers(second) == servers(before)
    assert {thing.name for thing in second.task.result.made["server"]} == {"web-1", "web-3"}
    after = went_well(await world.restart(second))
    assert after.count() == whole(TOGETHER)
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_a_restart_that_was_cancelled_before_it_began(world: World) -> None:
    before = await partly(world, TOGETHER, "ROLLBACK")
    await world.stop()
    accepted = await world.accept({}, command="task.restart", task=before.task.id)
    await world.cancel(accepted.id)
    second = await world.end(accepted.id)
    world.start()
    assert {thing.name for thing in second.task.result.made["server"]} == {"web-1", "web-3"}
    after = went_well(await world.restart(second))
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_a_worker_dies_in_the_middle_of_a_restart(world: World) -> None:
    before = await partly(world, PORTS_FIRST, "KEEP")
    accepted = await world.accept({}, command="task.restart", task=before.task.id)
    await world.until(accepted.id, "item.started")
    await world.crash()
    after = went_well(await world.end(accepted.id))
    assert after.count() == whole(PORTS_FIRST)
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_who_cannot_be_restarted(world: World) -> None:
    done = went_well(await world.run(WEB))
    with pytest.raises(WrongState, match="is COMPLETED") as refused:
        await world.restart(done)
    assert refused.value.status == 409 and refused.value.data["state"] == "COMPLETED"
    world.fault({"service": "compute", "method": "POST", "path": "/v2.1/servers"}, {"status": 503})
    running = await world.accept({**WEB, "name": "other"})
    await world.until(running.id, "item.retrying")
    with pytest.raises(WrongState, match="is RUNNING"):
        await world.accept({}, command="task.restart", task=running.id)
    await world.cancel(running.id)
    await world.end(running.id)
    world.sandbox.faults.clear()
    await world.check()


async def test_a_task_is_taken_up_once(world: World) -> None:
    before = await partly(world, TOGETHER, "ROLLBACK")
    after = went_well(await world.restart(before))
    for command in ("task.restart", "task.revert"):
        with pytest.raises(WrongState, match=after.task.id):
            await world.run(command=command, task=before.task.id)
    await world.revert(after)
    await world.check()


async def test_a_name_that_another_server_has_by_now(world: World) -> None:
    before = await partly(world, TOGETHER, "ROLLBACK")
    went_well(await world.run({**WEB, "name": "web-2"}))
    with pytest.raises(NameTaken, match="another server 'web-2'"):
        await world.restart(before)
    await world.check()


async def test_a_time_to_live_goes_on(world: World) -> None:
    fail(world)
    before = await world.run({**TOGETHER, "ttl": "1h"})
    world.sandbox.faults.clear()
    after = went_well(await world.restart(before))
    (later,) = await world.children(after.task.id)
    assert later.type == "task.revert" and later.request == {"task": after.task.id}
    assert later.not_before is not None
    assert [one.id for one in await world.children(before.task.id)] == [after.task.id]
    await world.cancel(later.id)
    await world.revert(after)
    await world.check()
