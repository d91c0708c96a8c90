"""What of the catalogue is OpenStack's: how many calls it takes, and what a fresh sandbox or lab has in it."""

import asyncio

import pytest

from enamel.clouds.calls import record
from enamel.clouds.capability import Capability
from enamel.model.states import ImageState
from tests.contract.driver.conftest import OPENSTACK, World


@pytest.fixture
def there(world: World) -> World:
    if world.kind is not OPENSTACK:
        pytest.skip(f"cloud '{world.cloud.name}' is no OpenStack")
    return world


async def test_a_cloud_says_who_we_are_and_what_it_can_do(there: World) -> None:
    identity = await there.cloud.identity()
    assert identity.project_name == there.kind.project and "member" in identity.roles
    assert {
        Capability.COMPUTE,
        Capability.NETWORK,
        Capability.VOLUME,
        Capability.IMAGE,
        Capability.FLOATING_IP,
        Capability.SERVER_TAGS,
        Capability.SOFT_AFFINITY,
    } <= await there.cloud.capabilities()


async def test_the_catalogue_is_read_once_for_all(there: World) -> None:
    cloud = there.cloud
    with record.calls() as calls:
        for _ in range(2):
            flavors, images, networks, zones, types, subnets = await asyncio.gather(
                cloud.flavors(),
                cloud.images(),
                cloud.networks(),
                cloud.zones(),
                cloud.volume_types(),
                cloud.subnets(),
            )
    assert len(calls) == 7  # with the token
    assert "m1.tiny" in {one.name for one in flavors}
    assert {"cirros", "ubuntu"} <= {one.name for one in images if one.state is ImageState.ACTIVE}
    assert {"private", "public"} <= {one.name for one in networks}
    assert {"az1", "az2"} <= {one.name for one in zones if one.available}
    assert "standard" in {one.name for one in types}
    inside = next(one for one in networks if one.name == "private")
    assert set(inside.subnets) <= {one.id for one in subnets} and not inside.external


async def test_quotas_are_told_for_the_kinds_asked_for(there: World) -> None:
    kinds = [
        *("servers", "cores", "memory_mb", "keypairs", "server_groups", "volumes", "gigabytes"),
        *("ports", "addresses", "security_groups", "networks"),
    ]
    limits = await there.cloud.quota(kinds)
    assert limits.keys() == set(kinds)
    assert all(one.limit == -1 or one.limit >= one.used >= 0 for one in limits.values())
    assert (await there.cloud.quota(["ports"])).keys() == {"ports"}
