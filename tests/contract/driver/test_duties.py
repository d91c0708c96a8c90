"""What every driver owes, whatever its cloud: gate, fence, record, and errors that Enamel knows."""

from datetime import UTC, datetime, timedelta

import pytest

from enamel.clouds.calls import context, fence, record
from enamel.clouds.capability import ACTIONS, METHODS
from enamel.model import action
from enamel.model.action import Action
from enamel.model.call_context import CallContext
from enamel.model.errors import CapabilityMissing, Gone, LeaseLost
from enamel.model.states import ServerState
from tests.contract.driver.conftest import World


async def test_nothing_is_changed_without_a_lease(world: World) -> None:
    with fence.within(lambda: False), pytest.raises(LeaseLost):
        await world.boot()
    assert await world.cloud.servers_marked(world.mark("boot")) == []


async def test_every_call_is_in_the_record(world: World) -> None:
    await world.image(), await world.flavor(), await world.inside()
    with record.calls() as calls:
        (id,) = await world.boot()
        await world.cloud.server(id)
    writes = [call for call in calls if call.method not in ("GET", "Show", "List")]
    assert len(writes) == 1 and len(calls) >= 2
    assert all(call.service and call.status and call.path and call.at for call in calls)


async def test_reads_go_on_without_a_lease_and_end_at_the_deadline(world: World) -> None:
    context.use(CallContext(deadline=datetime.now(UTC) + timedelta(minutes=1)))
    with fence.within(lambda: False), pytest.raises(Gone):
        await world.cloud.server(world.kind.nobody)


async def test_a_driver_has_the_methods_of_what_it_declares_and_refuses_the_others(world: World) -> None:
    has = await world.cloud.capabilities()
    for capability, methods in METHODS.items():
        for method in methods:
            if capability in has:
                assert getattr(world.cloud, method) is not None
    if "console_log" not in {one.value.replace("-", "_") for one in has}:
        with pytest.raises(CapabilityMissing):
            await world.cloud.console_log(world.kind.nobody)
    for capability, actions in ACTIONS.items():
        assert capability in has or not actions & world.cloud.actions()


async def test_a_server_offers_what_its_driver_can_do(world: World) -> None:
    (id,) = await world.boot()
    server = await world.active(id)
    possible = set(action.possible(server, offered=world.cloud.actions()))
    assert Action.TERMINATE in possible <= world.cloud.actions()
    if not {Action.POWER_OFF, Action.POWER_ON} <= world.cloud.actions():
        pytest.skip(f"cloud '{world.cloud.name}' does not switch servers off and on")
    for what, state in ((Action.POWER_OFF, ServerState.STOPPED), (Action.POWER_ON, ServerState.ACTIVE)):
        await world.cloud.act(id, what)
        switched = await world.cloud.servers.until(
            id,
            lambda one, state=state: one is None or (one.activity is None and one.state is state),  # type: ignore[misc]
        )
        assert switched is not None and switched.state is state
