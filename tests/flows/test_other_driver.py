"""Launches on a cloud that is no OpenStack: another driver, whose ids are no UUIDs and which has less."""

from importlib import metadata
from typing import Any

import pytest

from enamel.clouds import drivers, registry
from enamel.model import action, driver_path
from enamel.model.errors import ActionImpossible, EnamelError, Invalid
from enamel.model.states import VolumeState
from enamel.model.task import State
from tests.drivers import memory
from tests.flows.world import World

WEB: dict[str, Any] = {"name": "web", "template": "plain", "type": "t.small", "placement": "memory"}


@pytest.fixture
async def beside(world: World) -> memory.MemoryCloud:
    """A cloud in memory beside the sandbox."""
    world._drivers.append(memory.Memory())  # type: ignore[arg-type]
    opened = world.clouds.get("memory")
    assert isinstance(opened, memory.MemoryCloud)
    return opened


def things(beside: memory.MemoryCloud) -> list[str]:
    """Return the ids of what is there."""
    return sorted(beside._things)


async def test_a_server_with_a_volume_is_launched_and_reverted(
    world: World, beside: memory.MemoryCloud
) -> None:
    after = await world.run({**WEB, "volumes": [{"size_gb": 1}]})
    assert after.state is State.COMPLETED, after.task.error
    [entry] = after.task.servers
    assert (entry.state, entry.cloud, entry.placement) == ("READY", "memory", "memory/here/a")
    assert entry.id.startswith("i-") and entry.fixed_addresses[0].startswith("10.0.0.")
    assert (await beside.server(entry.id)).mark.startswith(f"enamel:{after.task.id}/")
    (volume,) = (await beside.server(entry.id)).volumes
    assert volume.startswith("vol-") and (await beside.volume(volume)).state is VolumeState.IN_USE
    assert {call.service for item in after.items for call in item.calls} == {"memory"}
    assert (await world.revert(after)).state is State.COMPLETED
    assert things(beside) == []


async def test_a_server_is_found_acted_on_and_deleted_by_an_id_that_is_no_uuid(
    world: World, beside: memory.MemoryCloud
) -> None:
    launched = await world.run(WEB)
    (id,) = [entry.id for entry in launched.task.servers]
    able = action.possible(await beside.server(id), offered=beside.actions())
    assert set(able) == {action.Action.TERMINATE, action.Action.POWER_OFF}
    stopped = await world.run({"action": "POWER_OFF"}, command="server.power_off", server=id, cloud="memory")
    assert stopped.state is State.COMPLETED, stopped.task.error
    with pytest.raises(ActionImpossible, match="does not offer it"):
        await world.accept({"action": "SHELVE"}, command="server.shelve", server=id, cloud="memory")
    ended = await world.run({"action": "TERMINATE"}, command="server.terminate", server=id, cloud="memory")
    assert ended.state is State.COMPLETED, ended.task.error
    assert things(beside) == []


@pytest.mark.parametrize(
    "more",
    [
        {"public_address": True},
        {"allow": ["tcp/22"]},
        {"keypair": {"name": "k", "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"}},
    ],
    ids=["public_address", "allow", "keypair"],
)  # fmt: skip
async def test_what_the_cloud_lacks_is_refused_before_anything_is_made(
    world: World, beside: memory.MemoryCloud, more: dict[str, Any]
) -> None:
    with pytest.raises(EnamelError) as caught:
        await world.accept({**WEB, **more})
    assert isinstance(caught.value, Invalid) or caught.value.code == "enamel.cloud.capability_missing"
    assert "capability_missing" in {fault.code for fault in caught.value.faults} | {
        caught.value.code.rpartition(".")[2]
    }
    assert things(beside) == []


async def test_a_boot_that_fails_leaves_nothing(world: World, beside: memory.MemoryCloud) -> None:
    after = await world.run({**WEB, "placement": "memory/here/full", "volumes": [{"size_gb": 1}]})
    assert after.state is State.ABORTED and after.task.error is not None
    assert after.task.error.code == "enamel.cloud.no_valid_host"
    assert things(beside) == []


def test_a_driver_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    point = metadata.EntryPoint(name="memory", value="tests.drivers.memory:Memory", group=drivers.GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda *, group: [point] if group == drivers.GROUP else [])
    clouds = registry.installed()
    assert clouds.names() == ["memory"] and isinstance(clouds.get("memory"), memory.MemoryCloud)


def test_a_driver_is_found_by_its_dotted_path() -> None:
    path = driver_path.DriverPath(module="tests.drivers.memory", name="Memory")
    clouds = registry.Registry([drivers.load(path)])
    assert clouds.names() == ["memory"] and isinstance(clouds.get("memory"), memory.MemoryCloud)
