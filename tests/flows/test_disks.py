"""What servers boot from, and where their volumes are: template × disk × type × zone."""

from typing import Any

import msgspec
import pytest

from enamel.model.errors import Invalid
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import QUICK, World

STRICT = msgspec.structs.replace(QUICK, cross_az_attach=False, volume_zones=("az2", "az1"))
"""A cloud on which servers have volumes of their own zone only."""


@pytest.mark.parametrize("settings", [STRICT])
@pytest.mark.parametrize(
    "wish", [{"volumes": [{"size_gb": 1}]}, {"boot_volume": {"size_gb": 2}}], ids=["data", "boot"]
)
@pytest.mark.parametrize("zone", ["az1", "az2"])
async def test_volumes_are_made_in_the_servers_zone(world: World, wish: dict[str, Any], zone: str) -> None:
    after = went_well(await world.run({**WEB, **wish, "placement": zone}))
    assert after.count() == {"server": 1, "port": 1, "volume": 1}
    (volume,) = world.sandbox.cloud.volume.volumes
    assert volume["zone"] == zone
    await world.check()


@pytest.mark.parametrize("settings", [STRICT])
async def test_a_server_that_moves_on_takes_its_volumes_along(world: World) -> None:
    world.fault({"kind": "server", "zone": "az1"}, {})
    after = went_well(await world.run({**WEB, "volumes": [{"size_gb": 1}], "placement": "sandbox"}))
    assert after.count() == {"server": 1, "port": 1, "volume": 1}
    (volume,) = world.sandbox.cloud.volume.volumes
    assert volume["zone"] == "az2"
    await world.check()


async def test_a_zone_that_volumes_do_not_have_is_left_to_cinder(world: World) -> None:
    after = went_well(await world.run({**WEB, "volumes": [{"size_gb": 1}], "placement": "az1"}))
    (volume,) = world.sandbox.cloud.volume.volumes
    assert volume["zone"] == "nova"
    assert after.count() == {"server": 1, "port": 1, "volume": 1}
    await world.check()


@pytest.mark.parametrize("settings", [STRICT])
async def test_a_new_volume_for_a_server_is_made_in_its_zone(world: World) -> None:
    after = went_well(await world.run({**WEB, "placement": "az1"}))
    id = after.task.servers[0].id
    assert id is not None
    body = {"action": "ATTACH_BLOCK_DEVICE", "size_gb": 1}
    await world.run(body, command="server.attach_block_device", server=id)
    (volume,) = world.sandbox.cloud.volume.volumes
    assert volume["zone"] == "az1"
    world.left.add(volume["id"])
    await world.check()


def without_disk(world: World) -> None:
    """Make the smallest of the types one without a disk."""
    flavors = world.sandbox.cloud.compute.flavors
    smallest = min(flavors.values(), key=lambda flavor: (flavor.ram, flavor.vcpus))
    flavors["zero"] = msgspec.structs.replace(smallest, id="zero", name="zero", disk=0)


async def test_a_type_without_a_disk_is_refused_for_an_image(world: World) -> None:
    without_disk(world)
    with pytest.raises(Invalid) as caught:
        await world.accept({**WEB, "type": "zero"})
    (fault,) = caught.value.faults
    assert fault.pointer == "/type" and "boot_volume" in fault.detail
    assert world.there()["port"] == []


async def test_a_type_without_a_disk_serves_a_boot_volume(world: World) -> None:
    without_disk(world)
    after = went_well(await world.run({**WEB, "type": "zero", "boot_volume": {"size_gb": 2}}))
    assert after.count() == {"server": 1, "port": 1, "volume": 1}
    await world.check()


@pytest.mark.parametrize("boot", [None, {"size_gb": 2}], ids=["image", "boot volume"])
async def test_a_type_by_size_has_a_disk_unless_none_is_needed(world: World, boot: Any) -> None:
    without_disk(world)
    size = {"memory_mb": 1, "cpu_units": 1}
    after = went_well(await world.run({**WEB, "type": size, **({"boot_volume": boot} if boot else {})}))
    (server,) = after.cloud["server"]
    chosen = world.sandbox.cloud.compute.servers[server["id"]].flavor
    assert (chosen.disk == 0) is (boot is not None)
    await world.check()
