"""What stands in the way of undoing keeps itself and what it needs, and nothing else; it is named, with what to do."""

import asyncio
from typing import Any

import pytest

from enamel.model import cloud, errors, item, task
from enamel.model.action import Action
from enamel.model.states import VolumeState
from tests.flows.after import After
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import World

LASTING: dict[str, Any] = {"size_gb": 1, "delete_with_server": False}
THREE: dict[str, Any] = {
    **WEB,
    "count": 3,
    "public_address": True,
    "allow": ["tcp/22"],
    "volumes": [LASTING],
}
EQUAL: dict[str, Any] = {**WEB, "count": 3, "public_address": True, "allow": ["tcp/22"]}


async def lock(world: World, after: After, name: str) -> str:
    """Lock a server by hand, as somebody else does."""
    id = next(row["id"] for row in world.there()["server"] if row["name"] == name)
    await world.cloud.act(id, Action.LOCK)
    return id


async def snapshot_of(world: World, volume_id: str) -> str:
    snapshot = await world.cloud.create_volume_snapshot(volume_id, name="kept", description="", mark="")
    while True:
        seen = {one.id: one.state for one in await world.cloud.volume_snapshots_list()}
        if seen.get(snapshot.id) is VolumeState.AVAILABLE:
            return snapshot.id
        await asyncio.sleep(0.02)


def left(after: After) -> str:
    """Return what is said to be left, of a task that could not undo everything."""
    assert after.state is task.State.ABORTED
    assert after.task.error is not None and after.task.error.left
    for row in (row for kind, rows in after.cloud.items() if kind != "image" for row in rows):
        named = row["id"] in (text := " ".join(after.task.error.left)) or row.get("name") in text
        assert named or row.get("device_id"), f"{row} is left, and not named"
    return " ".join(after.task.error.left)


@pytest.mark.parametrize("body", [THREE, EQUAL], ids=["ports first", "together"])
async def test_a_locked_server_keeps_its_own_and_its_siblings_go(world: World, body: dict[str, Any]) -> None:
    launched = went_well(await world.run(body))
    id = await lock(world, launched, "web-2")
    after = await world.revert(launched)
    assert after.task.error is not None and after.task.error.code == errors.NotRemoved.code
    said = left(after)
    assert f"Server 'web-2' ({id}) still exists" in said
    assert "is locked" in said and "Unlock the server first." in said
    assert "server 'web-1'" not in said.lower() and "server 'web-3'" not in said.lower()
    assert all(step.error for step in after.items if step.state is item.State.ABORTED)
    # It keeps what it needs: its port, its address, its volume, and the security group.
    kept = {"server": 1, "port": 1, "address": 1, "security_group": 1}
    assert after.count() == kept | ({"volume": 1} if body is THREE else {})
    [locked] = [step for step in after.items if step.error and step.error.code == errors.Obstructed.code]
    assert locked.attempt == 1
    world.left = {row["id"] for rows in after.cloud.values() for row in rows}
    await world.check()
    await world.cloud.act(id, Action.UNLOCK)
    again = await world.revert(launched)
    assert (again.state, again.count()) == (task.State.COMPLETED, {})


async def test_several_obstacles_at_once_are_all_named(world: World) -> None:
    launched = went_well(await world.run(THREE))
    await lock(world, launched, "web-1")
    volume = launched.task.servers[1].volumes[0]
    await snapshot_of(world, volume)
    [group] = launched.task.result.made["security_group"]
    network = next(net for net in await world.cloud.networks() if not net.external)
    [foreign] = await world.cloud.create_ports(
        [cloud.PortSpec(network_id=network.id, name="foreign", mark="", security_groups=(group.id,))]
    )
    world.left.add(foreign.id)
    after = await world.revert(launched)
    said = after.task.error.left if after.task.error else ()
    assert any("server 'web-1'" in text.lower() and "is locked" in text for text in said)
    assert any("has snapshots: kept" in text and "Delete its snapshots first" in text for text in said)
    assert any(text.startswith("Security group") for text in said)
    assert {row["name"] for row in after.cloud["server"]} == {"web-1"}
    assert len(after.cloud["volume"]) == 2
    assert len(after.cloud["address"]) == 1
    world.left |= {row["id"] for rows in after.cloud.values() for row in rows}
    await world.check()


async def test_a_roll_back_goes_on_past_a_locked_server(world: World) -> None:
    cloud_settings = world.sandbox.cloud
    world.fault({"kind": "server", "name": "web-3", "after": 0}, {"error": "It broke.", "late": True})
    slow = {"path": "/v2.1/servers", "method": "POST", "body": "web-3", "times": 1}
    world.fault({"service": "compute", **slow}, {"latency": 0.5})
    accepted = await world.accept({**THREE, "all_or_nothing": True})
    await world.until(accepted.id, "server.active")
    while not (names := [row["name"] for row in world.there()["server"] if row["status"] == "ACTIVE"]):
        await asyncio.sleep(0.01)
    id = await lock(world, await _snapshot(world, accepted.id), names[0])
    after = await world.end(accepted.id)
    assert cloud_settings is world.sandbox.cloud
    assert after.task.error is not None and after.task.error.code == errors.ServerFailed.code
    assert f"Server '{names[0]}' ({id}) still exists" in left(after)
    assert {row["name"] for row in after.cloud["server"]} == {names[0]}
    assert len(after.cloud["port"]) == len(after.cloud["volume"]) == 1
    world.left = {row["id"] for rows in after.cloud.values() for row in rows}
    await world.check()


async def _snapshot(world: World, id: str) -> After:
    return After(task=await world.get(id), items=(), events=(), cloud={})


async def test_a_cancelled_task_goes_on_past_a_locked_server(world: World) -> None:
    accepted = await world.accept({**THREE, "ready_when": "tcp/1"})
    await world.until(accepted.id, "server.active")
    [name, *_] = [row["name"] for row in world.there()["server"] if row["status"] == "ACTIVE"]
    id = await lock(world, await _snapshot(world, accepted.id), name)
    await world.cancel(accepted.id)
    after = await world.end(accepted.id)
    assert after.task.error is not None and after.task.error.code == errors.TaskCancelled.code
    assert f"Server '{name}' ({id}) still exists" in left(after)
    assert {row["name"] for row in after.cloud["server"]} == {name}
    world.left = {row["id"] for rows in after.cloud.values() for row in rows}
    await world.check()


async def test_a_cancelled_revert_says_what_is_left(world: World) -> None:
    launched = went_well(await world.run({**WEB, "volumes": [LASTING]}))
    deletion = {"service": "volume", "method": "DELETE", "path": "/v3/volumes/.*"}
    world.fault(deletion, {"status": 500})
    accepted = await world.accept(command="task.revert", task=launched.task.id)
    await world.until(accepted.id, "item.retrying")
    await world.cancel(accepted.id)
    after = await world.end(accepted.id)
    world.sandbox.faults.clear()
    assert launched.task.servers[0].volumes[0] in left(after)
    world.left = {row["id"] for rows in after.cloud.values() for row in rows}


async def test_a_volume_that_another_server_has_stays_and_says_so(world: World) -> None:
    other = went_well(await world.run({**WEB, "name": "other"}))
    made = await world.run({"name": "data", "size_gb": 1}, command="volume.create")
    assert made.state is task.State.COMPLETED, made.task.error
    [volume] = made.task.result.made["volume"]
    await world.cloud.attach_volume(other.task.servers[0].id or "", volume_id=volume.id)
    await world.cloud.volumes.until(volume.id, lambda seen: bool(seen and seen.state is VolumeState.IN_USE))
    after = await world.revert(made)
    assert "is attached to server 'other'" in left(after) and "Detach it" in left(after)
    world.left = {volume.id}


async def test_what_somebody_else_has_deleted_is_undone(world: World) -> None:
    launched = went_well(await world.run(WEB))
    id = launched.task.servers[0].id or ""
    made = await world.run(
        {"action": "ATTACH_BLOCK_DEVICE", "size_gb": 1}, command="server.attach_block_device", server=id
    )
    assert made.state is task.State.COMPLETED, made.task.error
    await world.cloud.delete_server(id)
    await world.cloud.servers.until(id, lambda seen: seen is None)
    after = await world.revert(made)
    assert after.state is task.State.COMPLETED, after.task.error
    assert after.count() == {}


async def test_the_revert_of_a_lock_lifts_it(world: World) -> None:
    launched = went_well(await world.run(WEB))
    id = launched.task.servers[0].id or ""
    locked = await world.run({"action": "LOCK"}, command="server.lock", server=id)
    assert (await world.cloud.server(id)).locked
    assert left(await world.revert(launched)).count("is locked") == 1
    back = await world.revert(locked)
    assert back.state is task.State.COMPLETED, back.task.error
    assert not (await world.cloud.server(id)).locked
    again = await world.revert(launched)
    assert (again.state, again.count()) == (task.State.COMPLETED, {})


@pytest.mark.parametrize("when", ["before", "since"])
async def test_nobody_elses_lock_is_lifted(world: World, when: str) -> None:
    """A lock is somebody else's that was put on the server before the task began to work, or after the task."""
    launched = went_well(await world.run(WEB))
    id = launched.task.servers[0].id or ""
    await world.stop()
    accepted = await world.accept({"action": "LOCK"}, command="server.lock", server=id)
    if when == "before":
        await lock(world, launched, "web")
    world.start()
    locked = await world.end(accepted.id)
    assert locked.state is task.State.COMPLETED, locked.task.error
    if when == "since":
        await world.cloud.act(id, Action.UNLOCK)
        await asyncio.sleep(1.1)
        await world.cloud.act(id, Action.LOCK)
    back = await world.revert(locked)
    assert back.state is task.State.COMPLETED, back.task.error
    assert (await world.cloud.server(id)).locked
