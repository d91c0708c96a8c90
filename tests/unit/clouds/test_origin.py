"""No credential follows a redirect to another origin; one within the origin is followed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from enamel.clouds.openstack.identity import origin
from enamel.model.errors import CloudUnauthorized, EnamelError
from tests.unit.clouds import stage as stages
from tests.unit.clouds.stage import Say, Stage, cloud_on

STATUSES = [301, 302, 303, 307, 308]
TOKENS = "/v3/auth/tokens"
SECRET = {"application_credential_id": "id", "application_credential_secret": "open sesame"}
NO_PASSWORD = dict.fromkeys(
    ("username", "password", "project_name", "user_domain_name", "project_domain_name")
)
OIDC = {
    "protocol": "openid",
    "identity_provider": "idp",
    "client_id": "enamel",
    "client_secret": "open sesame",
    "openid_scope": "openid",
    "username": "demo",
    "password": "open sesame",
    "user_domain_name": None,
}
ENTRIES: dict[str, tuple[dict[str, Any], str, str]] = {
    "password": ({}, "POST", TOKENS),
    "discovery": ({"auth": {"auth_url": "{url}"}}, "GET", "/"),
    "application credential": (
        {"auth_type": "v3applicationcredential", "auth": {**NO_PASSWORD, **SECRET}},
        "POST",
        TOKENS,
    ),
    "token": ({"auth_type": "v3token", "auth": {**NO_PASSWORD, "token": "open sesame"}}, "POST", TOKENS),
    "v2": (
        {
            "auth_type": "v2password",
            "identity_api_version": "2",
            "auth": {
                **NO_PASSWORD,
                "auth_url": "{url}/v2.0",
                "username": "demo",
                "password": "open sesame",
                "tenant_name": "demo",
            },
        },
        "POST",
        "/v2.0/tokens",
    ),
    "OpenID Connect": (
        {"auth_type": "v3oidcpassword", "auth": {**OIDC, "access_token_endpoint": "{url}/token"}},
        "POST",
        "/token",
    ),
    "OpenID Connect's discovery": (
        {"auth_type": "v3oidcpassword", "auth": {**OIDC, "discovery_endpoint": "{url}/openid"}},
        "GET",
        "/openid",
    ),
}
"""An entry of clouds.yaml, and the request of its that is redirected."""


@pytest.fixture
async def elsewhere() -> AsyncIterator[Stage]:
    async with stages.performed() as other:
        yield other


def entry(stage: Stage, name: str) -> dict[str, Any]:
    options = ENTRIES[name][0]
    auth = {
        key: value.replace("{url}", stage.url) if isinstance(value, str) else value
        for key, value in options.get("auth", {}).items()
    }
    return {**options, "auth": auth}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", ENTRIES)
async def test_keystone_leads_nobody_away(
    stage: Stage, elsewhere: Stage, tmp_path: Path, name: str, status: int
) -> None:
    _, method, path = ENTRIES[name]
    stage.open.add(path)
    stage.on(method, path, Say(status=status, headers={"Location": f"{elsewhere.url}{path}"}))
    async with cloud_on(stage, tmp_path, **entry(stage, name)) as there:
        with pytest.raises(CloudUnauthorized, match=elsewhere.url) as refused:
            await there.identity()
    assert stage.count(method, path) == 1
    assert elsewhere.asked == []
    assert "auth_url" in refused.value.advice and "sesame" not in str(refused.value)


@pytest.mark.parametrize(
    "location", ["//{host}/v3/auth/tokens", "https://{host}/v3/auth/tokens", "http://[::1", "gopher://x/"]
)
async def test_wherever_else_it_points(stage: Stage, elsewhere: Stage, tmp_path: Path, location: str) -> None:
    target = location.replace("{host}", elsewhere.url.removeprefix("http://"))
    stage.on("POST", TOKENS, Say(status=307, headers={"Location": target}))
    async with cloud_on(stage, tmp_path) as there:
        with pytest.raises(EnamelError):
            await there.identity()
    assert elsewhere.asked == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("location", ["{url}/v3/auth/tokens", "/v3/auth/tokens", "../v3/auth/tokens"])
async def test_a_redirect_within_the_origin_is_followed(
    stage: Stage, tmp_path: Path, status: int, location: str
) -> None:
    stage.open.add("/old/v3/auth/tokens")
    target = location.replace("{url}", stage.url).replace("../", "/")
    stage.on("POST", "/old/v3/auth/tokens", Say(status=status, headers={"Location": target}))
    async with cloud_on(stage, tmp_path, auth={"auth_url": f"{stage.url}/old/v3"}) as there:
        assert (await there.identity()).user_name == "demo"


@pytest.mark.parametrize("status", STATUSES)
async def test_no_token_follows_a_service_away(
    stage: Stage, elsewhere: Stage, tmp_path: Path, status: int
) -> None:
    away = Say(status=status, headers={"Location": f"{elsewhere.url}/"})
    for method, path in (
        ("GET", "/network/v2.0/ports"),
        ("POST", "/compute/v2.1/os-keypairs"),
        ("GET", "/compute/v2.1/flavors/detail"),
    ):
        stage.on(method, path, away)
    async with cloud_on(stage, tmp_path) as there:
        with pytest.raises(EnamelError):
            await there.ports_marked("x")
        with pytest.raises(EnamelError):
            await there.create_keypair("me", public_key="ssh-ed25519 AAAA")
    assert elsewhere.asked == []


async def test_no_token_follows_the_question_for_versions_away(
    stage: Stage, elsewhere: Stage, tmp_path: Path
) -> None:
    stage.catalog = [(kind, "/nova" if kind == "compute" else path) for kind, path in stage.catalog]
    stage.on("GET", "/nova", Say(status=302, headers={"Location": f"{elsewhere.url}/nova"}))
    async with cloud_on(stage, tmp_path) as there:
        with pytest.raises(CloudUnauthorized):
            await there.keystone.ask_versions("compute")
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://keystone/v3", "http://keystone:80"),
        ("https://KEYSTONE:443/", "https://keystone:443"),
        ("https://[2001:db8::1]:5000/v3", "https://[2001:db8::1]:5000"),
        ("keystone", None),
        ("ftp://keystone/", None),
    ],
)
def test_the_origin_of_a_url(url: str, expected: str | None) -> None:
    assert origin.of(url) == expected
