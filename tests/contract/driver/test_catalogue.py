"""What a cloud offers, and to whom."""

from enamel.clouds.capability import Capability
from enamel.model.states import ImageState
from tests.contract.driver.conftest import World


async def test_a_cloud_says_who_we_are(world: World) -> None:
    identity = await world.cloud.identity()
    assert identity.user_id and identity.project_id and identity.project_name
    assert world.cloud.state().name == world.cloud.name
    assert Capability.COMPUTE in await world.cloud.capabilities()


async def test_servers_can_be_made_of_what_the_catalogue_has(world: World) -> None:
    there = world.cloud
    assert all(one.vcpus > 0 and one.memory_mb > 0 for one in await there.flavors())
    assert any(one.state is ImageState.ACTIVE for one in await there.images())
    assert any(one.available for one in await there.zones())
    ranges = {one.id for one in await there.subnets()}
    wanted = await world.inside()
    (inside,) = [one for one in await there.networks() if one.id == wanted]
    assert inside.subnets and set(inside.subnets) <= ranges and not inside.external


async def test_images_are_found_by_name_and_by_id(world: World) -> None:
    id = await world.image()
    (name,) = {one.name for one in await world.cloud.images() if one.id == id}
    for wanted in (id, name):
        assert id in {one.id for one in await world.cloud.images_named([wanted])}


async def test_limits_are_told_of_the_kinds_asked_for_alone(world: World) -> None:
    limits = await world.cloud.quota(["servers", "cores"])
    assert limits.keys() <= {"servers", "cores"}
    assert all(one.limit == -1 or one.limit >= one.used >= 0 for one in limits.values())
