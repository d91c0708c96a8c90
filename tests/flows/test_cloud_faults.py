"""Launches on a cloud that loses, garbles, delays and refuses: each effect once, or none at all."""

from typing import Any

import pytest

from enamel.model import task
from tests.flows.test_launch import KEY, WEB, went_well, without_network
from tests.flows.world import World

RICH: dict[str, Any] = {
    **WEB,
    "count": 2,
    "public_address": True,
    "keypair": {"name": "me", "public_key": KEY},
    "allow": ["tcp/22"],
    "volumes": [{"size_gb": 1}],
    "spread": True,
}
"""A launch with a bit of everything, its ports first."""
EQUAL: dict[str, Any] = {**WEB, "count": 3, "public_address": True}
"""Servers that are booted with one request."""
WHOLE = {
    "server": 2,
    "port": 2,
    "address": 2,
    "volume": 2,
    "keypair": 1,
    "security_group": 1,
    "server_group": 1,
}
WRITES = [
    ("compute", "/v2.1/os-keypairs"),
    ("compute", "/v2.1/os-server-groups"),
    ("compute", "/v2.1/servers"),
    ("network", "/v2.0/security-groups"),
    ("network", "/v2.0/security-group-rules"),
    ("network", "/v2.0/ports"),
    ("network", "/v2.0/floatingips"),
    ("volume", "/v3/volumes"),
]
"""The calls with which a rich launch makes things."""
ONCE: dict[str, dict[str, Any]] = {
    "dropped before": {"drop": "before"},
    "dropped after": {"drop": "after"},
    "500 before": {"status": 500},
    "500 after": {"status": 500, "effect": True},
    "504 page after": {"status": 504, "html": True, "effect": True},
    "a page instead of an answer": {"status": 200, "html": True, "effect": True},
    "truncated": {"truncate": 7},
    "no JSON": {"status": 200, "body": "{'no': json", "effect": True},
    "another shape": {"status": 200, "body": {"what": ["is", "this"]}, "effect": True},
    "nothing": {"status": 200, "body": "", "effect": True},
    "503": {"status": 503},
    "429": {"status": 429, "headers": {"Retry-After": "0"}},
    "429 with a date": {"status": 429, "headers": {"Retry-After": "date:+1"}},
}
"""What a call may come to grief on once, without harm."""


async def test_the_table_of_writes_is_complete(world: World) -> None:
    went_well(await world.run(RICH))
    made = {key.removeprefix("POST ") for key in world.sandbox.cloud.calls.counts if key.startswith("POST ")}
    assert {one for one in made if not one.startswith("identity")} == {" ".join(one) for one in WRITES}
    await world.check()


@pytest.mark.sampled(6)
@pytest.mark.parametrize("fault", ["dropped before", "dropped after", "500 after"])
@pytest.mark.parametrize(("service", "path"), WRITES, ids=[path.split("/")[-1] for _, path in WRITES])
async def test_each_effect_is_there_once(world: World, service: str, path: str, fault: str) -> None:
    world.fault({"service": service, "method": "POST", "path": path, "times": 1}, ONCE[fault])
    after = went_well(await world.run(RICH))
    assert after.count() == WHOLE
    await world.check()


@pytest.mark.sampled(4)
@pytest.mark.parametrize("fault", ONCE)
async def test_every_first_write_fails(world: World, fault: str) -> None:
    for service, path in WRITES:
        world.fault({"service": service, "method": "POST", "path": path, "times": 1}, ONCE[fault])
    after = went_well(await world.run(RICH))
    assert after.count() == WHOLE
    await world.check()


@pytest.mark.sampled(4)
@pytest.mark.parametrize("fault", ONCE)
async def test_equal_servers_are_booted_once(world: World, fault: str) -> None:
    for service, path in WRITES:
        world.fault({"service": service, "method": "POST", "path": path, "times": 1}, ONCE[fault])
    after = went_well(await world.run(EQUAL))
    assert after.count() == {"server": 3, "port": 3, "address": 3}
    await world.check()


@pytest.mark.sampled(4)
@pytest.mark.parametrize("fault", ONCE)
async def test_every_read_fails_now_and_then(world: World, fault: str) -> None:
    accepted = await world.accept(RICH)
    world.fault({"method": "GET", "probability": 0.3}, ONCE[fault])
    after = went_well(await world.end(accepted.id))
    world.sandbox.faults.clear()
    assert after.count() == WHOLE
    await world.check()


@pytest.mark.parametrize("fault", ["dropped before", "dropped after", "500 after", "truncated", "503"])
async def test_a_revert_gets_through_all_of_it(world: World, fault: str) -> None:
    after = went_well(await world.run(RICH))
    for method in ("DELETE", "POST", "GET"):
        world.fault({"method": method, "probability": 0.4}, ONCE[fault])
    back = await world.revert(after)
    world.sandbox.faults.clear()
    assert back.state is task.State.COMPLETED, back.task.error
    assert back.count() == {}
    await world.check()


REFUSALS: dict[str, dict[str, Any]] = {
    "400": {"status": 400},
    "409": {"status": 409},
    "500 for ever": {"status": 500},
    "500 for ever though it works": {"status": 500, "effect": True},
    "a page for ever": {"status": 200, "html": True},
}


@pytest.mark.sampled(8)
@pytest.mark.parametrize("fault", REFUSALS)
@pytest.mark.parametrize(("service", "path"), WRITES, ids=[path.split("/")[-1] for _, path in WRITES])
async def test_what_cannot_be_made_leaves_nothing(world: World, service: str, path: str, fault: str) -> None:
    world.fault({"service": service, "method": "POST", "path": path}, REFUSALS[fault])
    after = await world.run(RICH)
    world.sandbox.faults.clear()
    found = "though it works" in fault and not path.endswith("rules")
    if found or (path.endswith("rules") and "page" in fault):
        # What is found needs no answer, and nobody reads the one about the rules.
        assert after.state is task.State.COMPLETED and after.count() == WHOLE
    else:
        assert after.state is task.State.ABORTED
        assert after.task.error is not None and after.task.error.left == ()
        assert after.count() == {}
    await world.check()


@pytest.mark.sampled(4)
@pytest.mark.parametrize("fault", ["dropped before", "dropped after", "500 after"])
@pytest.mark.parametrize("path", ["/v2.0/networks", "/v2.0/subnets", "/v2.0/routers"])
async def test_a_network_is_made_once(world: World, path: str, fault: str) -> None:
    await without_network(world)
    world.fault({"service": "network", "path": "/v2.0/extensions"}, {"body": {"extensions": []}})
    world.fault({"service": "network", "method": "POST", "path": path, "times": 1}, ONCE[fault])
    after = went_well(await world.run(WEB))
    assert after.count() == {"server": 1, "port": 1, "network": 1}
    assert len(after.cloud["network"][0]["subnets"]) == 1
    await world.check()
