"""Volumes, alone and with servers."""

import pytest

from enamel.clouds.capability import Capability
from enamel.model import cloud
from enamel.model.errors import CloudConflict, Gone
from enamel.model.states import VolumeState
from tests.contract.driver.conftest import SOON, World


async def volume(world: World, what: str = "volume", **more: object) -> cloud.Volume:
    want = cloud.VolumeSpec(size_gb=1, name=world.name(what), mark=world.mark(what), **more)  # type: ignore[arg-type]
    made = await world.cloud.create_volume(want)

    async def away() -> None:
        await free(world, made.id)
        await world.cloud.delete_volume(made.id)
        assert await world.cloud.volumes.until(made.id, lambda one: one is None, due=SOON) is None

    world.later(away)
    found = await world.cloud.volumes.until(
        made.id, lambda one: one is None or one.state in (VolumeState.AVAILABLE, VolumeState.ERROR), due=SOON
    )
    assert found is not None and found.state is VolumeState.AVAILABLE
    return found


async def free(world: World, id: str) -> None:
    await world.cloud.volumes.until(
        id, lambda one: one is None or one.state not in (VolumeState.IN_USE, VolumeState.DETACHING), due=SOON
    )


async def test_a_volume_comes_and_goes(world: World) -> None:
    await world.needs(Capability.VOLUME)
    made = await volume(world, type=await world.volume_type())
    assert (made.size_gb, made.type, made.mark) == (1, await world.volume_type(), world.mark("volume"))
    assert [one.id for one in await world.cloud.volumes_marked(made.mark)] == [made.id]
    assert made.id in {one.id for one in await world.cloud.volumes_list()}


async def test_attaching_and_detaching_twice_is_not_a_fault(world: World) -> None:
    await world.needs(Capability.VOLUME, Capability.ATTACH_VOLUMES)
    there, made = world.cloud, await volume(world)
    (id,) = await world.boot()
    await world.active(id)
    for _ in range(2):
        await there.attach_volume(id, volume_id=made.id, delete_with_server=False)
    used = await there.volumes.until(
        made.id, lambda one: one is None or one.state is VolumeState.IN_USE, due=SOON
    )
    assert used is not None and used.attached_to == (id,)
    with pytest.raises(CloudConflict):
        await there.delete_volume(made.id)
    await there.detach_volume(id, volume_id=made.id)
    await free(world, made.id)
    await there.detach_volume(id, volume_id=made.id)


async def test_a_server_on_a_volume_with_another_beside_it(world: World) -> None:
    await world.needs(Capability.VOLUME)
    system = await volume(world, "system", image_id=await world.image())
    data = await volume(world, "data")
    assert system.bootable and not data.bootable
    disks = (cloud.Disk(volume_id=system.id, boot=True), cloud.Disk(volume_id=data.id))
    (id,) = await world.boot(disks=disks)
    server = await world.active(id)
    assert server.image_id is None and set(server.volumes) == {system.id, data.id}


async def test_a_type_that_is_not_there_is_refused(world: World) -> None:
    await world.needs(Capability.VOLUME)
    want = cloud.VolumeSpec(size_gb=1, name=world.name("v"), mark=world.mark("v"), type="of gold")
    with pytest.raises(Gone) as caught:
        await world.cloud.create_volume(want)
    assert caught.value.request_ids


async def test_a_snapshot_of_a_volume_in_use_comes_and_goes(world: World) -> None:
    await world.needs(Capability.VOLUME_SNAPSHOTS, Capability.ATTACH_VOLUMES)
    there, made = world.cloud, await volume(world)
    (id,) = await world.boot()
    await world.active(id)
    await there.attach_volume(id, volume_id=made.id, delete_with_server=False)
    await there.volumes.until(made.id, lambda one: one is None or one.state is VolumeState.IN_USE, due=SOON)
    mark = world.mark("snapshot")
    taken = await there.create_volume_snapshot(
        made.id, name=world.name("snapshot"), description="before the change", mark=mark
    )
    ready = await there.volume_snapshots.until(
        taken.id, lambda one: one is None or one.state in (VolumeState.AVAILABLE, VolumeState.ERROR), due=SOON
    )
    assert ready is not None and (ready.state, ready.volume_id, ready.size_gb) == (
        VolumeState.AVAILABLE,
        made.id,
        1,
    )
    assert ready.description == "before the change"
    assert [one.id for one in await there.volume_snapshots_marked(mark)] == [taken.id]
    assert taken.id in {one.id for one in await there.volume_snapshots_list()}
    await there.delete_volume_snapshot(taken.id)
    assert await there.volume_snapshots.until(taken.id, lambda one: one is None, due=SOON) is None
    await there.detach_volume(id, volume_id=made.id)
    await free(world, made.id)
