"""Who we are, and where the services answer."""

import asyncio
import re
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from enamel.clouds.calls import record
from enamel.clouds.capability import Capability
from enamel.clouds.openstack import cloud as openstack
from enamel.model.errors import (
    CapabilityMissing,
    CloudBusy,
    CloudThrottled,
    CloudUnauthorized,
    CloudUnknown,
    CloudUnreachable,
    CloudUntrusted,
)
from tests.unit.clouds import stage as stage_module
from tests.unit.clouds.stage import Say, Stage, cloud_on

TOKENS = "/v3/auth/tokens"


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return the server's side of a certificate that nobody vouches for; it is left as cert.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stage")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


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


@pytest.mark.parametrize(
    ("status", "says", "part"),
    [
        (404, "Could not find Application Credential: 0.", "application_credential_id"),
        (404, "Could not find project: demo.", "project_name"),
        (400, "Expecting to find domain in project.", "user_domain_name"),
        (403, "You are not authorized to perform the requested action.", "clouds.yaml"),
        (401, "The account is locked for user: u.", "clouds.yaml"),
        (409, "Password expired.", "clouds.yaml"),
        (410, "This API is no more.", "clouds.yaml"),
    ],
)
async def test_whatever_keystone_says_no_to_are_the_credentials(
    stage: Stage, there: openstack.OpenStackCloud, status: int, says: str, part: str
) -> None:
    stage.on("POST", TOKENS, Say(status=status, body={"error": {"message": says, "code": status}}))
    with pytest.raises(CloudUnauthorized, match=re.escape(says)) as caught:
        await there.identity()
    assert part in caught.value.advice and "deleted" not in caught.value.advice
    assert stage.count("POST", TOKENS) == 1


@pytest.mark.parametrize(
    ("status", "body"), [(404, ""), (200, "<html>Welcome</html>"), (403, ""), (405, "{}")]
)
async def test_an_auth_url_that_leads_elsewhere(stage: Stage, tmp_path: Path, status: int, body: str) -> None:
    stage.on("GET", "/", Say(status=status, body=body))
    async with cloud_on(stage, tmp_path, auth={"auth_url": stage.url}) as there:
        with pytest.raises(CloudUnauthorized, match="does not lead to an identity service") as caught:
            await there.identity()
    assert "auth_url" in caught.value.advice


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
async def test_a_keystone_that_is_down_while_its_versions_are_read(
    stage: Stage, tmp_path: Path, status: int
) -> None:
    stage.on("GET", "/", *[Say(status=status, headers={"Retry-After": "0"})] * 9)
    impatient = msgspec.structs.replace(stage_module.QUICK, throttled_now=0.2)
    async with cloud_on(stage, tmp_path, timeouts=impatient, auth={"auth_url": stage.url}) as there:
        with pytest.raises((CloudUnreachable, CloudBusy, CloudThrottled)):
            await asyncio.wait_for(there.identity(), 30)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
async def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    async with stage_module.performed(tls=self_signed(tmp_path)) as stage:
        for auth_url in (stage.url, f"{stage.url}/v3"):
            async with cloud_on(stage, tmp_path, auth={"auth_url": auth_url}) as there:
                with pytest.raises(CloudUntrusted, match=r"stage' is not trusted: .*self.signed") as caught:
                    await there.identity()
                assert "cacert" in caught.value.advice and not caught.value.retryable
        # The identity service is trusted, the others are not: each says so of itself.
        async with cloud_on(stage, tmp_path, verify=False) as there:
            await there.identity()
            there.calls._client._tls = True
            with pytest.raises(CloudUntrusted, match="compute service is not trusted") as caught:
                await there.flavors()
        async with cloud_on(stage, tmp_path, cacert=str(tmp_path / "cert.pem")) as there:
            assert await there.flavors() == []


async def test_without_a_region_it_is_the_one_of_the_catalogue(stage: Stage, tmp_path: Path) -> None:
    stage.region = "Only"
    async with cloud_on(stage, tmp_path, region_name=None) as there:
        assert (await there.identity()).region == "Only"
        assert await there.flavors() == []


@pytest.mark.parametrize("below", ["/v1", "/v2/api", "/api/v2.1", "/v3/p"])
async def test_what_stands_before_a_version_is_no_version(stage: Stage, tmp_path: Path, below: str) -> None:
    stage.catalog = [
        ("compute", f"{below}/compute/v2.1/project"),
        ("network", f"{below}/network"),
        ("image", f"{below}/image"),
        ("volumev3", f"{below}/volume/v3/project"),
    ]
    headers = {"OpenStack-API-Version": "compute 2.104"}
    stage.on(
        "GET", f"{below}/compute/v2.1/project/flavors/detail", Say(body={"flavors": []}, headers=headers)
    )
    stage.on("GET", f"{below}/network/v2.0/subnets", Say(body={"subnets": []}))
    stage.on("GET", f"{below}/image/v2/images", Say(body={"images": []}))
    stage.on("GET", f"{below}/volume/v3/project/types", Say(body={"volume_types": []}))
    async with cloud_on(stage, tmp_path) as there:
        assert [*await there.flavors(), *await there.subnets(), *await there.images()] == []
        assert await there.volume_types() == []
        assert there.state().versions["image"] == "v2"


async def test_versions_are_asked_for_below_what_looks_like_one(stage: Stage, tmp_path: Path) -> None:
    stage.catalog = [("compute", "/v1/nova"), ("block-storage", "/v3/cinder")]
    for path, version in (("/v1/nova", "v2.1"), ("/v3/cinder", "v3.0")):
        leaf = {"rel": "self", "href": f"{stage.url}{path}/{version.removesuffix('.0')}/"}
        stage.open.add(path)
        stage.on(
            "GET",
            path,
            Say(status=300, body={"versions": [{"id": version, "status": "CURRENT", "links": [leaf]}]}),
        )
    stage.on("GET", "/v1/nova/v2.1/flavors/detail", Say(body={"flavors": []}))
    stage.on("GET", "/v3/cinder/v3/types", Say(body={"volume_types": []}))
    async with cloud_on(stage, tmp_path) as there:
        assert await there.flavors() == [] and await there.volume_types() == []


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
        with pytest.raises(CloudUnknown, match="no region 'elsewhere'; its catalogue has: R") as told:
            await there.flavors()
        assert "region_name" in told.value.advice


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
