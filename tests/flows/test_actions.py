"""What is done to a server that is there: where it leads, what is recorded, and what is refused."""

from typing import Any

import pytest

from enamel.model import item, task
from enamel.model.errors import EnamelError
from enamel.sandbox import compute_server
from tests.flows import world as worlds
from tests.flows.world import After, World, states

SMALL = {"name": "web", "template": "cirros", "type": "m1.small"}


@pytest.fixture
async def id(world: World) -> str:
    """A server that is there."""
    world.cloud.snapshots._rhythm = worlds._Hurried()
    launched = await world.run(SMALL)
    assert launched.state is task.State.COMPLETED, launched.task.error
    found = launched.task.servers[0].id
    assert found
    return found


async def act(world: World, id: str, action: str, **fields: Any) -> After:
    command = f"server.{action.lower()}"
    return await world.run({"action": action, **fields}, command=command, server=id)


async def done(world: World, id: str, action: str, **fields: Any) -> After:
    """Have something done to a server, and hold it to its success."""
    after = await act(world, id, action, **fields)
    assert after.state is task.State.COMPLETED, after.task.error
    assert set(states(after).values()) == {item.State.COMPLETED}
    assert [(one.hostname, one.id) for one in after.task.servers] == [("web", id)]
    assert (after.task.type, after.task.action) == (f"server.{action.lower()}", action)
    return after


async def refused(world: World, id: str, action: str, **fields: Any) -> EnamelError:
    with pytest.raises(EnamelError) as found:
        await act(world, id, action, **fields)
    return found.value


def words(after: After) -> list[str]:
    return [one.action for one in after.items]


def server(world: World, id: str) -> compute_server.Server:
    return world.sandbox.cloud.compute.servers[id]


@pytest.mark.parametrize(
    ("way", "status"),
    [
        (["REBOOT"], "active"),
        (["HARD_REBOOT"], "active"),
        (["PAUSE"], "paused"),
        (["PAUSE", "UNPAUSE"], "active"),
        (["SUSPEND"], "suspended"),
        (["SUSPEND", "RESUME"], "active"),
        (["POWER_OFF"], "stopped"),
        (["POWER_OFF", "POWER_ON"], "active"),
        (["POWER_OFF", "HARD_REBOOT"], "active"),
        (["RESCUE", "UNRESCUE"], "active"),
        (["SHELVE"], "shelved_offloaded"),
        (["SHELVE", "UNSHELVE"], "active"),
        (["REBUILD"], "active"),
    ],
    ids=lambda way: "-".join(way) if isinstance(way, list) else "",
)
async def test_an_action_leads_where_it_says(world: World, id: str, way: list[str], status: str) -> None:
    for action in way:
        after = await done(world, id, action)
    assert server(world, id).vm_state == status
    assert after.task.calls <= 12
    await world.check()
