"""What launches cost: exactly so many calls, so that nobody adds one without noticing."""

from collections import Counter
from typing import Any

import pytest

from enamel.sandbox import kernel
from enamel.service.tasks.submit import Preview
from tests.flows.test_launch import KEY, WEB, went_well
from tests.flows.test_networks import Lan
from tests.flows.world import World

AROUND = {"public_address": True, "keypair": {"name": "me", "public_key": KEY}, "allow": ["tcp/22"]}


PLAIN = {
    "compute /v2.1/flavors/detail",
    "compute /v2.1/limits",
    "image /v2/images",
    "network /v2.0/networks",
    "network /v2.0/quotas/{project_id}/details",
}
"""What is read for any launch on a cloud of which nothing is known, once."""
READS = {*PLAIN, "network /v2.0/routers"}
"""The same for one with a public address, without the ports that connect routers."""


@pytest.fixture
def settings() -> kernel.Settings:
    many = dict.fromkeys(("instances", "cores", "ram", "port", "floatingip"), 10**6)
    return kernel.Settings(boot_seconds=(0.2, 0.2), pace=0.03, guests=False, quotas=many)


def _equal(count: int) -> dict[str, Any]:
    return {**WEB, **AROUND, "count": count}


def _own(count: int) -> dict[str, Any]:
    defaults = {key: value for key, value in WEB.items() if key != "name"} | AROUND
    return {"defaults": defaults, "servers": [{"hostname": f"own-{number}-x"} for number in range(count)]}


@pytest.mark.parametrize(
    ("count", "body", "boots", "bulk_ports"),
    [
        (1, _equal(1), 1, 0),
        (10, _equal(10), 1, 0),
        (100, _equal(100), 1, 0),
        (10, _own(10), 10, 1),
        (100, _own(100), 100, 1),
    ],
    ids=["1", "10 equal", "100 equal", "10 with ports", "100 with ports"],
)
async def test_the_calls_of_a_launch(
    world: World, count: int, body: Any, boots: int, bulk_ports: int
) -> None:
    world.sandbox.cloud.calls.clear()
    went_well(await world.run(body))
    calls = Counter(world.sandbox.cloud.calls.counts)
    # Looks at what is being made depend on the time that it takes, not on how much is made.
    looks = sum(
        calls.pop(route, 0) for route in ("GET compute /v2.1/servers/detail", "GET network /v2.0/ports")
    )
    assert looks <= 40, world.sandbox.cloud.calls.counts
    writes = {
        "POST compute /v2.1/os-keypairs": 1,
        "POST compute /v2.1/servers": boots,
        "POST network /v2.0/floatingips": count,
        "POST network /v2.0/ports": bulk_ports,
        "POST network /v2.0/security-groups": 1,
        "POST network /v2.0/security-group-rules": 1,
    }
    assert {route: number for route, number in calls.items() if not route.startswith("GET")} == {
        route: number for route, number in writes.items() if number
    }
    # The group of the project that its other servers have is asked for, since the launch brings one of its own.
    reads = {*READS, "compute /v2.1/os-keypairs", *(["network /v2.0/security-groups"] * bulk_ports)}
    assert {route: number for route, number in calls.items() if route.startswith("GET")} == {
        f"GET {route}": 1 for route in reads
    }
    await world.check()


@pytest.mark.parametrize(
    ("more", "reads"),
    [
        ({}, PLAIN),
        ({"networks": "none"}, PLAIN - {"network /v2.0/quotas/{project_id}/details"}),
        ({"keypair": "me"}, PLAIN | {"compute /v2.1/os-keypairs"}),
        (AROUND, READS | {"compute /v2.1/os-keypairs", "network /v2.0/ports"}),
        (
            {"public_address": True, "networks": ["lonely", "private"]},
            READS | {"network /v2.0/ports", "network /v2.0/subnets"},
        ),
    ],
    ids=["nothing more", "no network", "a keypair", "a public address", "a network without a router"],
)
async def test_a_plan_asks_once_for_what_it_depends_on(
    world: World, more: dict[str, Any], reads: set[str]
) -> None:
    await Lan(world).network("lonely")
    calls = world.sandbox.cloud.calls
    calls.clear()
    body = {**WEB, "networks": ["private"], **more}
    preview = await world.services.submit.command(world.ctx, "server.create", body, dry_run=True)
    assert isinstance(preview, Preview)
    # The servers that have the name.
    expected = {*reads, "compute /v2.1/servers/detail"}
    assert calls.counts == {f"GET {route}": 1 for route in expected}


async def test_what_is_known_is_not_asked_again(world: World) -> None:
    went_well(await world.run(_equal(3)))
    world.sandbox.cloud.calls.clear()
    went_well(await world.run({**_equal(10), "name": "more", "keypair": "me"}))
    reads = {route for route in world.sandbox.cloud.calls.counts if route.startswith("GET")}
    assert not reads & {
        "GET image /v2/images",
        "GET compute /v2.1/flavors/detail",
        "GET network /v2.0/networks",
    }
    await world.check()
