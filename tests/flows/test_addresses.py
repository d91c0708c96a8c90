"""Addresses that outlive servers: got, attached, taken off and given back, as floating IPs and as ports."""

import pytest

from enamel.model import cloud, task
from enamel.model.cloud import AddressKind
from enamel.model.errors import EnamelError, Invalid, NotFound, WrongState
from enamel.service.resources import address
from tests.flows.after import After
from tests.flows.world import World

SMALL = {"name": "web", "template": "cirros", "type": "m1.small"}


async def reserve(world: World, **wish: str) -> str:
    made = await world.run(wish, command="address.create")
    assert made.state is task.State.COMPLETED, made.task.error
    return str(made.task.result.data["address_id"])


async def launch(world: World, **more: object) -> After:
    made = await world.run({**SMALL, **more})
    assert made.state is task.State.COMPLETED, made.task.error
    return made


async def there(world: World) -> dict[str, tuple[AddressKind, str]]:
    """Return of each address what it is and which server it leads to."""
    return {one.id: (one.kind, one.server_id) for one in await address.listed(world.cloud)}


@pytest.mark.parametrize(
    ("wish", "kind"),
    [({}, AddressKind.FLOATING), ({"from": "private"}, AddressKind.PORT)],
    ids=["floating", "port"],
)
async def test_an_address_outlives_the_servers_it_leads_to(
    world: World, wish: dict[str, str], kind: AddressKind
) -> None:
    id = await reserve(world, **wish)
    assert await there(world) == {id: (kind, "")}
    for _ in range(2):
        launched = await launch(world)
        server = launched.task.servers[0].id
        assert server
        attached = await world.run({"server": "web"}, command="address.attach", address=id)
        assert attached.state is task.State.COMPLETED, attached.task.error
        [entry] = attached.task.servers
        assert (entry.id, entry.state) == (server, "DONE")
        assert (entry.public_address is not None) == (kind is AddressKind.FLOATING)
        assert await there(world) == {id: (kind, server)}
        ended = await world.run(command="server.terminate", server=server)
        assert ended.state is task.State.COMPLETED, ended.task.error
        assert [one.state for one in ended.task.servers] == ["GONE"]
        assert await there(world) == {id: (kind, "")}
    gone = await world.run(command="address.delete", address=id)
    assert (gone.state, await there(world)) == (task.State.COMPLETED, {})
    await world.check(deleted=True)


@pytest.mark.parametrize("wish", [{}, {"from": "private"}], ids=["floating", "port"])
async def test_an_address_is_taken_off_and_kept(world: World, wish: dict[str, str]) -> None:
    id = await reserve(world, **wish)
    server = (await launch(world)).task.servers[0].id
    await world.run({"server": server}, command="address.attach", address=id)
    freed = await world.run(command="address.detach", address=id)
    assert freed.state is task.State.COMPLETED, freed.task.error
    assert [one for _, one in (await there(world)).values()] == [""]
    with pytest.raises(WrongState, match="no server"):
        await world.run(command="address.detach", address=id)
    await world.check()


@pytest.mark.parametrize("wish", [{}, {"from": "private"}], ids=["floating", "port"])
async def test_an_attachment_can_be_reverted(world: World, wish: dict[str, str]) -> None:
    id = await reserve(world, **wish)
    await launch(world)
    attached = await world.run({"server": "web"}, command="address.attach", address=id)
    undone = await world.revert(attached)
    assert undone.state is task.State.COMPLETED, undone.task.error
    assert [one for _, one in (await there(world)).values()] == [""]


@pytest.mark.parametrize("wish", [{}, {"from": "private"}], ids=["floating", "port"])
async def test_a_launch_takes_an_address_that_is_there_and_leaves_it(
    world: World, wish: dict[str, str]
) -> None:
    id = await reserve(world, **wish)
    shown = next(one for one in await address.listed(world.cloud) if one.id == id)
    launched = await launch(world, public_address={"address": shown.address})
    server = launched.task.servers[0].id
    assert [one for _, one in (await there(world)).values()] == [server]
    with pytest.raises(Invalid, match="in use"):
        await world.run({**SMALL, "name": "db", "public_address": {"address": id}})
    await world.revert(launched)
    assert [one for _, one in (await there(world)).values()] == [""]
    await world.check()


@pytest.mark.parametrize("wish", [{}, {"from": "private"}], ids=["floating", "port"])
async def test_a_lost_answer_does_not_make_two(world: World, wish: dict[str, str]) -> None:
    path = "/v2.0/ports" if wish else "/v2.0/floatingips"
    world.fault({"service": "network", "method": "POST", "path": path, "times": 1}, {"drop": "after"})
    id = await reserve(world, **wish)
    assert list(await there(world)) == [id]
    await world.check()


async def refused(world: World, command: str, body: object = None, **params: str) -> EnamelError:
    with pytest.raises(EnamelError) as found:
        await world.run(body, command=command, **params)
    return found.value


async def test_what_is_in_use_is_not_given_back(world: World) -> None:
    id = await reserve(world)
    await launch(world)
    await launch(world, name="db")
    await world.run({"server": "web"}, command="address.attach", address=id)
    for command, body in (("address.delete", None), ("address.attach", {"server": "db"})):
        error = await refused(world, command, body, address=id)
        assert isinstance(error, WrongState) and "etach it" in error.advice
    assert "already" in str(await refused(world, "address.attach", {"server": "web"}, address=id))
    other = await reserve(world)
    error = await refused(world, "address.attach", {"server": "web"}, address=other)
    assert isinstance(error, Invalid) and "public address already" in str(error)


async def test_what_was_attached_meanwhile_stays(world: World) -> None:
    id = await reserve(world)
    other = await reserve(world)
    server = (await launch(world)).task.servers[0].id
    assert server
    await world.stop()
    deleting = await world.accept(command="address.delete", address=id)
    attaching = await world.accept({"server": "web"}, command="address.attach", address=other)
    (port,) = await world.cloud.ports_of([server])
    (far,) = await world.cloud.create_ports(
        [cloud.PortSpec(network_id=port.network_id, name="far", mark="by hand")]
    )
    world.left.add(far.id)
    await world.cloud.move_address(id, port_id=port.id)
    await world.cloud.move_address(other, port_id=far.id)
    world.start()
    for one, word in ((deleting, "attached meanwhile"), (attaching, "something else meanwhile")):
        after = await world.end(one.id)
        assert after.state is task.State.ABORTED and after.task.error
        assert word in after.task.error.detail and after.task.error.remedy
    assert (await there(world))[id] == (AddressKind.FLOATING, server)
    assert (await world.cloud.address(other)).port_id == far.id
    await world.check()


async def test_what_does_not_fit_is_said(world: World) -> None:
    id = await reserve(world)
    nobody = "00000000-0000-4000-8000-000000000000"
    assert isinstance(await refused(world, "address.delete", address=nobody), NotFound)
    missing = await refused(world, "address.attach", {"server": "nobody"}, address=id)
    assert [one.pointer for one in missing.faults] == ["/server"]
    await launch(world, networks="none")
    alone = await refused(world, "address.attach", {"server": "web"}, address=id)
    assert [one.code for one in alone.faults] == ["not_routed"]
    assert "Attach it to one first" in str(alone)
    unknown = await refused(world, "address.create", {"from": "nowhere"})
    assert [one.pointer for one in unknown.faults] == ["/from"]


async def test_a_network_without_a_router_is_told_of(world: World) -> None:
    id = await reserve(world)
    made = await world.cloud._post("network", "/networks", body={"network": {"name": "island"}}, answer=dict)
    subnet = {"network_id": made["network"]["id"], "ip_version": 4, "cidr": "10.44.0.0/24"}
    await world.cloud._post("network", "/subnets", body={"subnet": subnet}, answer=dict)
    world.left.add(made["network"]["id"])
    await world.cloud.forget()
    await launch(world, networks=["island"])
    error = await refused(world, "address.attach", {"server": "web"}, address=id)
    assert [one.code for one in error.faults] == ["not_routed"]
    assert "no router connects network 'island' to 'public'" in str(error)
    await world.check()
