"""Launches into a container over two clouds: where one has no room, the server goes to the other."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from enamel.model import item
from enamel.model.errors import Invalid, QuotaExceeded
from enamel.model.placement import Container, Containers
from enamel.model.task import State
from enamel.sandbox import faults, serve
from tests.flows import balance
from tests.flows import world as worlds
from tests.flows.world import World

BOTH = Containers([Container(name="both", members=("sandbox", "south/RegionOne/az2"))])
WISH = {"template": "cirros", "type": "m1.tiny", "placement": "both"}
ALL_OF_IT = {
    **WISH,
    "public_address": True,
    "volumes": [{"size_gb": 1}],
    "allow": ["tcp/22"],
    "user_data": "aGVsbG8=",
    "keypair": {"name": "k", "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"},
}  # fmt: skip


@pytest.fixture
async def south(world: World) -> AsyncIterator[serve.Sandbox]:
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(serve.running(worlds.QUICK))
        world.join(sandbox, "south", containers=BOTH)
        yield sandbox


async def there(world: World, south: serve.Sandbox) -> dict[str, int]:
    """Return how much the project has on the other cloud."""
    me = await world.clouds.get("south").identity()
    cloud = south.cloud
    state = {**cloud.compute.inventory(), **cloud.network.inventory(), **cloud.volume.inventory()}
    rows = balance.inventory(state, project_id=me.project_id)
    return {kind: len(found) for kind, found in rows.items() if found and kind != "network"}


def limit(sandbox: serve.Sandbox, instances: int) -> None:
    cloud = sandbox.cloud
    cloud.settings = msgspec.structs.replace(cloud.settings, quotas={"instances": instances})


def full(world: World, **more: Any) -> faults.Rule:
    return world.fault({"kind": "server", **more}, {"error": faults.NO_HOST})


async def test_the_first_member_with_room_is_taken(world: World, south: serve.Sandbox) -> None:
    after = await world.run({"name": "web", **WISH})
    assert (after.state, after.task.servers[0].cloud) == (State.COMPLETED, "sandbox")
    assert not any("@" in one.name for one in after.items)
    assert await there(world, south) == {}


async def test_a_server_without_a_host_goes_to_the_other_cloud_with_all_that_it_needs(
    world: World, south: serve.Sandbox
) -> None:
    full(world)
    after = await world.run({"name": "web", **ALL_OF_IT})
    assert after.state is State.COMPLETED, after.task.error
    [entry] = after.task.servers
    assert (entry.cloud, entry.placement, entry.state) == ("south", "south/RegionOne/az2", "READY")
    assert after.count() == {}
    assert await there(world, south) == dict.fromkeys(
        ("server", "port", "address", "volume", "keypair", "security_group"), 1
    )
    assert {thing.cloud for things in after.task.result.made.values() for thing in things} == {"south"}
    moves = [one.data["placement"] for one in after.told("server.moved_on")]
    assert moves == ["sandbox/RegionOne/az2", "south/RegionOne/az2"]
    assert all(one.state in {item.State.COMPLETED, item.State.REVERTED} for one in after.items)
    reverted = await world.revert(after)
    assert reverted.state is State.COMPLETED and await there(world, south) == {}


async def test_only_those_move_that_find_no_room(world: World, south: serve.Sandbox) -> None:
    full(world, name="^web-2$")
    after = await world.run({"name": "web", "count": 3, **ALL_OF_IT})
    assert after.state is State.COMPLETED, after.task.error
    assert [entry.cloud for entry in after.task.servers] == ["sandbox", "south", "sandbox"]
    assert after.count()["server"] == after.count()["port"] == 2
    assert (await there(world, south))["server"] == 1
    await world.revert(after)
    assert await there(world, south) == {}


async def test_a_quota_that_fills_up_meanwhile_moves_all(world: World, south: serve.Sandbox) -> None:
    world.fault(
        {"service": "network", "method": "POST", "path": "/v2.0/ports"},
        {"status": 409, "body": {"NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: ['port'].", "detail": ""}}},
    )  # fmt: skip
    after = await world.run({"name": "web", "count": 2, **ALL_OF_IT})
    assert after.state is State.COMPLETED, after.task.error
    assert {entry.cloud for entry in after.task.servers} == {"south"}
    assert after.count() == {} and (await there(world, south))["server"] == 2
    await world.revert(after)


async def test_where_no_cloud_has_room_nothing_is_left_anywhere(world: World, south: serve.Sandbox) -> None:
    full(world)
    south.faults.add(faults.Rule(match=faults.Match(kind="server"), then=faults.Then(error=faults.NO_HOST)))
    after = await world.run({"name": "web", "count": 2, **ALL_OF_IT})
    assert (after.state, after.task.error and after.task.error.code) == (
        *(State.ABORTED,),
        "enamel.cloud.no_valid_host",
    )
    assert after.count() == {} and await there(world, south) == {}


async def test_a_worker_that_dies_on_the_way_over_loses_nothing(world: World, south: serve.Sandbox) -> None:
    full(world)
    accepted = await world.accept({"name": "web", "count": 2, **ALL_OF_IT})
    await world.until(accepted.id, "server.moved_on")
    await world.crash()
    after = await world.end(accepted.id)
    assert after.state is State.COMPLETED, after.task.error
    assert after.count() == {} and (await there(world, south))["server"] == 2
    await world.revert(after)
    assert await there(world, south) == {}


async def test_a_launch_that_failed_on_the_other_cloud_is_taken_up_there(
    world: World, south: serve.Sandbox
) -> None:
    full(world)
    broken = faults.Rule(
        match=faults.Match(kind="server", times=1), then=faults.Then(error="Something else broke.")
    )
    south.faults.add(broken)
    failed = await world.run({"name": "web", **ALL_OF_IT, "on_failure": "KEEP"})
    assert failed.state is State.ABORTED
    after = await world.restart(failed)
    assert after.state is State.COMPLETED, after.task.error
    assert (after.task.servers[0].cloud, (await there(world, south))["server"]) == ("south", 1)
    await world.revert(after)
    assert await there(world, south) == {}


async def test_a_full_quota_is_seen_beforehand(world: World, south: serve.Sandbox) -> None:
    limit(world.sandbox, 0)
    limit(south, 1)
    after = await world.run({"name": "web", **WISH})
    assert (after.state, after.task.cloud) == (State.COMPLETED, "south")
    assert any("passed over" in note for note in after.task.plan["notes"])
    with pytest.raises(QuotaExceeded):
        await world.accept({"name": "more", **WISH})


async def test_what_is_wrong_everywhere_is_refused_once(world: World, south: serve.Sandbox) -> None:
    with pytest.raises(Invalid) as error:
        await world.accept({"name": "web", **WISH, "template": "nothing"})
    assert [fault.pointer for fault in error.value.faults] == ["/template"]


async def test_a_volume_that_went_with_a_server_is_made_anew_in_the_next_zone(world: World) -> None:
    full(world, zone="az1")
    after = await world.run({"name": "web", **ALL_OF_IT, "placement": "sandbox"})
    assert after.state is State.COMPLETED, after.task.error
    assert after.task.servers[0].placement == "sandbox/RegionOne/az2"
    assert after.count()["volume"] == after.count()["server"] == 1
    await world.check()
