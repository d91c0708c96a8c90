"""Ports, groups and networks."""

from ipaddress import ip_address, ip_network

import pytest

from enamel.clouds.calls import record
from enamel.clouds.capability import Capability
from enamel.model import cloud
from enamel.model.errors import CloudConflict, CloudError, Gone
from tests.contract.driver.conftest import World


async def test_ports_come_in_the_order_of_the_wants(world: World) -> None:
    await world.needs(Capability.PORTS)
    inside = await world.inside()
    subnet = next(
        one for one in await world.cloud.subnets() if one.network_id == inside and one.ip_version == 4
    )
    wanted = str(ip_network(subnet.cidr)[-20])
    wants = [
        cloud.PortSpec(
            network_id=inside, name=world.name(f"p{n}"), mark=world.mark("ports"), security_groups=()
        )
        for n in (3, 1, 2)
    ]
    wants.append(
        cloud.PortSpec(
            network_id=inside, name=world.name("fixed"), mark=world.mark("ports"), fixed_address=wanted
        )
    )
    with record.calls() as calls:
        made = await world.cloud.create_ports(wants)
    for port in made:
        world.later(lambda id=port.id: world.cloud.delete_port(id))  # type: ignore[misc]
    assert len(calls) == 1
    assert [port.name for port in made] == [want.name for want in wants]
    assert made[3].addresses == (wanted,)
    assert made[0].security_groups == () and made[3].security_groups != ()
    assert all(ip_address(port.addresses[0]) in ip_network(subnet.cidr) for port in made)


async def test_of_several_ports_all_are_made_or_none(world: World) -> None:
    await world.needs(Capability.PORTS)
    inside = await world.inside()
    good = cloud.PortSpec(network_id=inside, name=world.name("good"), mark=world.mark("half"))
    bad = cloud.PortSpec(network_id=world.kind.nobody, name=world.name("bad"), mark=world.mark("half"))
    with pytest.raises(CloudError):
        await world.cloud.create_ports([good, bad])
    assert await world.cloud.ports_marked(world.mark("half")) == []


async def test_an_address_that_is_taken_is_a_conflict(world: World) -> None:
    await world.needs(Capability.PORTS)
    port = await world.port()
    again = cloud.PortSpec(
        network_id=port.network_id,
        name=world.name("again"),
        mark=world.mark("again"),
        fixed_address=port.addresses[0],
    )
    with pytest.raises(CloudConflict) as caught:
        await world.cloud.create_ports([again])
    assert caught.value.data["reason"] == "address_in_use"


async def test_an_address_moves_from_port_to_port(world: World) -> None:
    await world.needs(Capability.PORTS, Capability.FLOATING_IP)
    there = world.cloud
    made = await there.create_address(network_id=await world.outside(), mark=world.mark("address"))
    world.later(lambda: there.delete_address(made.id))
    assert made.created is not None and not made.used and made.kind is cloud.AddressKind.FLOATING
    one, other = await world.port("one"), await world.port("other")
    moved = await there.move_address(made.id, port_id=one.id, fixed_address=one.addresses[0])
    assert (moved.port_id, moved.fixed_address) == (one.id, one.addresses[0])
    assert [found.id for found in await there.addresses_of([one.id])] == [made.id]
    await there.move_address(made.id, port_id=other.id)
    assert (await there.address(made.id)).port_id == other.id
    assert not (await there.move_address(made.id, port_id=None)).used
    listed = {port.id: port for port in await there.ports_list()}
    assert {one.id, other.id} <= listed.keys() and listed[one.id].created == one.created
    assert (listed[one.id].mark, listed[one.id].owner) == (world.mark("one"), "")
    await there.delete_address(made.id)
    with pytest.raises(Gone):
        await there.address(made.id)


async def test_rules_that_are_there_already_are_not_a_fault(world: World) -> None:
    await world.needs(Capability.SECURITY_GROUPS)
    there = world.cloud
    group = await there.create_security_group(world.name("group"), mark=world.mark("group"))
    world.later(lambda: there.delete_security_group(group.id))
    ssh = cloud.Rule(protocol="tcp", port_min=22, port_max=22)
    web = cloud.Rule(protocol="tcp", port_min=80, port_max=443, source="10.0.0.0/8")
    ping = cloud.Rule(protocol="icmp")
    own = cloud.Rule(protocol="udp", port_min=53, group_id=group.id)
    six = cloud.Rule(protocol="tcp", port_min=22, port_max=22, ip_version=6)
    await there.add_rules(group.id, [ssh, ssh, web])
    with record.calls() as calls:
        await there.add_rules(group.id, [ssh, web, ping, own, six])
    assert len(calls) == 3
    await there.add_rules(group.id, [six, own])
    await there.add_rules(group.id, [])
    assert [one.id for one in await there.security_groups_marked(world.mark("group"))] == [group.id]
    assert group.id in {one.id for one in await there.security_groups()}


async def test_a_network_with_a_way_out(world: World) -> None:
    await world.needs(Capability.NETWORK_CREATION, Capability.PORTS, Capability.FLOATING_IP)
    there = world.cloud
    network = await there.create_network(world.name("net"), mark=world.mark("net"))
    world.later(lambda: there._take_down(world.mark("net")))  # type: ignore[attr-defined]
    assert network.id in {one.id for one in await there.networks()}
    assert set(network.subnets) <= {one.id for one in await there.subnets()}
    want = cloud.PortSpec(network_id=network.id, name=world.name("p"), mark=world.mark("p"))
    (port,) = await there.create_ports([want])
    world.later(lambda: there.delete_port(port.id))
    address = await there.create_address(
        network_id=await world.outside(), mark=world.mark("a"), port_id=port.id
    )
    world.later(lambda: there.delete_address(address.id))
    assert address.fixed_address == port.addresses[0]
