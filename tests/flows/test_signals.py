"""Steps that wait for messages: these may come early or late, twice, or not at all, and workers die meanwhile."""

from datetime import timedelta
from typing import Any

import pytest

from enamel.flow.draft import Draft
from enamel.flow.plan import Plan
from enamel.model import errors, task
from enamel.model.call_context import CallContext
from enamel.model.caller import Caller
from enamel.steps import security_group
from enamel.steps.signal import AwaitSignal
from enamel.store import signals
from tests.flows.after import After
from tests.flows.world import World

STEP = "signal-await"


def plan(**fields: Any) -> Plan:
    """Return a plan that makes something, waits, and makes something else of what has arrived."""
    draft = Draft()
    made = draft.add(security_group.CreateSecurityGroup(name="before", rules=()))
    waited = draft.add(AwaitSignal(name="ready", **fields), after=[made])
    draft.add(security_group.CreateSecurityGroup(name=waited["message", "name"], rules=()))
    return draft.plan()


async def send(world: World, id: str, data: Any, *, name: str = "ready", key: str | None = None) -> bool:
    _, replayed = await world.services.signals.send(world.ctx, id, name, {"data": data}, idempotency_key=key)
    return replayed


def names(world: World) -> set[str]:
    return {row["name"] for row in world.there()["security_group"]}


def went_well(after: After) -> After:
    assert after.state is task.State.COMPLETED, after.task.error
    return after


async def test_a_step_ends_with_the_message(world: World) -> None:
    accepted = await world.plan(plan())
    await world.until(accepted.id, "item.started", item=STEP)
    await send(world, accepted.id, {"name": "after"})
    after = went_well(await world.end(accepted.id))
    assert after.item(STEP).outputs == {"message": {"name": "after"}, "messages": [{"name": "after"}]}
    assert after.told("signal.received")[-1].data == {"name": "ready", "received": 1, "needed": 1}
    assert names(world) == {"before", "after"}
    await world.check()


async def test_a_message_that_comes_before_its_step_is_kept(world: World) -> None:
    await world.stop()
    accepted = await world.plan(plan())
    await send(world, accepted.id, {"name": "early"})
    world.start()
    went_well(await world.end(accepted.id))
    assert names(world) == {"before", "early"}
    await world.check()


async def test_several_messages(world: World) -> None:
    accepted = await world.plan(plan(count=3))
    for number in range(3):
        await world.until(accepted.id, "item.started", item=STEP)
        await send(world, accepted.id, {"name": f"n{number}"}, key=f"key-{number}")
        if number < 2:
            assert await send(world, accepted.id, {"name": f"n{number}"}, key=f"key-{number}")
    after = went_well(await world.end(accepted.id))
    assert [message["name"] for message in after.item(STEP).outputs["messages"]] == ["n0", "n1", "n2"]
    await world.check()


@pytest.mark.parametrize("gently", [True, False], ids=["handed over", "dead"])
async def test_a_message_outlives_the_worker(world: World, gently: bool) -> None:
    accepted = await world.plan(plan())
    await world.until(accepted.id, "item.started", item=STEP)
    if gently:
        await world.stop()
        await send(world, accepted.id, {"name": "kept"})
        world.start()
    else:
        # It dies between the write and the hint.
        await world.freeze()
        await send(world, accepted.id, {"name": "kept"})
    after = went_well(await world.end(accepted.id))
    assert after.task.attempt >= 2
    assert names(world) == {"before", "kept"}
    await world.check()


async def test_a_hint_that_gets_lost_is_made_up_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = await world.plan(plan())
    await world.until(accepted.id, "item.started", item=STEP)

    async def lost(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(world.dispatch, "publish", lost)
    await send(world, accepted.id, {"name": "late"})
    went_well(await world.end(accepted.id))
    await world.check()


async def test_too_few_messages_in_time(world: World) -> None:
    accepted = await world.plan(plan(count=2, within=timedelta(seconds=0.6)))
    await send(world, accepted.id, {"name": "one"})
    after = await world.end(accepted.id)
    assert after.state is task.State.ABORTED and after.task.error is not None
    assert after.task.error.code == errors.StepTimedOut.code
    assert after.task.error.detail == "1 of 2 messages 'ready' arrived within 1 s."
    assert after.task.error.data == {"received": [{"name": "one"}]}
    assert after.count() == {}
    await world.check()


async def test_the_time_of_a_step_goes_on_while_workers_change(world: World) -> None:
    accepted = await world.plan(plan(within=timedelta(seconds=1)))
    await world.until(accepted.id, "item.started", item=STEP)
    started = next(one for one in await world.items(accepted.id) if one.name == STEP).started_at
    await world.stop()
    world.start()
    after = await world.end(accepted.id)
    ended = after.item(STEP).ended_at
    assert started is not None and ended is not None
    assert after.item(STEP).started_at == started and ended - started < timedelta(seconds=10)
    assert after.task.error is not None and after.task.error.code == errors.StepTimedOut.code
    await world.check()


async def test_cancelling_a_task_that_waits(world: World) -> None:
    accepted = await world.plan(plan())
    await world.until(accepted.id, "item.started", item=STEP)
    await world.cancel(accepted.id)
    after = await world.end(accepted.id)
    assert after.state is task.State.ABORTED and after.count() == {}
    await world.check()


async def test_what_is_refused(world: World) -> None:
    await world.stop()
    accepted = await world.plan(plan())
    with pytest.raises(errors.NotFound, match="waits for a message 'other'"):
        await send(world, accepted.id, 1, name="other")
    with pytest.raises(errors.NotFound):
        await send(world, "nonsense", 1)
    with pytest.raises(errors.BodyTooLarge):
        await send(world, accepted.id, "x" * 70_000)
    stranger = CallContext(caller=Caller(user_id="u", project_id="another", local=True))
    with pytest.raises(errors.NotFound):
        await world.services.signals.send(stranger, accepted.id, "ready", {"data": 1})
    await send(world, accepted.id, {"name": "one"})
    with pytest.raises(errors.WrongState, match="no more messages"):
        await send(world, accepted.id, {"name": "two"})
    world.start()
    await world.end(accepted.id)
    with pytest.raises(errors.WrongState, match="has ended"):
        await send(world, accepted.id, {"name": "three"})


async def test_a_restart_takes_the_messages_along(world: World) -> None:
    accepted = await world.plan(plan(count=2, within=timedelta(seconds=0.3)))
    await send(world, accepted.id, {"name": "one"})
    failed = await world.end(accepted.id)
    again = await world.accept(command="task.restart", task=failed.task.id)
    await send(world, again.id, {"name": "two"})
    await world.end(again.id)
    assert [one.data["name"] for one in await world.store.read(signals.list, again.id, "ready")] == [
        "one",
        "two",
    ]
    assert await world.store.read(signals.list, accepted.id, "ready") == ()
    await world.check()


async def test_messages_go_with_their_task(world: World) -> None:
    accepted = await world.plan(plan())
    await send(world, accepted.id, {"name": "after"})
    went_well(await world.end(accepted.id))
    await world.forget(accepted.id)
    assert await world.store.read(signals.list, accepted.id, "ready") == ()
