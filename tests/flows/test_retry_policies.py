"""Every retry policy is driven at least once: what it is for happens, and the step is tried again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from enamel.flow.draft import Draft
from enamel.model import cloud, error_tree, errors, task
from enamel.model.orphan import Kind
from enamel.model.states import VolumeState
from enamel.steps import (
    KINDS,
    attachment,
    orphan,
    port,
    revert,
    security_group,
    server,
    transfer,
    volume,
    volume_snapshot,
)
from enamel.steps.step import UNDO, Retry, Step
from tests.flows.test_cloud_faults import RICH
from tests.flows.test_launch import WEB
from tests.flows.world import World

CONFLICT: dict[str, Any] = {"status": 409}
DETACHING: dict[str, Any] = {
    "status": 400,
    "body": {
        "badRequest": {
            "message": "Invalid volume: Volume status must be available or error or error_restoring or error_extending "
            "or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a "
            "transfer, or be disassociated from snapshots after volume transfer.",
            "code": 400,
        }
    },
}
BUSY: dict[str, Any] = {"status": 503}
Made = tuple[Step, dict[str, Any]]
"""A step, and the calls that fail at first."""


async def _volume(world: World) -> str:
    made = await world.cloud.create_volume(cloud.VolumeSpec(size_gb=1, name="data", mark=""))
    await world.cloud.volumes.until(made.id, lambda seen: bool(seen and seen.state is VolumeState.AVAILABLE))
    return made.id


async def _attached(world: World) -> tuple[str, str]:
    """A server and a volume that it has."""
    launched = await world.run(WEB)
    id, disk = launched.task.servers[0].id or "", await _volume(world)
    await world.cloud.attach_volume(id, volume_id=disk)
    await world.cloud.volumes.until(disk, lambda seen: bool(seen and seen.state is VolumeState.IN_USE))
    return id, disk


async def _port(world: World) -> str:
    network = next(net for net in await world.cloud.networks() if not net.external)
    [made] = await world.cloud.create_ports([cloud.PortSpec(network_id=network.id, name="p", mark="")])
    return made.id


async def delete_port(world: World) -> Made:
    return port.DeletePort(id=await _port(world)), _deletion("network", "/v2.0/ports/.*", CONFLICT)


async def delete_volume(world: World) -> Made:
    return volume.DeleteVolume(id=await _volume(world)), _deletion("volume", "/v3/volumes/.*", DETACHING)


async def delete_snapshot(world: World) -> Made:
    snapshot = await world.cloud.create_volume_snapshot(
        await _volume(world), name="s", description="", mark=""
    )
    while [seen.state for seen in await world.cloud.volume_snapshots_list()] != [VolumeState.AVAILABLE]:
        await asyncio.sleep(0.02)
    step = volume_snapshot.DeleteVolumeSnapshot(id=snapshot.id)
    return step, _deletion("volume", "/v3/snapshots/.*", DETACHING)


async def delete_group(world: World) -> Made:
    group = await world.cloud.create_security_group("g", mark="")
    step = security_group.DeleteSecurityGroup(id=group.id)
    return step, _deletion("network", "/v2.0/security-groups/.*", CONFLICT)


async def release_group(world: World) -> Made:
    group = await world.cloud.create_security_group("g", mark="")
    step = security_group.ReleaseSecurityGroup(id=group.id, task="t")
    # Of what is in use it leaves the matter to the next server.
    return step, _deletion("network", "/v2.0/security-groups/.*", BUSY)


async def delete_server(world: World) -> Made:
    launched = await world.run(WEB)
    step = server.DeleteServer(id=launched.task.servers[0].id or "", force=False)
    return step, _deletion("compute", "/v2.1/servers/.*", CONFLICT)


async def end_original(world: World) -> Made:
    step, fault = await delete_server(world)
    return transfer.EndOriginal(**msgspec.structs.asdict(step)), fault


async def detach_volume(world: World) -> Made:
    id, disk = await _attached(world)
    step = attachment.DetachVolume(server_id=id, volume_id=disk)
    return step, _deletion("compute", "/v2.1/servers/.*/os-volume_attachments/.*", DETACHING)


async def unplug_volume(world: World) -> Made:
    step, fault = await detach_volume(world)
    return transfer.UnplugVolume(**msgspec.structs.asdict(step)), fault


async def detach_port(world: World) -> Made:
    launched = await world.run(WEB)
    id, plugged = launched.task.servers[0].id or "", await _port(world)
    await world.cloud.attach_port(id, port_id=plugged)
    step = attachment.DetachPort(server_id=id, port_id=plugged)
    return step, _deletion("compute", "/v2.1/servers/.*/os-interface/.*", CONFLICT)


async def remove_orphan(world: World) -> Made:
    step = orphan.RemoveOrphan(what=Kind.PORT, id=await _port(world), name="p", mark="")
    return step, _deletion("network", "/v2.0/ports/.*", BUSY)


async def undo(world: World) -> Made:
    ports = [{"id": await _port(world), "name": "p"}]
    step = revert.Revert(of="port.create", step={"wants": []}, outputs={"ports": ports})
    return step, _deletion("network", "/v2.0/ports/.*", CONFLICT)


DRIVEN: dict[str, Callable[[World], Awaitable[Made]]] = {
    "orphan.remove": remove_orphan,
    "port.delete": delete_port,
    "security_group.delete": delete_group,
    "security_group.release": release_group,
    "server.delete": delete_server,
    "server.detach_port": detach_port,
    "server.detach_volume": detach_volume,
    "task.undo": undo,
    "transfer.end_original": end_original,
    "transfer.unplug": unplug_volume,
    "volume.delete": delete_volume,
    "volume_snapshot.delete": delete_snapshot,
}
"""What makes each kind of step fail at first for what its policy is for."""


def _deletion(service: str, path: str, then: dict[str, Any]) -> dict[str, Any]:
    # A call is repeated three times by itself where the service is busy; a volume's deletion is tried twice at a time.
    times = 4 if then is BUSY else 3
    return {"match": {"service": service, "method": "DELETE", "path": path, "times": times}, "then": then}


def test_every_policy_of_its_own_is_driven() -> None:
    assert {kind for kind, step in KINDS.items() if step.retry != Retry()} == DRIVEN.keys()


@pytest.mark.parametrize("kind", DRIVEN)
async def test_what_a_policy_is_for_is_tried_again(world: World, kind: str) -> None:
    step, fault = await DRIVEN[kind](world)
    assert step.kind == kind
    world.fault(**fault)
    draft = Draft()
    draft.add(step)
    after = await world.end((await world.plan(draft.plan(on_failure="keep"))).id)
    assert after.state is task.State.COMPLETED, after.task.error
    [record] = after.items
    assert record.attempt > 1
    assert [call.fault for call in world.sandbox.cloud.calls.log].count("") < len(
        world.sandbox.cloud.calls.log
    )
    world.left = {row["id"] for rows in after.cloud.values() for row in rows}


async def test_steps_without_a_policy_of_their_own_are_tried_again(world: World) -> None:
    world.fault({"service": "network", "method": "POST", "path": "/v2.0/security-groups", "times": 4}, BUSY)
    after = await world.run({**WEB, "allow": ["tcp/22"]})
    assert after.state is task.State.COMPLETED, after.task.error
    assert after.item("security_group-create").attempt > 1


IN_USE = [
    ("network", "/v2.0/security-groups/.*", CONFLICT),
    ("network", "/v2.0/ports/.*", CONFLICT),
    ("network", "/v2.0/floatingips/.*", CONFLICT),
    ("volume", "/v3/volumes/.*", DETACHING),
    ("compute", "/v2.1/os-keypairs/.*", CONFLICT),
    ("compute", "/v2.1/os-server-groups/.*", {"status": 400}),
]
"""What may be in use, a moment long, of all that a launch makes."""


@pytest.mark.parametrize("way", ["roll-back", "revert"])
async def test_what_is_in_use_for_a_moment_is_undone(world: World, way: str) -> None:
    faults = [_deletion(*place) for place in IN_USE]
    if way == "roll-back":
        world.fault({"kind": "server", "name": "web-2"}, {"error": "It broke."})
        for fault in faults:
            world.fault(**fault)
        after = await world.run({**RICH, "all_or_nothing": True})
        assert after.task.error is not None and after.task.error.left == ()
    else:
        launched = await world.run(RICH)
        for fault in faults:
            world.fault(**fault)
        after = await world.revert(launched)
        assert after.state is task.State.COMPLETED, after.task.error
    assert after.count() == {}
    await world.check()


def test_a_policy_is_for_what_it_says() -> None:
    for code in UNDO.errors:
        error = error_tree.by_code(code)("No.")
        assert UNDO.applies(error, attempt=1)
        assert not UNDO.applies(error, attempt=UNDO.maximum_attempts)
        assert not Retry().applies(error, attempt=1)
    busy = errors.CloudBusy("No.", retry_after=30)
    assert Retry().applies(busy, attempt=1)
    assert Retry().pause(1, busy) == 30
    assert Retry(initial_interval=timedelta(seconds=1)).pause(2, errors.CloudBusy("No.")) == 2
    for final in (errors.StepTimedOut, errors.CloudForbidden, errors.Obstructed):
        assert not UNDO.applies(final("No."), attempt=1)
