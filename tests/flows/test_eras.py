"""The core of the flows on clouds of other years: the same launches, with what each year's cloud can do."""

from typing import Any

import msgspec
import pytest

from enamel.clouds.capability import Capability
from enamel.model import errors, task
from enamel.sandbox import era, kernel
from tests.flows.after import After
from tests.flows.test_failure import failed
from tests.flows.test_launch import KEY, WEB, went_well, without_network
from tests.flows.world import QUICK, World

BEFORE = [name for name in era.ERAS if name != era.TODAY.name]
NEUTRON = [name for name in BEFORE if not era.ERAS[name].nova_network]
RICH: dict[str, Any] = {
    **WEB,
    "public_address": True,
    "volumes": [{"size_gb": 1}],
    "allow": ["tcp/22", "icmp"],
    "keypair": {"name": "me", "public_key": KEY},
    "tags": ["blue", "prod"],
}


@pytest.fixture(params=["2012", "2015"])
def year(request: pytest.FixtureRequest) -> str:
    """The years of which nearly everything differs; those since are much alike, and run what tells them apart."""
    return str(request.param)


@pytest.fixture
def settings(year: str) -> kernel.Settings:
    return msgspec.structs.replace(QUICK, era=year)


def made(world: World, **counts: int) -> dict[str, int]:
    """Return what is to be there; clouds without Neutron show no ports."""
    if world.sandbox.cloud.era.nova_network:
        counts.pop("port", None)
    return counts


@pytest.mark.parametrize("year", BEFORE)
async def test_a_launch_with_everything_and_its_revert(world: World) -> None:
    after = went_well(await world.run(RICH))
    assert after.count() == made(world, server=1, port=1, address=1, volume=1, security_group=1, keypair=1)
    (entry,) = after.task.servers
    assert entry.public_address == after.cloud["address"][0]["floating_ip_address"]
    assert entry.fixed_addresses
    assert [row["status"] for row in after.cloud["volume"]] == ["in-use"]
    (server,) = await world.cloud.servers_list()
    assert server.tags == ("blue", "prod") and server.flavor_name == "m1.small" and server.memory_mb == 2048
    await world.check()
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_equal_servers_with_addresses(world: World) -> None:
    after = went_well(await world.run({**WEB, "count": 3, "public_address": True}))
    assert after.count() == made(world, server=3, port=3, address=3)
    assert {row["name"] for row in after.cloud["server"]} == {"web-1", "web-2", "web-3"}
    assert len({entry.public_address for entry in after.task.servers}) == 3
    await world.check()


async def test_servers_that_differ_with_volumes(world: World) -> None:
    body = {
        "defaults": {"template": "cirros", "type": "m1.tiny", "volumes": [{"size_gb": 1}]},
        "servers": [{"hostname": "small"}, {"hostname": "medium", "type": "m1.medium"}],
    }
    after = went_well(await world.run(body))
    assert after.count() == made(world, server=2, port=2, volume=2)
    assert all(len(row["volumes"]) == 1 for row in after.cloud["server"])
    await world.check()


async def test_a_server_on_a_volume_of_its_own(world: World) -> None:
    after = went_well(await world.run({**WEB, "boot_volume": {"size_gb": 5}}))
    assert after.count() == made(world, server=1, port=1, volume=1)
    assert after.cloud["server"][0]["volumes"] == [after.cloud["volume"][0]["id"]]
    await world.check()


async def test_servers_that_stand_apart(world: World) -> None:
    after = went_well(await world.run({**WEB, "count": 3, "spread": True}))
    hosts = {world.sandbox.cloud.compute.servers[row["id"]].host for row in after.cloud["server"]}
    soft = Capability.SOFT_AFFINITY in await world.cloud.capabilities()
    assert len(hosts) >= (2 if soft else 3)
    assert (await world.revert(after)).count() == {}
    await world.check()


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    "what",
    [
        {"path": ".*/ports$"},
        {"path": ".*(/floatingips|/os-floating-ips)$"},
        {"path": ".*/volumes$"},
        {"path": ".*/servers$"},
        {"path": ".*(/security-groups|/os-security-groups)$"},
    ],
    ids=["ports", "addresses", "volumes", "servers", "groups"],
)
async def test_a_lost_answer_doubles_nothing(world: World, what: dict[str, str]) -> None:
    world.fault({"method": "POST", "times": 1, **what}, {"drop": "after"})
    after = went_well(await world.run({**RICH, "count": 2}))
    expected = made(world, server=2, port=2, address=2, volume=2, security_group=1, keypair=1)
    assert after.count() == expected
    await world.check()


async def test_what_fails_leaves_nothing(world: World) -> None:
    world.fault({"kind": "server"}, {"error": "It broke."})
    after = failed(await world.run(RICH), errors.ServerFailed.code)
    assert after.count() == {}
    await world.check()


async def test_a_terminated_server_takes_along_what_was_made_for_it(world: World) -> None:
    launched: After = went_well(await world.run(RICH))
    (entry,) = launched.task.servers
    after = await world.run(command="server.terminate", server=entry.id)
    assert after.state is task.State.COMPLETED, after.task.error
    assert after.count() == {"keypair": 1}
    await world.check(deleted=True)


@pytest.mark.parametrize("year", NEUTRON)
async def test_a_project_without_a_network_gets_one(world: World) -> None:
    await without_network(world)
    await world.cloud.forget()
    after = went_well(await world.run({**WEB, "public_address": True}))
    assert after.count() == {"server": 1, "port": 1, "address": 1, "network": 1}
    offered = "auto-allocated-topology" not in world.sandbox.cloud.era.without
    assert after.cloud["network"][0]["name"] == ("auto_allocated_network" if offered else "enamel")
    assert bool(after.item("network-auto").note) is not offered
    await world.check()


async def test_a_server_without_a_network_where_that_cannot_be(world: World) -> None:
    if (world.sandbox.cloud.era.compute or ((2, 0), (2, 0)))[1] >= (2, 37):
        after = went_well(await world.run({**WEB, "networks": "none"}))
        assert after.count() == {"server": 1}
        return
    with pytest.raises(errors.Invalid) as refused:
        await world.accept({**WEB, "networks": "none"})
    assert [fault.pointer for fault in refused.value.faults] == ["/networks"]


@pytest.mark.parametrize("year", ["2012"])
async def test_what_leads_to_servers_tells_their_groups(world: World) -> None:
    after = went_well(await world.run({**RICH, "keypair": None}))
    (group,) = (one for one in await world.cloud.security_groups() if one.name != "default")
    (there,) = await world.cloud.ports_list()
    assert there.server_id == after.cloud["server"][0]["id"] and group.id in there.security_groups
    (address,) = await world.cloud.addresses_of([there.id])
    moved = await world.cloud.move_address(address.id, port_id=None)
    assert moved.port_id is None and await world.cloud.addresses_of([there.id]) == []
    await world.cloud.move_address(address.id, port_id=there.id)
    assert [one.address for one in await world.cloud.addresses_of([there.id])] == [address.address]
    await world.check()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("step", ["server-boot-web", "volume-create-web", "security_group-create"])
async def test_a_worker_that_dies_doubles_nothing(world: World, step: str) -> None:
    accepted = await world.accept(RICH)
    await world.until(accepted.id, "item.started", item=step)
    await world.crash()
    after = went_well(await world.end(accepted.id))
    assert after.count() == made(world, server=1, port=1, address=1, volume=1, security_group=1, keypair=1)
    await world.check()
