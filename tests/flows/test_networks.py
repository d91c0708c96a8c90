"""Which network, port and group a launch uses: on clouds with several of each, of both IP versions, and with roles."""

import asyncio
import ipaddress
from typing import Any

import pytest

from enamel.clouds.capability import Capability
from enamel.clouds.openstack.network import network_roles
from enamel.flow.draft import Draft
from enamel.flow.plan import Group
from enamel.model import task
from enamel.model.cloud import AddressKind
from enamel.model.errors import EnamelError, Invalid
from enamel.service.resources import address as addresses
from enamel.steps import reach
from tests.flows.after import After
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import World

SLAAC = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}


class Lan:
    """Makes networks of the project, and those of an operator."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._tables = world.sandbox.cloud.network
        self._number = 0

    async def post(self, path: str, word: str, **fields: Any) -> dict[str, Any]:
        answer = await self.world.cloud._post("network", path, body={word: fields}, answer=dict[str, Any])
        await self.world.cloud.forget()
        self.world.mine()
        made: dict[str, Any] = answer[word]
        return made

    async def network(self, name: str, *cidrs: str, operator: bool = False, **fields: Any) -> dict[str, Any]:
        """Make a network with subnets; an operator's has what only an operator can give it."""
        made = await self.post("/networks", "network", name=name)
        row = self._tables.networks[made["id"]]
        row.update(fields)
        for cidr in cidrs or (f"10.50.{self._number}.0/24",):
            self._number += 1
            mode = {"ip_version": 6, **SLAAC} if ":" in cidr else {"ip_version": 4}
            await self.post("/subnets", "subnet", network_id=made["id"], cidr=cidr, **mode)
        if operator:
            row["project_id"] = row["tenant_id"] = "0" * 32
        return dict(row)

    async def router(self, source: str | None, *networks: dict[str, Any], hidden: bool = False) -> str:
        """Connect the first subnets of networks to an external network."""
        gateway = {"network_id": self.id(source)} if source else None
        made = await self.post("/routers", "router", external_gateway_info=gateway)
        for network in networks:
            subnet = self._tables.networks[network["id"]]["subnets"][0]
            path = f"/routers/{made['id']}/add_router_interface"
            await self.world.cloud._put("network", path, body={"subnet_id": subnet}, answer=dict[str, Any])
        if hidden:
            row = self._tables.routers.drop(made["id"])
            row["project_id"] = row["tenant_id"] = "0" * 32
            self._tables.routers.add(row)
        self.world.mine()
        return str(made["id"])

    def id(self, name: str) -> str:
        return next(str(row["id"]) for row in self._tables.networks if row["name"] == name)


@pytest.fixture
def lan(world: World) -> Lan:
    return Lan(world)


async def refused(world: World, body: Any, command: str = "server.create", **params: str) -> EnamelError:
    """Hand in a request that is refused, and see that nothing was made."""
    calls = world.sandbox.cloud.calls.counts
    before = {route: count for route, count in calls.items() if not route.startswith("GET")}
    with pytest.raises(EnamelError) as caught:
        await world.run(body, command=command, **params)
    assert {route: count for route, count in calls.items() if not route.startswith("GET")} == before
    return caught.value


async def launched(world: World, **more: Any) -> After:
    return went_well(await world.run({**WEB, **more}))


def address(after: After) -> dict[str, Any]:
    [row] = after.cloud["address"]
    return row


@pytest.mark.parametrize("names", [["unrouted", "routed"], ["routed", "unrouted"]])
async def test_the_address_is_put_where_a_router_is(world: World, lan: Lan, names: list[str]) -> None:
    routed = await lan.network("routed")
    await lan.network("unrouted")
    await lan.router("public", routed)
    after = await launched(world, networks=names, public_address=True)
    port = next(row for row in after.cloud["port"] if row["id"] == address(after)["port_id"])
    assert port["network_id"] == routed["id"]
    await world.check()


async def test_the_external_network_is_that_of_the_router(world: World, lan: Lan) -> None:
    await lan.network("public-2", "127.9.0.0/24", operator=True, **{"router:external": True})
    routed = await lan.network("routed")
    await lan.router("public-2", routed)
    after = await launched(world, networks=["routed"], public_address=True)
    assert address(after)["floating_network_id"] == lan.id("public-2")
    error = await refused(
        world, {**WEB, "name": "db", "networks": ["routed"], "public_address": {"from": "public"}}
    )
    assert [fault.code for fault in error.faults] == ["not_routed"]
    await world.check()


async def test_an_address_comes_from_where_the_projects_routers_lead(world: World, lan: Lan) -> None:
    await lan.network("public-2", "127.9.0.0/24", operator=True, **{"router:external": True})
    tables = world.sandbox.cloud.network
    for router in tables.routers:
        router["external_gateway_info"]["network_id"] = lan.id("public-2")
    got = await world.run({}, command="address.create")
    assert got.state is task.State.COMPLETED, got.task.error
    assert address(got)["floating_network_id"] == lan.id("public-2")
    await world.check()


@pytest.mark.parametrize(
    ("cidrs", "why"),
    [
        (["10.60.0.0/24"], "no router connects network 'lan'"),
        (["fd00:60::/64"], "IPv6 addresses only"),
    ],
)
async def test_what_can_have_no_address_is_refused_before_anything_is_made(
    world: World, lan: Lan, cidrs: list[str], why: str
) -> None:
    await lan.network("lan", *cidrs)
    error = await refused(world, {**WEB, "networks": ["lan"], "public_address": True})
    assert isinstance(error, Invalid) and why in str(error)
    assert [(fault.pointer, fault.code) for fault in error.faults] == [("/public_address", "not_routed")]


async def test_nobody_is_refused_because_of_a_moment_ago(world: World, lan: Lan) -> None:
    routed = await lan.network("lan")
    wish = {**WEB, "networks": ["lan"], "public_address": True}
    await refused(world, wish)
    router = await world.cloud._post(
        "network",
        "/routers",
        body={"router": {"external_gateway_info": {"network_id": lan.id("public")}}},
        answer=dict[str, Any],
    )
    path = f"/routers/{router['router']['id']}/add_router_interface"
    body = {"subnet_id": world.sandbox.cloud.network.networks[routed["id"]]["subnets"][0]}
    await world.cloud._put("network", path, body=body, answer=dict[str, Any])
    world.mine()
    went_well(await world.run(wish))
    await world.check()


@pytest.mark.parametrize("shared", [True, False])
async def test_a_router_that_nobody_shows_may_be_there(world: World, lan: Lan, shared: bool) -> None:
    lan_ = await lan.network("lan")
    await lan.router("public", lan_, hidden=True)
    if shared:
        row = world.sandbox.cloud.network.networks[lan_["id"]]
        row.update(shared=True, project_id="0" * 32, tenant_id="0" * 32)
    after = await launched(world, networks=["lan"], public_address=True)
    assert address(after)["port_id"]
    await world.check()


async def test_a_port_with_two_addresses_names_the_one_that_works(world: World, lan: Lan) -> None:
    lan_ = await lan.network("lan", "10.61.0.0/24", "10.62.0.0/24")
    await lan.router("public", lan_)
    homes = world.sandbox.cloud.network.networks[lan_["id"]]["subnets"]
    wish = [{"subnet_id": homes[1]}, {"subnet_id": homes[0]}]
    port = await lan.post("/ports", "port", name="both", network_id=lan_["id"], fixed_ips=wish)
    after = await launched(world, networks=[{"port": "both"}], public_address=True)
    assert address(after)["fixed_ip_address"].startswith("10.61.")
    assert address(after)["port_id"] == port["id"]
    server = str(after.task.servers[0].id)
    await world.run(command="server.terminate", server=server)
    await launched(world, name="db", networks=[{"port": "both"}])
    got = await world.run({}, command="address.create")
    attached = await world.run(
        {"server": "db"}, command="address.attach", address=str(got.task.result.data["address_id"])
    )
    assert attached.state is task.State.COMPLETED, attached.task.error
    await world.check(deleted=True)


async def test_on_two_subnets_the_server_gets_the_connected_one(world: World, lan: Lan) -> None:
    lan_ = await lan.network("lan", "10.61.0.0/24", "10.62.0.0/24", "fd00:61::/64")
    tables = world.sandbox.cloud.network
    homes = tables.networks[lan_["id"]]["subnets"]
    # The cloud would take an address of the first.
    tables.subnets_by_network._ids[lan_["id"]] = dict.fromkeys((homes[1], homes[0], homes[2]))
    await lan.router("public", lan_)
    after = await launched(world, networks=["lan"], public_address=True, allow=["tcp/22"])
    assert address(after)["fixed_ip_address"].startswith("10.61.")
    [port] = after.cloud["port"]
    names = {row["name"] for row in tables.security_groups if row["id"] in port["security_groups"]}
    assert len(port["fixed_ips"]) == 2 and "default" in names and len(names) == 2
    await world.check()


@pytest.mark.parametrize("fields", [{"shared": True}, {}], ids=["shared", "own"])
async def test_public_addresses_of_a_network_need_no_floating_ip(
    world: World, lan: Lan, fields: dict[str, Any]
) -> None:
    await lan.network("provider", "198.51.100.0/24", operator=bool(fields), **fields)
    after = await launched(world, networks=["provider"], public_address=True)
    assert after.count() == {"server": 1, "port": 1}
    error = await refused(
        world, {**WEB, "name": "db", "networks": ["provider"], "public_address": {"from": "public"}}
    )
    assert "has one already" in str(error)
    await world.check()


async def test_a_cloud_without_routers_has_no_floating_ips(world: World, lan: Lan) -> None:
    await lan.network("provider", "198.51.100.0/24", operator=True, shared=True)
    for path in ("/v2.0/routers", "/v2.0/floatingips"):
        world.fault({"service": "network", "path": path}, {"status": 404})
    after = await launched(world, networks=["provider"], public_address=True)
    assert after.count() == {"server": 1, "port": 1}
    error = await refused(world, {**WEB, "name": "db", "networks": ["private"], "public_address": True})
    assert [fault.code for fault in error.faults] == ["capability_missing"]
    got = await world.run({}, command="address.create")
    assert got.state is task.State.COMPLETED, got.task.error
    [kept] = await addresses.listed(world.cloud)
    assert (kept.kind, kept.network_id) == (AddressKind.PORT, lan.id("provider"))
    ended = await world.run(command="server.terminate", server=str(after.task.servers[0].id))
    assert ended.state is task.State.COMPLETED, ended.task.error


# -- the roles of clouds.yaml


def configured(world: World, **options: Any) -> None:
    """Give the networks of clouds.yaml roles."""
    world.cloud.roles = network_roles.read(options)


async def test_the_configured_source_of_floating_ips_comes_first(world: World, lan: Lan) -> None:
    await lan.network("public-2", "127.9.0.0/24", operator=True, **{"router:external": True})
    routed, other = await lan.network("routed"), await lan.network("other")
    await lan.router("public", routed)
    await lan.router("public-2", other)
    configured(world, networks=[{"name": "public-2", "nat_source": True}])
    after = await launched(world, networks=["routed", "other"], public_address=True)
    assert address(after)["floating_network_id"] == lan.id("public-2")
    got = await world.run({}, command="address.create")
    assert got.state is task.State.COMPLETED
    await world.check()


async def test_the_configured_destination_of_floating_ips_comes_first(world: World, lan: Lan) -> None:
    one, two = await lan.network("one"), await lan.network("two")
    await lan.router("public", one, two)
    configured(world, networks=[{"name": "two", "nat_destination": True}])
    after = await launched(world, networks=["one", "two"], public_address=True)
    port = next(row for row in after.cloud["port"] if row["id"] == address(after)["port_id"])
    assert port["network_id"] == two["id"]
    await world.check()


async def test_the_configured_default_is_the_network_of_servers_that_name_none(
    world: World, lan: Lan
) -> None:
    await lan.network("one")
    two = await lan.network("two")
    assert [fault.code for fault in (await refused(world, WEB)).faults] == ["ambiguous"]
    configured(world, networks=[{"name": two["id"], "default_interface": True}])
    after = await launched(world)
    assert [row["network_id"] for row in after.cloud["port"]] == [two["id"]]
    await world.check()


async def test_a_network_that_is_configured_as_public_needs_no_floating_ip(world: World, lan: Lan) -> None:
    await lan.network("lan")
    configured(world, networks=[{"name": "lan", "routes_externally": True}])
    after = await launched(world, networks=["lan"], public_address=True)
    assert after.count() == {"server": 1, "port": 1}
    await world.check()


async def test_floating_ips_that_are_switched_off_are_not_asked_for(world: World, lan: Lan) -> None:
    await lan.network("provider", "198.51.100.0/24", operator=True, shared=True)
    configured(world, floating_ip_source="None")
    assert Capability.FLOATING_IP not in await world.cloud.capabilities()
    after = await launched(world, networks=["provider"], public_address=True)
    assert after.count() == {"server": 1, "port": 1}
    error = await refused(world, {**WEB, "name": "db", "networks": ["private"], "public_address": True})
    assert [fault.code for fault in error.faults] == ["capability_missing"]
    await world.check()


# -- security groups and IP versions


@pytest.mark.parametrize("field", [{"allow": ["tcp/22"]}, {"security_groups": ["default"]}])
async def test_groups_that_can_go_nowhere_are_refused(world: World, lan: Lan, field: dict[str, Any]) -> None:
    await lan.network("open", port_security_enabled=False)
    error = await refused(world, {**WEB, "networks": ["open"], **field})
    assert [(fault.pointer, fault.code) for fault in error.faults] == [
        (f"/{name}", "no_port_security") for name in field
    ]
    after = await launched(world, networks=["open"])
    assert [row["security_groups"] for row in after.cloud["port"]] == [[]]
    await world.check()


async def test_groups_go_where_they_can(world: World, lan: Lan) -> None:
    await lan.network("open", port_security_enabled=False)
    after = await launched(world, networks=["open", "private"], allow=["tcp/22"], count=2)
    groups = {row["network_id"]: len(row["security_groups"]) for row in after.cloud["port"]}
    assert groups == {lan.id("open"): 0, lan.id("private"): 2}
    assert any("Network 'open' has no port security" in note for note in after.task.plan["notes"])
    await world.check()


async def test_a_second_interface_may_be_without_security(world: World, lan: Lan) -> None:
    await lan.network("open", port_security_enabled=False)
    server = str((await launched(world, networks=["private"], allow=["tcp/22"])).task.servers[0].id)
    body = {"action": "ATTACH_NETWORK_INTERFACE", "network": "open"}
    after = await world.run(body, command="server.attach_network_interface", server=server)
    assert after.state is task.State.COMPLETED, after.task.error
    groups = {row["network_id"]: len(row["security_groups"]) for row in after.cloud["port"]}
    assert groups == {lan.id("private"): 2, lan.id("open"): 0}


@pytest.mark.parametrize(
    ("field", "pointer"),
    [
        ({"network": "lan", "fixed_ip": "10.1.0.5"}, "/fixed_ip"),
        ({"network": "lan", "fixed_ip": "x"}, "/fixed_ip"),
        ({"network": "bare"}, "/network"),
    ],
)
async def test_a_second_interface_that_cannot_be_is_refused(
    world: World, lan: Lan, field: dict[str, str], pointer: str
) -> None:
    await lan.network("lan")
    await lan.post("/networks", "network", name="bare")
    server = str((await launched(world, networks=["private"])).task.servers[0].id)
    body = {"action": "ATTACH_NETWORK_INTERFACE", **field}
    error = await refused(world, body, "server.attach_network_interface", server=server)
    assert [fault.pointer for fault in error.faults] == [pointer]


async def test_an_interface_of_version_6_is_known_by_any_spelling(world: World, lan: Lan) -> None:
    await lan.network("lan", "fd00:61::/64")
    after = await launched(world, networks=["private", "lan"])
    [home] = [row["fixed_ips"][0] for row in after.cloud["port"] if row["network_id"] == lan.id("lan")]
    body = {
        "action": "DETACH_NETWORK_INTERFACE",
        "fixed_ip": ipaddress.ip_address(home["ip_address"]).exploded.upper(),
    }
    server = str(after.task.servers[0].id)
    freed = await world.run(body, command="server.detach_network_interface", server=server)
    assert freed.state is task.State.COMPLETED, freed.task.error


async def test_rules_open_both_versions(world: World) -> None:
    after = await launched(
        world, allow=["tcp/22", "icmp", "udp/53 from 10.0.0.0/8", "ipv6-icmp", "tcp/5 from default"]
    )
    [group] = after.cloud["security_group"]
    rules = {
        (row["protocol"], row["ethertype"], row["remote_ip_prefix"], bool(row["remote_group_id"]))
        for row in world.sandbox.cloud.network.rules
        if row["security_group_id"] == group["id"] and row["direction"] == "ingress"
    }
    assert rules == {
        ("tcp", "IPv4", None, False),
        ("tcp", "IPv6", None, False),
        ("icmp", "IPv4", None, False),
        ("ipv6-icmp", "IPv6", None, False),
        ("udp", "IPv4", "10.0.0.0/8", False),
        ("tcp", "IPv4", None, True),
        ("tcp", "IPv6", None, True),
    }
    await world.check()


async def test_interfaces_stay_in_their_order(world: World, lan: Lan) -> None:
    one = await lan.network("one")
    port = await lan.post("/ports", "port", name="mine", network_id=lan.id("private"))
    after = await launched(world, networks=[{"port": "mine"}, "one", {"network": "private"}])
    server = str(after.task.servers[0].id)
    plugged = world.sandbox.cloud.network.ports_by_device.of(server)
    networks = [world.sandbox.cloud.network.ports[id]["network_id"] for id in plugged]
    assert plugged[0] == port["id"] and networks[1:] == [one["id"], lan.id("private")]
    await world.check()


async def test_any_address_of_a_server_may_answer(world: World) -> None:
    listening = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        draft = Draft()
        draft.add(
            reach.Reach(
                address="127.9.9.9", addresses=("127.9.9.9", "::1", "127.0.0.1"), ready_when=f"tcp/{port}"
            ),
            group="web",
        )
        accepted = await world.plan(draft.plan(groups=(Group(name="web"),)))
        after = await world.end(accepted.id)
    assert after.state is task.State.COMPLETED, after.task.error
    assert after.items[0].outputs["address"] == "127.0.0.1"
    assert [event.data["address"] for event in after.told("server.reachable")] == ["127.0.0.1"]
