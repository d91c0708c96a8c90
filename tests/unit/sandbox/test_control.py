"""The control routes, and the sandbox as a server."""

import asyncio
import random
import re

import pytest

from enamel.sandbox import app, kernel, serve

SERVERS = "/compute/v2.1/servers"


async def test_calls_are_counted_by_route(client):
    await client.call("DELETE", "/sandbox/calls")
    await client.call("GET", f"{SERVERS}/nope")
    await client.call("GET", f"{SERVERS}/other?x=1")
    await client.call("GET", "/compute/nowhere")
    seen = (await client.call("GET", "/sandbox/calls")).body
    assert seen["counts"] == {"GET compute /v2.1/servers/{id}": 2, "GET compute ?": 1}
    assert seen["total"] == 3
    line = seen["log"][1]
    assert (line["path"], line["query"], line["status"]) == ("/v2.1/servers/other", [["x", "1"]], 404)
    assert line["request_id"].startswith("req-")


async def test_expired_tokens_are_refused(client):
    assert (await client.call("GET", SERVERS)).status == 200
    assert (await client.call("POST", "/sandbox/expire-tokens")).body == {"expired": 1}
    assert (await client.call("GET", SERVERS)).status == 401
    await client.login()
    assert (await client.call("GET", SERVERS)).status == 200


async def test_tokens_expire_by_themselves(client):
    await client.call("POST", "/sandbox/settings", {"token_ttl": 0})
    await client.login()
    assert (await client.call("GET", SERVERS)).status == 401


async def test_settings_change_while_it_runs(client):
    changed = await client.call("POST", "/sandbox/settings", {"quotas": {"instances": 1}})
    assert changed.body["quotas"] == {"instances": 1}
    await client.boot()
    with pytest.raises(
        AssertionError, match="Quota exceeded for instances: Requested 1, but already used 1 of 1"
    ):
        await client.boot()


async def test_settings_that_make_no_sense(client):
    answer = await client.call("POST", "/sandbox/settings", {"boot": 1})
    assert answer.status == 400
    assert "boot" in answer.body["error"]


async def test_state_tells_what_exists_for_a_project(client):
    server = await client.boot()
    state = (await client.call("GET", "/sandbox/state?project=demo")).body
    assert [row["id"] for row in state["servers"]] == [server]
    assert {
        "servers",
        "keypairs",
        "ports",
        "floatingips",
        "volumes",
        "networks",
        "security_groups",
        "images",
    } <= set(state)
    other = (await client.call("GET", "/sandbox/state?project=other")).body
    assert other["servers"] == []
    assert (await client.call("GET", "/sandbox/state?project=x")).status == 404


async def test_the_root_lists_the_services(client):
    services = (await client.call("GET", "/")).body["services"]
    assert {"identity", "compute", "network", "image", "volume", "key-manager", "sandbox"} <= set(services)
    assert (await client.call("GET", "/nowhere/at/all")).status == 404


async def test_the_same_seed_makes_the_same_cloud():
    async def ids():
        async with serve.running(kernel.Settings(seed=7)) as sandbox:
            return list(sandbox.cloud.compute.flavors), list(sandbox.cloud.identity.projects)

    assert await ids() == await ids()


async def test_no_sandbox_for_the_world():
    with pytest.raises(ValueError, match="loopback only"):
        async with serve.running(kernel.Settings(host="0.0.0.0")):
            pass


async def test_a_port_in_use_is_an_error(sandbox):
    port = int(sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        async with serve.running(kernel.Settings(port=port)):
            pass


def test_in_a_thread_for_callers_that_block():
    with serve.in_thread(kernel.Settings(guests=False)) as sandbox:
        assert sandbox.url in sandbox.clouds_yaml()


JUNK = [
    None,
    [],
    1,
    "x",
    {"server": None},
    {"server": []},
    {"server": {}},
    {"server": {"name": None}},
    {"nonsense": {}},
]


async def test_bad_bodies_never_break_the_sandbox(client):
    server = await client.boot()
    dice = random.Random(3)
    for service in app.SERVICES[1:]:
        for route in service.routes:
            if route.method not in ("POST", "PUT", "PATCH"):
                continue
            path = service.prefix + re.sub(r"{\w+}", server, route.template)
            for body in dice.sample(JUNK, 4):
                answer = await client.call(route.method, path, body)
                assert answer.status < 500, (route.method, path, body, answer)
    keys = [
        "networks",
        "metadata",
        "block_device_mapping_v2",
        "security_groups",
        "min_count",
        "imageRef",
        "tags",
        "key_name",
    ]
    for key in keys:
        for value in (None, 5, -1, "", "x", [], [1], [{}], {"a": 1}, True, 1e300):
            wish = {"name": "x", "flavorRef": "1", "networks": "none", key: value}
            answer = await client.call("POST", SERVERS, {"server": wish})
            assert 400 <= answer.status < 500, (key, value, answer)
    await asyncio.sleep(0)
