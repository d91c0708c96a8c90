"""How tasks end early, and how what they made goes: cancel, deadline, revert, terminate, and workers that die."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from enamel.model import errors, item, task
from enamel.steps import KINDS
from enamel.steps.step import Retry
from tests.flows.after import After, states
from tests.flows.test_cloud_faults import RICH, WHOLE
from tests.flows.test_failure import SLOW
from tests.flows.test_launch import KEY, WEB, went_well
from tests.flows.world import QUICK, World

KEPT = msgspec.structs.replace(QUICK, reclaim_seconds=600.0)


def cancelled(after: After) -> After:
    assert after.state is task.State.ABORTED
    assert after.task.error is not None and after.task.error.code == errors.TaskCancelled.code
    assert after.count() == {}
    return after


async def test_cancel_before_a_worker_has_it(world: World) -> None:
    await world.stop()
    accepted = await world.accept(RICH)
    await world.cancel(accepted.id)
    after = cancelled(await world.end(accepted.id))
    assert set(states(after).values()) == {item.State.ABORTED}
    await world.check()


@pytest.mark.sampled(4)
@pytest.mark.parametrize("settings", [SLOW])
@pytest.mark.parametrize(
    ("type", "step"),
    [
        ("task.claimed", None),
        ("item.started", "port-create"),
        ("item.completed", "port-create"),
        ("item.completed", "volume-create-web-1"),
        ("item.started", "server-boot-web-1"),
        ("item.completed", "server-boot-web-2"),
        ("server.addressed", None),
    ],
)
async def test_cancel_in_the_middle(world: World, type: str, step: str | None) -> None:
    accepted = await world.accept(RICH)
    await world.until(accepted.id, type, item=step)
    await world.cancel(accepted.id)
    after = cancelled(await world.end(accepted.id))
    assert len(after.told("task.cancelling")) == 1
    await world.check()


async def test_cancel_while_a_step_is_tried_again(world: World) -> None:
    world.fault({"service": "network", "method": "POST", "path": "/v2.0/ports"}, {"status": 503})
    accepted = await world.accept({**RICH, "on_failure": "KEEP"})
    await world.until(accepted.id, "item.retrying", item="port-create")
    await world.cancel(accepted.id)
    cancelled(await world.end(accepted.id))
    await world.check()


async def test_cancel_when_nothing_is_left_to_do(world: World) -> None:
    accepted = await world.accept(WEB)
    await world.until(accepted.id, "item.completed", item="server-await_active-web")
    try:
        await world.cancel(accepted.id)
    except errors.WrongState:
        pass
    after = await world.end(accepted.id)
    assert after.count() == ({"server": 1, "port": 1} if after.state is task.State.COMPLETED else {})
    await world.check()


@pytest.mark.parametrize(
    ("type", "step"),
    [
        ("task.reverting", None),
        ("item.reverted", "server-boot-web-1"),
        ("item.reverted", "volume-create-web-1"),
    ],
)
async def test_a_worker_that_freezes_on_the_way_back_takes_nothing_away(
    world: World, type: str, step: str | None
) -> None:
    world.fault({"kind": "server", "name": "web-2"}, {"error": "Out of luck."})
    world.fault({"method": "DELETE"}, {"latency": 0.05})
    accepted = await world.accept({**RICH, "all_or_nothing": True})
    await world.until(accepted.id, type, item=step)
    await world.freeze(thawed_for=0.2)
    world.sandbox.faults.clear()
    after = await world.end(accepted.id)
    assert after.state is task.State.ABORTED and after.count() == {}
    await world.check()


@pytest.mark.parametrize("settings", [msgspec.structs.replace(QUICK, boot_seconds=(30, 30))])
async def test_a_deadline_rolls_back(world: World) -> None:
    after = await world.run({**RICH, "timeout": "1s"})
    assert after.state is task.State.TIMED_OUT
    assert after.task.error is not None and after.task.error.code == errors.TaskTimedOut.code
    assert after.count() == {}
    await world.check()


@pytest.mark.parametrize("settings", [msgspec.structs.replace(QUICK, boot_seconds=(30, 30))])
async def test_a_deadline_keeps_on_request(world: World) -> None:
    after = await world.run({**RICH, "timeout": "1s", "on_failure": "KEEP"})
    assert after.state is task.State.TIMED_OUT
    assert after.count() == WHOLE
    await world.check()
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_revert(world: World) -> None:
    after = went_well(await world.run(RICH))
    back = await world.revert(after)
    assert back.state is task.State.COMPLETED and back.count() == {}
    with pytest.raises(errors.WrongState):
        await world.revert(after)
    await world.check()


async def test_revert_of_what_somebody_has_half_deleted(world: World) -> None:
    after = went_well(await world.run({**RICH, "volumes": []}))
    gone = after.cloud["server"][0]["id"]
    port = next(row["id"] for row in after.cloud["port"] if row["device_id"] == gone)
    await world.cloud.delete_server(gone)
    await world.cloud.servers.until(gone, lambda server: server is None)
    await world.cloud.delete_port(port)
    await world.cloud.delete_address(after.cloud["address"][1]["id"])
    back = await world.revert(after)
    assert back.state is task.State.COMPLETED and back.count() == {}
    await world.check()


async def terminate(world: World, after: After, **params: str) -> After:
    ended = await world.run(command="server.terminate", server=after.cloud["server"][0]["id"], **params)
    assert ended.state is task.State.COMPLETED, ended.task.error
    return ended


ONE: dict[str, Any] = {**RICH, "count": 1, "spread": False}


@pytest.mark.parametrize(
    ("takes", "left"),
    [
        (None, {"keypair": 1}),
        ("everything", {"keypair": 1}),
        ("addresses", {"keypair": 1, "security_group": 1, "volume": 1}),
        ("nothing", {"keypair": 1, "security_group": 1, "address": 1, "port": 1, "volume": 1}),
    ],
)
async def test_terminate(world: World, takes: str | None, left: dict[str, int]) -> None:
    after = went_well(
        await world.run(
            {**ONE, "volumes": [{"size_gb": 1, "delete_with_server": False}], "placement": "sandbox"}
        )
    )
    assert after.count() == {
        "server": 1,
        "port": 1,
        "address": 1,
        "volume": 1,
        "keypair": 1,
        "security_group": 1,
    }
    ended = await terminate(world, after, **({"with": takes} if takes else {}))
    assert ended.count() == left
    await world.check(deleted=True)


async def test_the_last_of_several_servers_takes_along_what_all_of_them_shared(world: World) -> None:
    after = went_well(await world.run({**RICH, "count": 3, "spread": True}))
    assert (after.count()["security_group"], after.count()["server_group"]) == (1, 1)
    first, *others = (row["id"] for row in after.cloud["server"])
    ended = await world.run(command="server.terminate", server=first)
    assert (ended.count()["security_group"], ended.count()["server_group"]) == (1, 1)
    notes = {one.kind: one.note for one in ended.items if one.note}
    assert notes["server_group.release"] == "The server group stays for 2 other servers."
    assert notes["security_group.release"].startswith("The security group stays for web-")
    # Each of the two sees the other when it is planned.
    accepted = [await world.accept(command="server.terminate", server=id) for id in others]
    for one in accepted:
        ended = await world.end(one.id)
        assert ended.state is task.State.COMPLETED, ended.task.error
    assert ended.count() == {"keypair": 1}
    await world.check(deleted=True)


@pytest.mark.parametrize("settings", [KEPT])
async def test_a_terminated_server_can_be_restored_where_the_cloud_keeps_it(world: World) -> None:
    after = went_well(await world.run({**WEB, "placement": "sandbox"}))
    await terminate(world, after, **{"with": "nothing"})
    there = world.there()
    assert [row["status"] for row in there["server"]] == ["SOFT_DELETED"]
    assert len(there["port"]) == 1


@pytest.mark.parametrize("settings", [KEPT])
async def test_what_takes_ports_along_forces_the_deletion(world: World) -> None:
    after = went_well(await world.run({**ONE, "placement": "sandbox"}))
    ended = await terminate(world, after)
    assert ended.count() == {"keypair": 1}
    await world.check(deleted=True)


@pytest.mark.parametrize("settings", [KEPT])
async def test_reverts_and_rollbacks_force_the_deletion(world: World) -> None:
    after = went_well(await world.run(RICH))
    assert (await world.revert(after)).count() == {}
    world.fault({"kind": "server", "name": "web-2"}, {"error": "It broke."})
    again = await world.run({**RICH, "all_or_nothing": True})
    assert again.state is task.State.ABORTED and again.count() == {}
    await world.check()


@pytest.mark.parametrize("settings", [SLOW])
async def test_a_revert_that_is_cancelled_on_its_way_can_be_asked_for_again(world: World) -> None:
    after = went_well(await world.run(RICH))
    halfway = await world.accept(command="task.revert", task=after.task.id)
    await world.until(halfway.id, "item.completed")
    await world.cancel(halfway.id)
    left = await world.end(halfway.id)
    assert left.state is task.State.ABORTED and left.count()
    await world.check()
    again = await world.revert(after)
    assert again.state is task.State.COMPLETED and again.count() == {}
    await world.check()


CALLS = {
    "port-create": {"path": "/v2.0/ports"},
    "server-boot-web-1": {"path": "/v2.1/servers", "body": '"name": ?"web-1"'},
    "volume-create-web-1": {"path": "/v3/volumes", "body": '"name": ?"web-1-1"'},
}
"""The calls of steps; those for the other server go on beside them, and may come first."""


@pytest.mark.parametrize("step", ["port-create", "volume-create-web-1"])
async def test_cancel_of_what_was_handed_over_between_two_attempts(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    for kind in KINDS.values():
        monkeypatch.setattr(
            kind,
            "retry",
            Retry(initial_interval=timedelta(seconds=1000), maximum_interval=timedelta(seconds=1000)),
        )
    # The first attempt of the step has its effect, and nobody hears of it.
    world.fault({"method": "POST", "times": 1, **CALLS[step]}, {"drop": "after"})
    accepted = await world.accept(RICH)
    await world.until(accepted.id, "item.retrying", item=step)
    await world.stop()
    await world.cancel(accepted.id)
    world.start()
    cancelled(await world.end(accepted.id))
    await world.check()


@pytest.mark.sampled(4)
@pytest.mark.parametrize("settings", [SLOW])
@pytest.mark.parametrize(
    ("type", "step"),
    [
        ("item.started", "port-create"),
        ("item.started", "server-boot-web-1"),
        ("item.completed", "server-boot-web-1"),
        ("item.started", "address-create-web-2"),
    ],
)
@pytest.mark.parametrize("gently", [True, False], ids=["handed over", "dead"])
async def test_another_worker_goes_on(world: World, type: str, step: str | None, gently: bool) -> None:
    accepted = await world.accept(RICH)
    await world.until(accepted.id, type, item=step)
    if gently:
        await world.stop()
        world.start()
    else:
        await world.crash()
    after = went_well(await world.end(accepted.id))
    assert after.count() == WHOLE
    assert after.task.attempt >= 2 and after.told("task.resumed")
    await world.check()


@pytest.mark.parametrize("step", ["port-create", "server-boot-web-1", "volume-create-web-1"])
async def test_a_worker_that_is_stopped_in_the_middle_of_a_call_leaves_it_uncertain(
    world: World, step: str
) -> None:
    # The call takes longer than a worker waits at its end; its effect comes all the same, before another worker begins.
    slow = world.fault({"method": "POST", "times": 1, **CALLS[step]}, {"hold": True})
    accepted = await world.accept(RICH)
    await world.struck()
    await world.stop()
    await world.let_go(slow)
    world.start()
    after = went_well(await world.end(accepted.id))
    assert {kind: n for kind, n in after.count().items() if kind != "address"} == {
        kind: n for kind, n in WHOLE.items() if kind != "address"
    }


def numbered(number: int) -> dict[str, Any]:
    """Return one of several launches; each with a key of its own, for keys carry no marks."""
    return {**RICH, "name": f"web{number}", "keypair": {"name": f"me{number}", "public_key": KEY}}


async def test_workers_die_again_and_again(world: World) -> None:
    accepted = [await world.accept(numbered(number)) for number in range(3)]
    for _ in range(6):
        await asyncio.sleep(0.06)
        await world.crash()
    for one in accepted:
        went_well(await world.end(one.id))
    await world.check()


async def test_workers_die_while_a_failure_is_undone(world: World) -> None:
    world.fault({"kind": "server", "name": "web.-2"}, {"error": "It broke."})
    accepted = [await world.accept(numbered(number)) for number in range(3)]
    for one in accepted:
        await world.until(one.id, "server.failed")
        await world.crash()
    for one in accepted:
        after = await world.end(one.id)
        assert after.state is task.State.ABORTED
        assert after.task.error is not None and after.task.error.code == errors.PartlyDone.code
        assert [entry.state for entry in after.task.servers] == ["READY", "FAILED"]
    await world.check()
