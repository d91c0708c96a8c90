"""Who we are, and where the services answer."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from enamel.clouds.calls import record
from enamel.clouds.capability import Capability
from enamel.clouds.openstack import cloud as openstack
from enamel.model.errors import CapabilityMissing, CloudUnauthorized, CloudUnreachable
from tests.unit.clouds.stage import Say, Stage, cloud_on

TOKENS = "/v3/auth/tokens"


async def test_any_number_of_callers_fetch_one_token(stage: Stage, there: openstack.OpenStackCloud) -> None:
    found = await asyncio.gather(*(there.identity() for _ in range(50)))
    assert stage.tokens == 1
    assert {one.project_id for one in found} == {"project"}
    assert found[0].roles == ("member",) and found[0].region == "R"


async def test_the_one_who_gives_up_does_not_take_the_token_from_the_others(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    first, second = (asyncio.create_task(there.identity()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).user_name == "demo"
    assert stage.tokens == 1


async def test_a_wrong_password_is_told_once_and_plainly(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    stage.on(
        "POST", TOKENS, Say(status=401, body={"error": {"message": "The request requires authentication."}})
    )
    with pytest.raises(CloudUnauthorized, match="requires authentication") as caught:
        await there.identity()
    assert "clouds.yaml" in caught.value.advice
    assert "sesame" not in str(caught.value)
    assert stage.count("POST", TOKENS) == 1


async def test_keystone_is_tried_again(stage: Stage, there: openstack.OpenStackCloud) -> None:
    stage.on("POST", TOKENS, *[Say(status=503, headers={"Retry-After": "0"})] * 2, Say(status=401))
    with pytest.raises(CloudUnauthorized):
        await there.identity()
    assert stage.count("POST", TOKENS) == 3


async def test_a_keystone_that_is_not_there(stage: Stage, tmp_path: Path) -> None:
    async with cloud_on(stage, tmp_path, auth={"auth_url": "http://127.0.0.1:1/v3"}) as there:
        with pytest.raises(CloudUnreachable, match="stage does not answer"):
            await there.identity()


@pytest.mark.parametrize("body", ["<html>Welcome!</html>", "{}", "[]", '{"token": {}}', '{"token": nul'])
async def test_a_keystone_that_talks_nonsense(
    stage: Stage, there: openstack.OpenStackCloud, body: str
) -> None:
    stage.on("POST", TOKENS, Say(status=201, body=body, headers={"X-Subject-Token": "t"}))
    with pytest.raises(CloudUnreachable, match="stage"):
        await there.networks()


async def test_a_token_is_replaced_before_it_expires(stage: Stage, there: openstack.OpenStackCloud) -> None:
    stage.on("GET", "/network/v2.0/ports", Say(body={"ports": []}))
    stage.lifetime = timedelta(seconds=0)
    await there.ports_marked("m")
    stage.lifetime, before = timedelta(hours=1), stage.tokens
    await there.ports_marked("m")
    await there.ports_marked("m")
    assert stage.tokens == before + 1
    assert stage.count("GET", "/network/v2.0/ports") == 3


async def test_a_service_that_is_not_in_the_catalogue(stage: Stage, there: openstack.OpenStackCloud) -> None:
    stage.catalog = [entry for entry in stage.catalog if entry[0] != "volumev3"]
    with pytest.raises(CapabilityMissing, match="no block-storage service"):
        await there.volumes_list()
    stage.on("GET", "/network/v2.0/networks", Say(body={"networks": []}))
    stage.on("GET", "/network/v2.0/extensions", Say(body={"extensions": []}))
    assert Capability.VOLUME not in await there.capabilities()


async def test_another_region_is_another_cloud(stage: Stage, tmp_path: Path) -> None:
    async with cloud_on(stage, tmp_path, region_name="elsewhere") as there:
        with pytest.raises(CapabilityMissing, match="in region elsewhere"):
            await there.flavors()


async def test_catalogues_that_name_a_version_are_asked_for_none(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    stage.on("GET", "/volume/v3/project/types", Say(body={"volume_types": []}))
    stage.on("GET", "/image/v2/images", Say(body={"images": []}))
    stage.on("GET", "/network/v2.0/subnets", Say(body={"subnets": []}))
    with record.calls() as calls:
        await there.flavors()
        await there.volume_types()
        await there.images()
        await there.subnets()
    assert len(calls) == 5


async def test_a_catalogue_without_versions_is_looked_into(stage: Stage, tmp_path: Path) -> None:
    stage.catalog = [("compute", "/nova"), ("block-storage", "/cinder"), ("network", "/network/v2.0")]
    versions = [
        {"id": "v2.0", "status": "SUPPORTED", "links": [{"rel": "self", "href": f"{stage.url}/nova/v2/"}]},
        {"id": "v2.1", "status": "CURRENT", "links": [{"rel": "self", "href": f"{stage.url}/nova/v2.1/"}]},
    ]
    stage.on("GET", "/nova", Say(status=300, body={"versions": versions}))
    cinder = {
        "id": "v3.0",
        "status": "CURRENT",
        "links": [{"rel": "self", "href": f"{stage.url}/cinder/v3/"}],
    }
    stage.on("GET", "/cinder", Say(status=300, body={"versions": [cinder]}))
    stage.on("GET", "/nova/v2.1/flavors/detail", Say(body={"flavors": []}))
    stage.on("GET", "/cinder/v3/types", Say(body={"volume_types": []}))
    async with cloud_on(stage, tmp_path) as there:
        assert await there.flavors() == []
        assert await there.volume_types() == []
        await there.forget()
        await there.flavors()
    assert stage.count("GET", "/nova") == 1


async def test_an_address_of_keystone_without_a_version_is_looked_into(stage: Stage, tmp_path: Path) -> None:
    version = {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": f"{stage.url}/v3/"}]}
    stage.on("GET", "/", Say(status=300, body={"versions": {"values": [version]}}))
    async with cloud_on(stage, tmp_path, auth={"auth_url": stage.url}) as there:
        assert (await there.identity()).user_id == "u"


async def test_the_versions_of_keystone_are_not_asked_for_with_a_token(stage: Stage, tmp_path: Path) -> None:
    stage.open.discard("/")
    async with cloud_on(stage, tmp_path, auth={"auth_url": stage.url}) as there:
        with pytest.raises(CloudUnauthorized):
            await asyncio.wait_for(there.identity(), 30)
    assert stage.tokens == 0


async def test_the_newest_microversion_comes_with_the_flavors(
    stage: Stage, there: openstack.OpenStackCloud
) -> None:
    assert await there._version("2.52", "2.37") == "2.52"
    assert await there._version("2.999", "2.79") == "2.79"
    old = {"OpenStack-API-Version": "compute 2.38", "X-OpenStack-Nova-API-Version": "2.38"}
    stage.on("GET", "/compute/v2.1/flavors/detail", Say(body={"flavors": []}, headers=old))
    await there.forget()
    await there.flavors()
    assert await there._version("2.52", "2.37") == "2.37"


async def test_a_nova_without_microversions(stage: Stage, there: openstack.OpenStackCloud) -> None:
    stage.on("GET", "/compute/v2.1/flavors/detail", Say(body={"flavors": []}))
    assert await there._version("2.52", "2.37") is None
    assert await there._version("2.52") is None
    assert stage.count("GET", "/compute/v2.1/flavors/detail") == 1
