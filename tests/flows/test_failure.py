"""Launches that fail in the cloud: who is rolled back, who stays, who moves on, and what is said."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from enamel.model import errors, item, task
from enamel.sandbox import kernel
from enamel.steps import server, volume
from tests.flows.after import After
from tests.flows.test_cloud_faults import RICH
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import QUICK, World

FULL = msgspec.structs.replace(QUICK, quotas={"instances": 4, "floatingip": 4, "volumes": 4})
SLOW = msgspec.structs.replace(QUICK, boot_seconds=(0.6, 0.6))


def failed(after: After, code: str) -> After:
    assert after.state is task.State.ABORTED
    assert after.task.error is not None and after.task.error.code == code, after.task.error
    assert after.task.error.left == ()
    return after


async def test_a_server_in_error_explains_itself_and_goes(world: World) -> None:
    world.fault({"kind": "server"}, {"error": "Image cirros is unacceptable: wrong checksum"})
    after = failed(await world.run({**WEB, "public_address": True}), errors.ServerFailed.code)
    assert after.task.error is not None
    assert "'web' went to ERROR" in after.task.error.detail and "wrong checksum" in after.task.error.detail
    assert after.count() == {}
    await world.check()


@pytest.mark.parametrize("volumes", [[], [{"size_gb": 1}]], ids=["together", "ports first"])
async def test_one_server_fails_and_its_siblings_stay(world: World, volumes: list[Any]) -> None:
    world.fault({"kind": "server", "name": "^web-2$"}, {"error": "It broke."})
    wish = {**WEB, "count": 3, "public_address": True, "volumes": volumes}
    after = failed(await world.run(wish), errors.PartlyDone.code)
    assert [entry.state for entry in after.task.servers] == ["READY", "FAILED", "READY"]
    assert after.task.servers[1].error is not None and "It broke" in after.task.servers[1].error.detail
    expected = {"server": 2, "port": 2, "address": 2}
    assert after.count() == expected | ({"volume": 2} if volumes else {})
    assert {row["name"] for row in after.cloud["server"]} == {"web-1", "web-3"}
    await world.check()
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_all_or_nothing(world: World) -> None:
    world.fault({"kind": "server", "name": "^web-2$"}, {"error": "It broke."})
    after = failed(await world.run({**RICH, "all_or_nothing": True}), errors.ServerFailed.code)
    assert after.count() == {}
    await world.check()


@pytest.mark.parametrize("volumes", [[], [{"size_gb": 1}]], ids=["together", "ports first"])
async def test_what_failed_is_kept_on_request_and_goes_with_a_revert(
    world: World, volumes: list[Any]
) -> None:
    world.fault({"kind": "server", "name": "^web-2$"}, {"error": "It broke."})
    wish = {**WEB, "count": 2, "public_address": True, "on_failure": "KEEP", "volumes": volumes}
    after = failed(await world.run(wish), errors.PartlyDone.code)
    assert {row["name"]: row["status"] for row in after.cloud["server"]} == {
        "web-1": "ACTIVE",
        "web-2": "ERROR",
    }
    await world.check()
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_rules_that_are_refused_leave_no_group(world: World) -> None:
    world.fault({"service": "network", "path": "/v2.0/security-group-rules"}, {"status": 400})
    after = failed(await world.run({**WEB, "allow": ["tcp/22"]}), errors.CloudRefused.code)
    assert after.count() == {}
    await world.check()


async def test_rules_that_are_refused_leave_a_group_that_can_be_reverted(world: World) -> None:
    world.fault({"service": "network", "path": "/v2.0/security-group-rules"}, {"status": 400})
    after = await world.run({**WEB, "allow": ["tcp/22"], "on_failure": "KEEP", "volumes": [{"size_gb": 1}]})
    failed(after, errors.CloudRefused.code)
    world.sandbox.faults.clear()
    assert after.count()["security_group"] == 1
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_a_server_moves_on_to_a_zone_that_has_room(world: World) -> None:
    world.fault({"kind": "server", "zone": "az1"}, {"error": ""})
    wish = {**WEB, "count": 3, "public_address": True, "volumes": [{"size_gb": 1}], "placement": "sandbox"}
    after = went_well(await world.run(wish))
    assert {row["zone"] for row in after.cloud["server"]} == {"az2"}
    assert {entry.placement for entry in after.task.servers} == {"sandbox/RegionOne/az2"}
    assert after.count() == {"server": 3, "port": 3, "address": 3, "volume": 3}
    moved = after.told("server.moved_on")
    assert moved and {told.data["placement"] for told in moved} == {"sandbox/RegionOne/az2"}
    await world.check()
    assert (await world.revert(after)).count() == {}


async def test_no_zone_has_room(world: World) -> None:
    world.fault({"kind": "server", "zone": "az1"}, {"error": ""})
    world.fault({"kind": "server", "zone": "az2"}, {"error": ""})
    after = failed(await world.run({**WEB, "placement": "sandbox"}), errors.NoValidHost.code)
    assert after.count() == {}
    assert len(after.told("server.moved_on")) == 1
    await world.check()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("settings", [FULL])
@pytest.mark.parametrize("kind", ["server", "address", "volume"])
@pytest.mark.parametrize("placement", [None, "sandbox"], ids=["anywhere", "two zones"])
async def test_the_quota_fills_up_in_the_middle(world: World, kind: str, placement: str | None) -> None:
    """Somebody else takes what was free when the launch was accepted."""
    await world.stop()
    accepted = await world.accept({**RICH, "count": 3} | ({"placement": placement} if placement else {}))
    quotas = {"server": {"instances": 0}, "address": {"floatingip": 0}, "volume": {"volumes": 0}}[kind]
    cloud = world.sandbox.cloud
    cloud.settings = msgspec.structs.replace(cloud.settings, quotas=quotas)
    world.start()
    after = failed(await world.end(accepted.id), errors.QuotaExceeded.code)
    assert after.count() == {}
    await world.check()


async def test_a_volume_goes_to_error(world: World) -> None:
    wish = {
        "defaults": {"template": "cirros", "type": "m1.small", "public_address": True},
        "servers": [
            {"hostname": "web-1", "volumes": [{"size_gb": 1}]},
            {"hostname": "web-2", "volumes": [{"size_gb": 1, "type": "broken"}]},
        ],
    }
    after = failed(await world.run(wish), errors.PartlyDone.code)
    assert after.count() == {"server": 1, "port": 1, "address": 1, "volume": 1}
    assert after.task.servers[1].error is not None and "error" in after.task.servers[1].error.detail
    await world.check()


async def test_tokens_expire_in_the_middle(world: World) -> None:
    accepted = await world.accept(RICH)
    for type in ("item.started", "item.completed", "server.addressed"):
        await world.until(accepted.id, type)
        world.sandbox.cloud.identity.expire_tokens()
    went_well(await world.end(accepted.id))
    await world.check()


async def test_the_cloud_is_down_for_a_while(world: World) -> None:
    accepted = await world.accept({**RICH, "count": 3})
    await world.until(accepted.id, "item.completed", item="port-create")
    world.fault({}, {"drop": "before"})
    await asyncio.sleep(0.1)
    world.sandbox.faults.clear()
    went_well(await world.end(accepted.id))
    await world.check()


@pytest.mark.parametrize("settings", [SLOW])
async def test_somebody_deletes_a_server_while_it_boots(world: World) -> None:
    accepted = await world.accept({**WEB, "count": 2, "public_address": True})
    await world.until(accepted.id, "item.completed", item="server-boot")
    id = next(row["id"] for row in world.there()["server"] if row["name"] == "web-2")
    await world.cloud.delete_server(id)
    after = failed(await world.end(accepted.id), errors.PartlyDone.code)
    assert "deleted" in str(after.task.servers[1].error)
    assert after.count()["server"] == 1
    await world.check()


async def test_somebody_deletes_a_port_before_its_server_boots(world: World) -> None:
    match = {"service": "compute", "method": "POST", "path": "/v2.1/servers", "body": "web-2", "times": 1}
    world.fault(match, {"latency": 0.3})
    accepted = await world.accept({**RICH, "volumes": [{"size_gb": 1}]})
    await world.until(accepted.id, "item.started", item="server-boot-web-2")
    port = next(row["id"] for row in world.there()["port"] if row["name"] == "web-2")
    await world.cloud.delete_port(port)
    after = failed(await world.end(accepted.id), errors.PartlyDone.code)
    assert [entry.state for entry in after.task.servers] == ["READY", "FAILED"]
    await world.check()


async def test_lists_that_miss_a_server_are_not_believed(world: World) -> None:
    world.fault(
        {"service": "compute", "path": "/v2.1/servers/detail", "after": 1, "times": 1}, {"omit": "web-2"}
    )
    went_well(await world.run({**WEB, "count": 3, "public_address": True}))
    await world.check()


async def test_a_server_that_takes_too_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = world.sandbox.cloud
    cloud.settings = msgspec.structs.replace(cloud.settings, boot_seconds=(60, 60))
    monkeypatch.setattr(server.AwaitActive, "timeout", timedelta(seconds=0.3))
    after = failed(await world.run(RICH), errors.StepTimedOut.code)
    assert "was not ACTIVE after" in str(after.task.error)
    assert item.State.TIMED_OUT in {one.state for one in after.items}
    assert after.count() == {}
    await world.check()


@pytest.mark.parametrize("kind", ["server", "port", "volume"])
async def test_what_cannot_be_undone_is_told(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fault({"kind": "server"}, {"error": "It broke."})
    if kind == "server":
        world.fault({"service": "compute", "path": ".*/action", "body": "forceDelete"}, {"status": 403})
        world.fault({"service": "compute", "method": "DELETE", "path": "/v2.1/servers/.*"}, {"status": 403})
    elif kind == "port":
        world.fault({"service": "network", "method": "DELETE", "path": "/v2.0/ports/.*"}, {"status": 403})
    else:
        world.fault({"service": "volume", "method": "DELETE", "path": "/v3/volumes/.*"}, {"status": 500})
    after = await world.run(
        {
            **WEB,
            "count": 1,
            # One that went with its server would be gone with it.
            "volumes": [{"size_gb": 1, "delete_with_server": False}],
            "placement": "sandbox/RegionOne/az1",
        }
    )
    world.sandbox.faults.clear()
    assert after.state is task.State.ABORTED and after.task.error is not None
    assert after.task.error.code == errors.ServerFailed.code
    assert any("still exists" in sentence for sentence in after.task.error.left)
    assert after.count()[kind] == 1
    world.left = {row["id"] for rows in after.cloud.values() for row in rows}
    await world.check()


async def test_a_port_that_nova_lets_go_of_at_that_moment_is_deleted_a_moment_later(world: World) -> None:
    world.fault({"kind": "server"}, {"error": "It broke."})
    passing = {"service": "network", "method": "DELETE", "path": "/v2.0/ports/.*", "times": 2}
    world.fault(passing, {"status": 403})
    after = await world.run({**WEB, "count": 1, "placement": "sandbox/RegionOne/az1"})
    assert after.state is task.State.ABORTED and after.task.error is not None
    assert after.task.error.left == ()
    assert after.count() == {}
    await world.check()


async def test_what_cannot_be_undone_of_one_server_is_told(world: World) -> None:
    world.fault({"kind": "server", "name": "web-2"}, {"error": "It broke."})
    world.fault({"service": "network", "method": "DELETE", "path": "/v2.0/ports/.*"}, {"status": 403})
    after = await world.run({**WEB, "count": 2, "volumes": [{"size_gb": 1}]})
    assert after.task.error is not None and after.task.error.code == errors.PartlyDone.code
    assert any("port-create" in sentence for sentence in after.task.error.left)
    await world.check()


def test_the_steps_times_are_generous() -> None:
    assert server.AwaitActive.timeout.total_seconds() >= 600
    assert volume.AwaitVolume.timeout.total_seconds() >= 600
    assert kernel.Settings().boot_seconds[0] >= 1
