"""Existing resources that two tasks want at the same time: one gets them, the other is refused with the name of the task that has them."""

import asyncio
from ipaddress import ip_network
from typing import Any

import pytest

from enamel.model import errors, task
from enamel.service.tasks.submit import Preview
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import World


async def address_of(world: World) -> dict[str, Any]:
    made = await world.run({}, command="address.create")
    return {"public_address": {"address": made.cloud["address"][0]["floating_ip_address"]}}


async def port_of(world: World) -> dict[str, Any]:
    (network,) = [one for one in await world.cloud.networks() if not one.external]
    body = {"port": {"network_id": network.id, "name": "mine"}}
    await world.cloud._post("network", "/ports", body=body, answer=dict[str, Any])
    return {"networks": [{"port": "mine"}]}


async def volume_of(world: World) -> dict[str, Any]:
    made = await world.run({"name": "mine", "size_gb": 1}, command="volume.create")
    return {"volumes": [{"volume": made.cloud["volume"][0]["id"]}]}


async def fixed_address_of(world: World) -> dict[str, Any]:
    (network,) = [one for one in await world.cloud.networks() if not one.external]
    subnet = next(one for one in await world.cloud.subnets() if one.network_id == network.id)
    return {"networks": [{"network": network.name, "fixed_ip": str(ip_network(subnet.cidr)[77])}]}


THINGS = {"address": address_of, "port": port_of, "volume": volume_of, "fixed address": fixed_address_of}


@pytest.mark.parametrize("what", THINGS)
async def test_two_launches_want_the_same(world: World, what: str) -> None:
    body = {**WEB, **await THINGS[what](world)}
    await world.stop()
    first = await world.accept(body)
    with pytest.raises(errors.WrongState, match=f"reserved by task {first.id}") as refused:
        await world.accept({**body, "name": "other"})
    assert refused.value.data["task"] == first.id
    preview = await world.services.submit.command(
        world.ctx, "server.create", {**body, "name": "other"}, dry_run=True
    )
    assert isinstance(preview, Preview) and [fault.code for fault in preview.faults] == ["in_use"]
    await world.cancel(first.id)
    # What has ended reserves nothing.
    second = await world.accept({**body, "name": "other"})
    world.start()
    went_well(await world.end(second.id))


@pytest.mark.parametrize("what", THINGS)
async def test_of_many_launches_at_the_same_moment_one_gets_it(world: World, what: str) -> None:
    body = {**WEB, **await THINGS[what](world)}
    await world.stop()
    asked = [world.accept({**body, "name": f"web{number}"}) for number in range(6)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    accepted = [answer for answer in answers if isinstance(answer, task.Task)]
    refused = [answer for answer in answers if isinstance(answer, errors.WrongState)]
    assert (len(accepted), len(refused)) == (1, 5), answers
    assert {error.data["task"] for error in refused} == {accepted[0].id}
    world.start()
    went_well(await world.end(accepted[0].id))


async def two_servers(world: World) -> list[str]:
    made = [went_well(await world.run({**WEB, "name": name})) for name in ("one", "two")]
    return [after.task.result.made["server"][0].id for after in made]


@pytest.mark.parametrize("what", ["volume", "port"])
async def test_two_actions_want_the_same(world: World, what: str) -> None:
    servers = await two_servers(world)
    if what == "volume":
        action, field = "attach_block_device", {"volume": (await volume_of(world))["volumes"][0]["volume"]}
    else:
        await port_of(world)
        action, field = "attach_network_interface", {"port": "mine"}
    await world.stop()
    body = {"action": action.upper(), **field}
    first = await world.accept(body, command=f"server.{action}", server=servers[0])
    with pytest.raises(errors.WrongState, match=first.id):
        await world.accept(body, command=f"server.{action}", server=servers[1])
    launch = {"volumes": [field]} if what == "volume" else {"networks": [field]}
    with pytest.raises(errors.WrongState, match=first.id):
        await world.accept({**WEB, **launch})
    world.start()
    assert (await world.end(first.id)).state is task.State.COMPLETED


async def test_two_servers_want_the_same_address(world: World) -> None:
    servers = await two_servers(world)
    address = (await world.run({}, command="address.create")).cloud["address"][0]["id"]
    await world.stop()
    first = await world.accept({"server": servers[0]}, command="address.attach", address=address)
    for command, body in (("address.attach", {"server": servers[1]}), ("address.delete", None)):
        with pytest.raises(errors.WrongState, match=first.id):
            await world.accept(body, command=command, address=address)
    world.start()
    assert (await world.end(first.id)).state is task.State.COMPLETED


async def test_a_volume_that_several_may_have_is_reserved_by_none(world: World) -> None:
    made = await world.run({"name": "mine", "size_gb": 1, "type": "multiattach"}, command="volume.create")
    body = {**WEB, "volumes": [{"volume": made.cloud["volume"][0]["id"]}]}
    await world.stop()
    first = await world.accept({**body, "name": "one"})
    second = await world.accept({**body, "name": "two"})
    await world.cancel(second.id)
    world.start()
    went_well(await world.end(first.id))


async def test_an_address_that_somebody_else_moves_at_the_same_time(world: World) -> None:
    """Neutron moves it silently, so whoever moved it first looks again."""
    await two_servers(world)
    wanted = (await address_of(world))["public_address"]["address"]
    (address,) = [one for one in await world.cloud.addresses_list() if one.address == wanted]
    port = next(iter(await world.cloud.ports_list())).id
    # The second look waits, and another tool moves the address meanwhile.
    look = {"method": "GET", "path": "/v2.0/floatingips/{id}", "after": 1, "times": 1}
    world.fault(look, {"latency": 0.5})
    accepted = await world.accept({**WEB, "public_address": {"address": wanted}})
    await world.struck()
    await world.cloud.move_address(address.id, port_id=port)
    after = await world.end(accepted.id)
    assert after.state is task.State.ABORTED and after.task.error is not None
    assert "attached to something else" in after.task.error.detail
    assert (await world.cloud.address(address.id)).port_id == port, "the address stays with the other one"
