"""Servers from their boot to their end."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from enamel.clouds.capability import Capability
from enamel.model import cloud, states
from enamel.model.errors import CapabilityMissing, CloudConflict, CloudRefused, Gone, NoValidHost
from tests.contract.driver.conftest import SOON, World


async def test_a_server_comes_and_goes(world: World) -> None:
    there = world.cloud
    (id,) = await world.boot(properties={"color": "red"})
    assert [one.id for one in await there.servers_marked(world.mark("boot"))] == [id]
    server = await world.active(id)
    assert (server.id, server.name, server.mark) == (id, world.name("server"), world.mark("boot"))
    assert server.metadata["color"] == "red" and server.activity is None
    assert server.flavor_id == await world.flavor()
    assert server.created is not None and server.created.utcoffset() == timedelta(0)
    assert [one.id for one in await there.servers_named([server.name, "nobody"])] == [id]
    assert id in {one.id for one in await there.servers_list()}
    assert (await there.server_seen(id)).id == (await there.server(id)).id == id
    assert await there.why_failed(id) is None
    await world.gone(id)
    with pytest.raises(Gone):
        await there.server(id)


async def test_a_server_is_never_seen_as_deleted(world: World) -> None:
    there = world.cloud
    (id,) = await world.boot()
    await world.active(id)
    await there.delete_server(id, force=True)
    seen = set()
    with contextlib.suppress(Gone):
        while True:
            seen.add((await there.server(id)).state)
            await asyncio.sleep(0.002)
    assert states.ServerState.DELETED not in seen


async def test_a_server_with_a_port_and_an_address(world: World) -> None:
    await world.needs(
        Capability.PORTS, Capability.FLOATING_IP, Capability.SERVER_TAGS, Capability.CONSOLE_LOG
    )
    there, port = world.cloud, await world.port()
    address = await there.create_address(
        network_id=await world.outside(), mark=world.mark("address"), port_id=port.id
    )
    world.later(lambda: there.delete_address(address.id))
    (id,) = await world.boot(
        networks=(cloud.NetworkPort(port_id=port.id),), properties={"color": "red"}, tags=("enamel-test",)
    )
    server = await world.active(id)
    assert (server.name, server.mark) == (world.name("server"), world.mark("boot"))
    assert server.fixed_addresses == port.addresses
    assert server.metadata["color"] == "red" and server.tags == ("enamel-test",)
    assert server.flavor_id == await world.flavor()
    assert server.created is not None and server.created.utcoffset() == timedelta(0)
    assert [one.id for one in await there.servers_marked(server.mark)] == [id]
    assert [one.id for one in await there.servers_named([server.name, "nobody"])] == [id]
    assert id in {one.id for one in await there.servers_list()}
    assert [one.id for one in await there.ports_of([id])] == [port.id]
    assert [one.id for one in await there.ports_marked(world.mark("port"))] == [port.id]
    assert [one.id for one in await there.addresses_of([port.id])] == [address.id]
    assert [one.id for one in await there.addresses_marked(world.mark("address"))] == [address.id]
    assert (await there.move_address(address.id, port_id=None)).port_id is None
    assert (await there.move_address(address.id, port_id=port.id)).port_id == port.id
    assert isinstance(await there.console_log(id, lines=20), str)
    assert await there.why_failed(id) is None


async def test_equal_servers_come_from_one_request_and_have_ports_before_they_are_active(
    world: World,
) -> None:
    await world.needs(Capability.MULTI_CREATE, Capability.NETWORK)
    there = world.cloud
    ids = await world.boot(count=3, networks=(cloud.NetworkPort(network_id=await world.inside()),))
    ports = await asyncio.gather(*(there.ports.until(id, bool, due=timedelta(seconds=0.5)) for id in ids))
    assert all(
        found and found[0].server_id == id and found[0].addresses
        for found, id in zip(ports, ids, strict=True)
    )
    servers = await asyncio.gather(*(world.active(id) for id in ids))
    assert [one.name for one in servers] == [f"{world.name('server')}-{n}" for n in (1, 2, 3)]
    found = await there.servers_named([one.name for one in servers])
    assert {one.id for one in found} == set(ids)


async def test_a_port_is_taken_by_one_server_only(world: World) -> None:
    await world.needs(Capability.PORTS)
    port = await world.port()
    (id,) = await world.boot(networks=(cloud.NetworkPort(port_id=port.id),))
    await world.active(id)
    with pytest.raises(CloudConflict) as caught:
        await world.boot(networks=(cloud.NetworkPort(port_id=port.id),))
    assert caught.value.data["reason"] == "port_in_use"


async def test_a_deleted_server_is_gone_at_the_latest_when_it_is_forced(world: World) -> None:
    (id,) = await world.boot()
    await world.active(id)
    await world.cloud.delete_server(id)
    seen = await world.cloud.servers.until(id, lambda one: one is None or one.state in states.DELETED)
    assert id not in {one.id for one in await world.cloud.servers_list()}
    if seen is not None:
        await world.gone(id)


async def test_what_is_not_there(world: World) -> None:
    there, nobody = world.cloud, world.kind.nobody
    has = await there.capabilities()
    absent = [
        (Capability.COMPUTE, there.server, there.delete_server),
        (Capability.PORTS, there.port, there.delete_port),
        (Capability.FLOATING_IP, there.address, there.delete_address),
        (Capability.VOLUME, there.volume, there.delete_volume),
        (Capability.SECURITY_GROUPS, None, there.delete_security_group),
        (Capability.SERVER_GROUPS, None, there.delete_server_group),
    ]
    for capability, read, delete in absent:
        if capability not in has:
            with pytest.raises(CapabilityMissing):
                await delete(nobody)
            continue
        await delete(nobody)
        if read is not None:
            with pytest.raises(Gone):
                await read(nobody)
    await there.delete_server(nobody, force=True)
    if Capability.KEYPAIRS in has:
        await there.delete_keypair(world.name("nobody"))
        assert await there.keypair(world.name("nobody")) is None
    if Capability.SERVER_GROUPS in has:
        assert await there.server_group_named(world.name("nobody")) is None
    assert await there.servers_named([world.name("nobody"), world.name("none")]) == []
    assert await there.servers.until(nobody, lambda one: one is None, due=SOON) is None


@pytest.mark.parametrize("wrong", ["flavor_id", "image_id", "key_name"])
async def test_a_boot_that_cannot_be_is_refused(world: World, wrong: str) -> None:
    with pytest.raises(CloudRefused) as caught:
        await world.boot(**{wrong: "nobodys" if wrong == "key_name" else world.kind.nobody})
    assert caught.value.request_ids and caught.value.cloud == world.cloud.name


async def test_a_zone_without_hosts_is_one_to_move_on_from(world: World) -> None:
    with pytest.raises(NoValidHost):
        await world.boot(zone="nowhere")


async def test_a_server_group(world: World) -> None:
    await world.needs(Capability.SERVER_GROUPS, Capability.SOFT_AFFINITY)
    group = await world.cloud.create_server_group(world.name("group"), policy="soft-anti-affinity")
    world.later(lambda: world.cloud.delete_server_group(group.id))
    assert group.policy == "soft-anti-affinity"
    assert await world.cloud.server_group_named(world.name("group")) == group
    (id,) = await world.boot(group_id=group.id)
    await world.active(id)


async def test_a_keypair(world: World) -> None:
    await world.needs(Capability.KEYPAIRS)
    name, key = (
        world.name("key 1"),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGRSi/Yq2Ll5NE8uLdOuhDz3VYTtRDdoRCTrbOSg5PHS x",
    )
    world.later(lambda: world.cloud.delete_keypair(name))
    made = await world.cloud.create_keypair(name, public_key=key)
    assert made.name == name and made.fingerprint
    found = await world.cloud.keypair(name)
    assert found is not None and found.public_key == key
    [named] = await world.cloud.keypairs_named([name, world.name("nobody")])
    assert named.name == name and named.public_key == key
    with pytest.raises(CloudConflict):
        await world.cloud.create_keypair(name, public_key=key)
    with pytest.raises(CloudRefused):
        await world.cloud.create_keypair(world.name("other"), public_key="not a key")


async def test_tags_come_and_go_and_stay_what_they_are(world: World) -> None:
    await world.needs(Capability.TAGS, Capability.SERVER_TAGS, Capability.PORTS)
    (id,) = await world.boot(networks=(cloud.NetworkPort(port_id=(await world.port()).id),), tags=("plain",))
    await world.active(id)
    await world.cloud.add_tag(id, "grün")
    await world.cloud.add_tag(id, "grün")
    await world.cloud.remove_tag(id, "plain")
    await world.cloud.add_tag(id, "red")
    assert sorted((await world.cloud.server(id)).tags) == ["grün", "red"]
    await world.cloud.remove_tag(id, "red")
    await world.cloud.remove_tag(id, "grün")
    with pytest.raises(Gone):
        await world.cloud.remove_tag(id, "grün")
