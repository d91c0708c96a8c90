"""Steps that serve several servers: the failure of one shows in its entry alone."""

from typing import Any

import pytest

from enamel.model import cloud, errors, task
from tests.flows.after import After
from tests.flows.test_cloud_faults import RICH
from tests.flows.test_launch import went_well
from tests.flows.world import World

THREE = ("web-1", "web-2", "web-3")


def body(*addresses: str | None, **more: Any) -> dict[str, Any]:
    """Return a launch of servers, each with an interface of its own."""
    servers = [
        {"hostname": name, "networks": [{"network": "private", **({"fixed_ip": address} if address else {})}]}
        for name, address in zip(THREE, addresses, strict=True)
    ]
    return {
        "defaults": {"template": "cirros", "type": "m1.small", "public_address": True},
        "servers": servers,
        **more,
    }


def shown(after: After) -> list[tuple[str, str, bool]]:
    return [(entry.hostname, entry.state, entry.error is not None) for entry in after.task.servers]


REFUSED = {"service": "network", "method": "POST", "path": "/v2.0/ports", "body": '"name":"web-2"'}
REFUSALS = {
    "address taken": {
        "status": 409,
        "body": {
            "NeutronError": {
                "type": "IpAddressAlreadyAllocated",
                "message": "IP address 10.0.0.9 already allocated in subnet 7.",
                "detail": "",
            }
        },
    },
    "bad address": {"status": 400},
    "not allowed": {"status": 403},
    "network gone": {"status": 404},
}
"""What Neutron says of a bulk request for the sake of one of its ports."""


@pytest.mark.parametrize("why", REFUSALS)
async def test_one_servers_port_fails_that_server_alone(world: World, why: str) -> None:
    world.fault(REFUSED, REFUSALS[why])
    after = await world.run(body(None, None, None))
    assert after.state is task.State.ABORTED
    assert after.task.error is not None and after.task.error.code == errors.PartlyDone.code
    assert shown(after) == [("web-1", "READY", False), ("web-2", "FAILED", True), ("web-3", "READY", False)]
    assert after.task.error.left == ()
    assert after.count() == {"server": 2, "port": 2, "address": 2}
    await world.check()
    world.sandbox.faults.clear()
    again = went_well(await world.restart(after))
    assert again.count() == {"server": 3, "port": 3, "address": 3}
    await world.check()
    assert (await world.revert(again)).count() == {}
    await world.check()


async def test_all_or_nothing_takes_the_siblings_along(world: World) -> None:
    world.fault(REFUSED, REFUSALS["address taken"])
    after = await world.run(body(None, None, None, all_or_nothing=True))
    assert after.state is task.State.ABORTED
    assert after.count() == {}
    assert all(state != "WAITING" or error for _, state, error in shown(after))
    await world.check()


async def test_no_port_can_be_made(world: World) -> None:
    world.fault({**REFUSED, "body": ""}, REFUSALS["bad address"])
    after = await world.run(body(None, None, None))
    assert after.state is task.State.ABORTED and after.count() == {}
    assert shown(after) == [(name, "FAILED", True) for name in THREE]
    await world.check()


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v2.1/os-keypairs", "compute"),
        ("/v2.1/os-server-groups", "compute"),
        ("/v2.0/security-groups", "network"),
        ("/v2.1/servers", "compute"),
    ],
)
async def test_what_all_need_fails_all_with_its_error(world: World, path: str, service: str) -> None:
    world.fault({"service": service, "method": "POST", "path": path}, {"status": 400})
    after = await world.run({**RICH, "volumes": []})
    assert after.state is task.State.ABORTED and after.count() == {}
    assert all((state != "WAITING" and error) or state == "REVERTED" for _, state, error in shown(after))
    await world.check()


@pytest.mark.parametrize("kill", [False, True], ids=["at once", "by another worker"])
async def test_an_address_that_is_taken_meanwhile(world: World, kill: bool) -> None:
    await world.stop()
    accepted = await world.accept(body(None, "10.0.0.77", None))
    network = next(net for net in await world.cloud.networks() if net.name == "private")
    [port] = await world.cloud.create_ports(
        [cloud.PortSpec(network_id=network.id, name="thief", mark="", fixed_address="10.0.0.77")]
    )
    world.mine()
    world.start()
    if kill:
        await world.until(accepted.id, "item.completed", item="port-create")
        await world.crash()
    after = await world.end(accepted.id)
    assert shown(after) == [("web-1", "READY", False), ("web-2", "FAILED", True), ("web-3", "READY", False)]
    assert after.task.servers[1].error is not None and "10.0.0.77" in after.task.servers[1].error.detail
    assert port.addresses == ("10.0.0.77",)
    await world.check()
