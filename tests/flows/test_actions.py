"""What is done to a server that is there: where it leads, what is recorded, and what is refused."""

import asyncio
from typing import Any

import pytest

from enamel.model import item, task
from enamel.model.errors import ActionImpossible, EnamelError, Invalid, WrongState
from enamel.sandbox.compute import server as compute_server
from tests.flows import world as worlds
from tests.flows.after import After, states
from tests.flows.world import World

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
    [entry] = after.task.servers
    assert (entry.id, entry.state, entry.cloud) == (id, "DONE", "sandbox")
    there = await world.cloud.server(id)
    assert entry.placement == there.placement(cloud="sandbox", region="RegionOne")
    assert entry.fixed_addresses == there.fixed_addresses
    await world.check()


async def test_a_resize_is_confirmed_for_the_user(world: World, id: str) -> None:
    after = await done(world, id, "RESIZE", type="m1.medium")
    assert words(after) == ["PREPARING", "MIGRATING", "FINALIZING"]
    assert (server(world, id).flavor.name, server(world, id).vm_state) == ("m1.medium", "active")
    await world.check()


async def test_a_resize_of_a_stopped_server_leaves_it_stopped(world: World, id: str) -> None:
    await done(world, id, "POWER_OFF")
    await done(world, id, "RESIZE", type="m1.medium")
    assert server(world, id).vm_state == "stopped"


@pytest.mark.parametrize(("end", "type"), [("REVERT_RESIZE", "m1.small"), ("CONFIRM_RESIZE", "m1.medium")])
async def test_a_resize_on_trial_is_given_up_or_kept(world: World, id: str, end: str, type: str) -> None:
    tried = await done(world, id, "RESIZE", type="m1.medium", confirm=False)
    assert words(tried) == ["PREPARING", "MIGRATING"]
    assert server(world, id).vm_state == "resized"
    await done(world, id, end)
    assert (server(world, id).flavor.name, server(world, id).vm_state) == (type, "active")


async def test_a_resize_can_be_reverted_afterwards(world: World, id: str) -> None:
    resized = await done(world, id, "RESIZE", type="m1.medium")
    undone = await world.revert(resized)
    assert undone.state is task.State.COMPLETED, undone.task.error
    assert (server(world, id).flavor.name, server(world, id).vm_state) == ("m1.small", "active")


async def test_a_snapshot_is_active_and_its_id_is_told(world: World, id: str) -> None:
    after = await done(world, id, "SNAPSHOT", name="web-today")
    image = await world.cloud.image(after.task.result.data["image_id"])
    assert (image.name, image.status, image.snapshot) == ("web-today", "active", True)
    assert words(after)[:2] == ["SNAPSHOTTING", "UPLOADING"]
    assert [one.id for one in after.task.result.made["image"]] == [image.id]
    await done(world, id, "REBUILD", template="web-today")


async def test_a_backup_belongs_to_a_series(world: World, id: str) -> None:
    after = await done(world, id, "BACKUP", name="web-monday", kind="daily", keep=2)
    assert (await world.cloud.image(after.task.result.data["image_id"])).name == "web-monday"


@pytest.mark.parametrize("action", ["UPDATE_PASSWORD", "RESCUE", "REBUILD"])
async def test_a_password_is_in_no_record(world: World, id: str, action: str) -> None:
    world.planted.add("open-sesame-2f81")
    after = await done(world, id, action, password="open-sesame-2f81")
    assert after.task.request["password"] == "***"
    assert "open-sesame" not in repr(after)
    await world.check()
    assert [one async for one in _secrets(world)] == []


async def _secrets(world: World) -> Any:
    for path in (world.database.parent / "secrets").glob("**/*"):
        if path.is_file() and b"open-sesame" in path.read_bytes():
            yield path


async def test_a_locked_server_does_nothing_until_it_is_unlocked(world: World, id: str) -> None:
    await done(world, id, "LOCK", reason="month's end")
    found = await refused(world, id, "REBOOT")
    assert isinstance(found, ActionImpossible)
    assert "it is locked" in found.detail
    assert found.data["possible"] == ["SNAPSHOT", "BACKUP", "UNLOCK"]
    await done(world, id, "UNLOCK")
    await done(world, id, "REBOOT")


async def test_an_action_that_the_state_does_not_allow_is_refused_with_those_it_allows(
    world: World, id: str
) -> None:
    found = await refused(world, id, "UNPAUSE")
    assert isinstance(found, ActionImpossible)
    assert (found.status, found.data["state"]) == (400, "ACTIVE")
    assert {"PAUSE", "RESIZE", "POWER_OFF", "LOCK"} <= set(found.data["possible"])
    assert "UNPAUSE" not in found.data["possible"]


@pytest.mark.parametrize(
    ("action", "fields", "pointers"),
    [
        ("RESIZE", {}, {"/type"}),
        ("RESIZE", {"type": "m1.small"}, {"/type"}),
        ("RESIZE", {"type": "m1.none"}, {"/type"}),
        ("RESIZE", {"type": "m1.medium", "type_id": "2"}, {"/type"}),
        ("REBOOT", {"name": "x", "size_gb": 1}, {"/name", "/size_gb"}),
        ("BACKUP", {"name": "x"}, {"/kind", "/keep"}),
        ("REBUILD", {"template": "no-such"}, {"/template"}),
        ("ATTACH_BLOCK_DEVICE", {}, {"/volume"}),
        ("ATTACH_BLOCK_DEVICE", {"volume": "no-such"}, {"/volume"}),
        ("DETACH_BLOCK_DEVICE", {"volume": "no-such"}, {"/volume"}),
        ("ATTACH_NETWORK_INTERFACE", {"network": "no-such"}, {"/network"}),
        ("DETACH_NETWORK_INTERFACE", {"fixed_ip": "10.99.0.1"}, {"/fixed_ip"}),
    ],
    ids=str,
)
async def test_fields_that_are_wrong_are_pointed_at(
    world: World, id: str, action: str, fields: dict[str, Any], pointers: set[str]
) -> None:
    found = await refused(world, id, action, **fields)
    assert isinstance(found, Invalid)
    assert {one.pointer for one in found.faults} == pointers


async def test_a_second_task_is_refused_by_the_name_of_the_first(world: World, id: str) -> None:
    await world.stop()
    first = await world.accept({"action": "SUSPEND"}, command="server.suspend", server=id)
    found = await refused(world, id, "REBOOT")
    assert isinstance(found, WrongState)
    assert first.id in found.detail
    world.start()
    assert (await world.end(first.id)).state is task.State.COMPLETED


async def test_a_refusal_of_the_cloud_is_told_in_its_words(world: World, id: str) -> None:
    after = await act(world, id, "MOVE")
    assert after.state is task.State.ABORTED
    assert after.task.error and after.task.error.code == "enamel.cloud.forbidden"


async def test_an_action_that_leads_nowhere_fails_with_a_sentence(world: World, id: str) -> None:
    world.fault({"path": "/v2.1/servers/{id}/action", "method": "POST"}, {"status": 202})
    after = await act(world, id, "PAUSE")
    assert after.state is task.State.ABORTED
    assert after.task.error and after.task.error.code == "enamel.cloud.action_failed"
    assert "PAUSE of server 'web' failed" in after.task.error.detail


async def test_a_new_volume_is_attached_and_taken_away_again(world: World, id: str) -> None:
    after = await done(world, id, "ATTACH_BLOCK_DEVICE", size_gb=2, name="data")
    [volume] = after.task.result.made["volume"]
    assert server(world, id).disks.keys() == {volume.id}
    assert after.task.result.data["volume_id"] == volume.id
    assert after.task.servers[0].volumes == (volume.id,)
    freed = await done(world, id, "DETACH_BLOCK_DEVICE", volume="data")
    assert not server(world, id).disks
    assert freed.task.servers[0].volumes == ()
    await done(world, id, "ATTACH_BLOCK_DEVICE", volume=volume.id)
    await done(world, id, "DETACH_BLOCK_DEVICE", volume=volume.id, delete=True)
    assert volume.id not in {one.id for one in await world.cloud.volumes_list()}


async def test_an_attachment_is_reverted_with_what_was_made_for_it(world: World, id: str) -> None:
    attached = await done(world, id, "ATTACH_BLOCK_DEVICE", size_gb=1)
    undone = await world.revert(attached)
    assert undone.state is task.State.COMPLETED, undone.task.error
    assert undone.count() == {"server": 1, "port": 1}


async def test_an_attachment_that_was_handed_over_half_way_goes_with_its_task(world: World, id: str) -> None:
    attached = await done(world, id, "ATTACH_BLOCK_DEVICE", size_gb=1)
    volume = attached.task.result.data["volume_id"]
    await done(world, id, "DETACH_BLOCK_DEVICE", volume=volume)
    # The cloud takes the call, and needs a while for its answer.
    world.fault(
        {"method": "POST", "path": ".*/os-volume_attachments", "times": 1}, {"latency": 0.5, "drop": "after"}
    )
    accepted = await world.accept(
        {"action": "ATTACH_BLOCK_DEVICE", "volume": volume}, command="server.attach_block_device", server=id
    )
    await world.struck()
    await world.stop()
    await world.cancel(accepted.id)
    # The call was under way: it has its effect while no worker has the task.
    while not server(world, id).disks:
        await asyncio.sleep(0.01)
    world.start()
    after = await world.end(accepted.id)
    assert after.state is task.State.ABORTED
    assert not server(world, id).disks


async def test_an_interface_comes_and_goes_with_its_port(world: World, id: str) -> None:
    after = await done(world, id, "ATTACH_NETWORK_INTERFACE", network="private")
    port = after.task.result.data["port_id"]
    assert len(after.task.servers[0].fixed_addresses) == 2
    assert {one.id for one in await world.cloud.ports_of([id])} > {port}
    gone = await done(world, id, "DETACH_NETWORK_INTERFACE", port=port)
    assert gone.count() == {"server": 1, "port": 1}
