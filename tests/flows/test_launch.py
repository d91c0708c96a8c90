"""Launches that go well: what they make, and nothing else."""

import base64
from typing import Any

import msgspec
import pytest

from enamel.model import item, task
from enamel.model.states import VolumeState
from enamel.sandbox import kernel
from tests.flows.after import After, states
from tests.flows.world import QUICK, World

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKHEChAEkmVpnmKNJvlbbPv7lFdyfS5tBPhGdxjE0Jqv me@here"
WEB: dict[str, Any] = {"name": "web", "template": "cirros", "type": "m1.small"}


def went_well(after: After) -> After:
    assert after.state is task.State.COMPLETED, after.task.error
    assert set(states(after).values()) == {item.State.COMPLETED}
    assert {entry.state for entry in after.task.servers} == {"READY"}
    return after


async def test_one_server(world: World) -> None:
    after = went_well(await world.run({**WEB, "public_address": True}))
    assert after.count() == {"server": 1, "port": 1, "address": 1}
    (server,) = after.task.servers
    assert server.hostname == "web"
    assert server.public_address == after.cloud["address"][0]["floating_ip_address"]
    assert server.fixed_addresses == (after.cloud["address"][0]["fixed_ip_address"],)
    await world.check()


async def test_three_equal_servers_with_one_request(world: World) -> None:
    after = went_well(await world.run({**WEB, "count": 3, "public_address": True}))
    assert after.count() == {"server": 3, "port": 3, "address": 3}
    assert {row["name"] for row in after.cloud["server"]} == {"web-1", "web-2", "web-3"}
    assert len({entry.public_address for entry in after.task.servers}) == 3
    assert world.sandbox.cloud.calls.counts["POST compute /v2.1/servers"] == 1
    await world.check()


async def test_servers_that_differ_get_their_ports_first(world: World) -> None:
    body = {
        "defaults": {**{key: WEB[key] for key in ("template", "type")}, "public_address": True},
        "servers": [{"hostname": "small"}, {"hostname": "medium", "type": "m1.medium"}],
    }
    after = went_well(await world.run(body))
    assert after.count() == {"server": 2, "port": 2, "address": 2}
    assert world.sandbox.cloud.calls.counts["POST network /v2.0/ports"] == 1
    marks = {row["description"] for row in after.cloud["port"]}
    assert marks == {f"enamel:{after.task.id}/port-create"}
    await world.check()


async def test_volumes(world: World) -> None:
    wish = {**WEB, "count": 2, "volumes": [{"size_gb": 1, "name": "data"}, {"size_gb": 2}]}
    after = went_well(await world.run(wish))
    assert after.count() == {"server": 2, "port": 2, "volume": 4}
    for server in after.cloud["server"]:
        assert len(server["volumes"]) == 2
    assert {row["status"] for row in after.cloud["volume"]} == {"in-use"}
    await world.check()


async def test_boot_volume(world: World) -> None:
    after = went_well(await world.run({**WEB, "boot_volume": {"size_gb": 5}}))
    assert after.count() == {"server": 1, "port": 1, "volume": 1}
    (volume,) = after.cloud["volume"]
    assert volume["size"] == 5 and after.cloud["server"][0]["volumes"] == [volume["id"]]
    await world.check()


async def test_a_volume_and_an_address_that_are_there_already(world: World) -> None:
    public = next(one for one in await world.cloud.networks() if one.external)
    address = await world.cloud.create_address(network_id=public.id, mark="mine")
    row = world.sandbox.cloud.volume.create(
        next(iter(world.sandbox.cloud.identity.tokens.values())).caller, size=1
    )
    await world.cloud.volumes.until(row, lambda one: one is not None and one.state is VolumeState.AVAILABLE)
    world.mine()
    wish = {**WEB, "public_address": {"address": address.address}, "volumes": [{"volume": row}]}
    after = went_well(await world.run(wish))
    assert after.count() == {"server": 1, "port": 1}
    assert after.task.servers[0].public_address == address.address
    assert after.cloud["server"][0]["volumes"] == [row]
    back = await world.revert(after)
    assert back.count() == {}
    left = await world.cloud.addresses_list()
    assert [(one.id, one.port_id) for one in left] == [(address.id, None)]
    assert (await world.cloud.volume(row)).state is VolumeState.AVAILABLE
    await world.check()


async def test_no_network(world: World) -> None:
    after = went_well(await world.run({**WEB, "networks": "none"}))
    assert after.count() == {"server": 1}
    await world.check()


async def without_network(world: World) -> None:
    """Take the project's own network away."""
    network = world.sandbox.cloud.network
    tables: Any = network
    for row in list(tables.networks):
        if row["name"] == "private" and row["project_id"] == world.caller.project_id:
            for port_id in tables.ports_by_network.of(row["id"]):
                tables.ports.drop(port_id)
            for subnet in row["subnets"]:
                tables.subnets.drop(subnet)
            tables.networks.drop(row["id"])
    world.mine()


async def test_a_project_without_a_network_gets_the_clouds_own_topology(world: World) -> None:
    await without_network(world)
    after = went_well(await world.run({**WEB, "public_address": True}))
    assert after.count() == {"server": 1, "port": 1, "address": 1, "network": 1}
    assert after.cloud["network"][0]["name"] == "auto_allocated_network"
    await world.check()


async def test_a_project_without_a_network_gets_one_made_where_the_cloud_has_no_topology(
    world: World,
) -> None:
    await without_network(world)
    world.fault(
        {"service": "network", "path": "/v2.0/extensions"},
        {"omit": "auto-allocated", "body": {"extensions": []}},
    )
    after = went_well(
        await world.run({**WEB, "count": 2, "volumes": [{"size_gb": 1}], "public_address": True})
    )
    assert after.count() == {"server": 2, "port": 2, "address": 2, "volume": 2, "network": 1}
    assert after.cloud["network"][0]["name"] == "enamel"
    assert "no auto-allocated topology" in after.item("network-auto").note
    # The next launch uses the same one.
    again = went_well(await world.run({**WEB, "name": "next"}))
    assert again.count()["network"] == 1
    await world.check()


async def test_a_topology_that_cannot_be_had_is_made(world: World) -> None:
    await without_network(world)
    world.fault(
        {"service": "network", "path": "/v2.0/auto-allocated-topology/.*"},
        {"status": 404, "body": {"NeutronError": {"type": "AutoAllocationFailure", "message": "No default"}}},
    )
    after = went_well(await world.run(WEB))
    assert after.cloud["network"][0]["name"] == "enamel"
    assert "does not allocate a topology" in after.item("network-auto").note
    await world.check()


async def test_rules_of_its_own(world: World) -> None:
    wish = {**WEB, "count": 2, "allow": ["tcp/22", "tcp/80-443 from 10.0.0.0/8", "icmp"]}
    after = went_well(await world.run(wish))
    assert after.count() == {"server": 2, "port": 2, "security_group": 1}
    (group,) = after.cloud["security_group"]
    for port in after.cloud["port"]:
        assert group["id"] in port["security_groups"] and len(port["security_groups"]) == 2
    await world.check()


async def test_a_key_is_imported_and_goes_with_a_revert(world: World) -> None:
    after = went_well(await world.run({**WEB, "keypair": {"name": "me", "public_key": KEY}}))
    assert after.count() == {"server": 1, "port": 1, "keypair": 1}
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_a_key_that_is_there_already_stays(world: World) -> None:
    await world.cloud.create_keypair("me", public_key=KEY)
    world.mine()
    after = went_well(await world.run({**WEB, "keypair": {"name": "me", "public_key": KEY}}))
    assert (await world.revert(after)).count() == {}
    assert await world.cloud.keypair("me") is not None
    await world.check()


async def test_user_data_reaches_the_server_and_nothing_else(world: World) -> None:
    text = base64.b64encode(b"#!/bin/sh\necho planted-4711 > /etc/secret\n").decode()
    world.planted |= {text, "planted-4711"}
    after = went_well(await world.run({**WEB, "user_data": text}))
    assert world.sandbox.cloud.compute.servers[after.cloud["server"][0]["id"]].user_data == text
    await world.stop()
    assert (await world.get(after.task.id)).secrets == ()
    await world.check()


async def test_servers_that_stand_apart(world: World) -> None:
    after = went_well(await world.run({**WEB, "count": 3, "spread": True}))
    assert after.count() == {"server": 3, "port": 3, "server_group": 1}
    assert len(after.cloud["server_group"][0]["members"]) == 3
    assert len({world.sandbox.cloud.compute.servers[row["id"]].host for row in after.cloud["server"]}) >= 2
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_hints_about_other_servers(world: World) -> None:
    first = went_well(await world.run(WEB))
    ids = [row["id"] for row in first.cloud["server"]]
    wish = {**WEB, "name": "next", "affinity": {"not_near": {"server_ids": ids}}}
    after = went_well(await world.run(wish))
    assert after.count() == {"server": 2, "port": 2}
    await world.check()


async def test_tags_and_properties(world: World) -> None:
    after = went_well(
        await world.run({**WEB, "tags": ["blue", "prod"], "properties": {"ref": "x.y", "a": "b"}})
    )
    (server,) = after.cloud["server"]
    assert sorted(server["tags"]) == ["blue", "prod"]
    assert server["metadata"] == {"ref": "x.y", "a": "b", "enamel": f"enamel:{after.task.id}/server-boot-web"}
    await world.check()


async def test_several_launches_at_once(world: World) -> None:
    accepted = [await world.accept({**WEB, "name": f"web{number}", "count": 2}) for number in range(5)]
    for one in accepted:
        went_well(await world.end(one.id))
    assert len(world.there()["server"]) == 10
    await world.check()


@pytest.mark.parametrize("settings", [kernel.Settings(boot_seconds=(0.01, 0.03), pace=0.03)])
async def test_servers_that_answer(world: World) -> None:
    wish = {**WEB, "count": 2, "public_address": True, "allow": ["tcp/2222"], "ready_when": "tcp/2222"}
    after = went_well(await world.run(wish))
    assert len(after.told("server.reachable")) == 2
    for entry in after.task.servers:
        assert any(key.startswith("ssh-ed25519 ") for key in entry.ssh_host_keys)
    await world.check()


def test_the_quick_cloud_is_quick() -> None:
    assert QUICK.boot_seconds[1] < 0.1


# -- near and apart, on a cloud that heeds no hints: most have no filter for them

HEEDLESS = msgspec.structs.replace(QUICK, hosts_per_zone=1, hints=False)
"""A cloud with one host in each zone."""
SMALL = {"template": "cirros", "type": "m1.tiny"}


@pytest.mark.parametrize("settings", [HEEDLESS], ids=["heedless"])
async def test_a_cloud_that_does_not_heed_a_hint_is_told_of(world: World) -> None:
    first = await world.run({"name": "a", **SMALL, "placement": "az1", "tags": ["db"]})
    [peer] = [entry.id for entry in first.task.servers]
    apart = await world.run(
        {"name": "b", **SMALL, "placement": "az1", "affinity": {"not_near": {"server_tags": ["db"]}}}
    )
    near = await world.run(
        {"name": "c", **SMALL, "placement": "az2", "affinity": {"near": {"server_ids": [peer]}}}
    )
    for after, word in ((apart, f"on the host of {peer}"), (near, "has not put server 'c' near")):
        assert after.state is task.State.COMPLETED
        assert word in after.item(f"server-await_active-{after.task.servers[0].hostname}").note
    await world.check()


@pytest.mark.parametrize("settings", [HEEDLESS], ids=["heedless"])
async def test_what_came_as_it_was_asked_for_needs_no_word(world: World) -> None:
    first = await world.run({"name": "a", **SMALL, "placement": "az1"})
    [peer] = [entry.id for entry in first.task.servers]
    for name, zone, affinity in (
        ("b", "az2", {"not_near": {"server_ids": [peer]}}),
        ("c", "az1", {"near": {"server_ids": [peer]}}),
    ):
        after = await world.run({"name": name, **SMALL, "placement": zone, "affinity": affinity})
        assert (after.state, after.item(f"server-await_active-{name}").note) == (task.State.COMPLETED, "")
    await world.check()
