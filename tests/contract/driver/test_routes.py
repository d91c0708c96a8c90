"""What is said of floating IPs beforehand, and what the cloud says when it is asked for them."""

from typing import Any

from enamel.clouds.capability import Capability
from enamel.commands import public_route
from enamel.commands.facts import Facts
from enamel.commands.public_route import Proof, Target, Topology
from enamel.model import cloud
from enamel.model.errors import CloudError
from tests.contract.driver.conftest import World


async def make(world: World, path: str, word: str, **fields: Any) -> str:
    """Make something of Neutron's and return its id; it goes when the test is over."""
    there: Any = world.cloud
    body = {word: {"name": world.name(word), **fields}}
    id: str = (await there._post("network", path, body=body, answer=dict[str, dict[str, Any]]))[word]["id"]
    world.later(lambda: there._delete("network", f"{path}/{id}"))
    return id


async def connect(world: World, router: str, subnet: str) -> None:
    there: Any = world.cloud
    path, body = f"/routers/{router}", {"subnet_id": subnet}
    await there._put("network", f"{path}/add_router_interface", body=body, answer=dict[str, Any])
    world.later(
        lambda: there._put("network", f"{path}/remove_router_interface", body=body, answer=dict[str, Any])
    )


async def topology(world: World) -> Topology:
    there = world.cloud
    await there.refresh(at_once=True)
    return Topology(
        Facts(
            cloud=there.name,
            identity=await there.identity(),
            networks=tuple(await there.networks()),
            subnets=tuple(await there.subnets()),
            routers=tuple(await there.routers()),
        )
    )


async def takes(world: World, port: cloud.Port, source: str, fixed_address: str | None) -> bool:
    """Tell whether the cloud puts a floating IP on a port."""
    try:
        address = await world.cloud.create_address(
            network_id=source, mark=world.mark("ip"), port_id=port.id, fixed_address=fixed_address
        )
    except CloudError:
        return False
    await world.cloud.delete_address(address.id)
    return True


async def test_the_cloud_agrees(world: World) -> None:
    await world.needs(Capability.ROUTERS, Capability.FLOATING_IP, Capability.PORTS)
    public = await world.outside()
    routed, unrouted, six, gateless = [
        await make(world, "/networks", "network", name=world.name(name))
        for name in ("routed", "unrouted", "six", "gateless")
    ]
    v4 = {"ip_version": 4}
    first = await make(world, "/subnets", "subnet", network_id=routed, cidr="10.89.1.0/24", **v4)
    second = await make(world, "/subnets", "subnet", network_id=routed, cidr="10.89.2.0/24", **v4)
    await make(world, "/subnets", "subnet", network_id=unrouted, cidr="10.89.3.0/24", **v4)
    await make(world, "/subnets", "subnet", network_id=six, cidr="fd00:89::/64", ip_version=6)
    home = await make(world, "/subnets", "subnet", network_id=gateless, cidr="10.89.4.0/24", **v4)
    router = await make(world, "/routers", "router", external_gateway_info={"network_id": public})
    inner = await make(world, "/routers", "router")
    on = {
        "routed": (routed, first),
        "elsewhere": (routed, second),
        "unrouted": (unrouted, None),
        "six": (six, None),
        "gateless": (gateless, None),
    }
    wants = [
        cloud.PortSpec(network_id=network, name=world.name(name), mark=world.mark("p"), subnet_id=subnet)
        for name, (network, subnet) in on.items()
    ]
    ports = dict(zip(on, await world.cloud.create_ports(wants), strict=True))
    for port in ports.values():
        world.later(lambda id=port.id: world.cloud.delete_port(id))  # type: ignore[misc]
    await connect(world, router, first)
    await connect(world, inner, home)
    seen = await topology(world)
    source = seen.networks[public]
    proofs = {}
    for name, port in ports.items():
        target = Target(network_id=port.network_id, addresses=port.addresses)
        routes = public_route.choose(seen, [target], source=source).routes
        proofs[name] = routes[0].proof if routes else Proof.DISPROVED
        fixed = routes[0].fixed_address if routes else None
        assert await takes(world, port, public, fixed) == bool(routes), name
    assert proofs.pop("routed") is Proof.PROVEN
    assert set(proofs.values()) == {Proof.DISPROVED}
    targets = [Target(network_id=network) for network in (unrouted, six, routed)]
    best = public_route.choose(seen, targets, source=source).routes[0]
    assert (best.target, best.subnet_id, best.proof) == (2, first, Proof.PROVEN)


async def test_a_network_without_port_security_is_known(world: World) -> None:
    await world.needs(Capability.ROUTERS, Capability.PORTS, Capability.SECURITY_GROUPS)
    id = await make(world, "/networks", "network", port_security_enabled=False)
    await make(world, "/subnets", "subnet", network_id=id, cidr="10.89.1.0/24", ip_version=4)
    seen = (await topology(world)).networks
    assert not seen[id].port_security and seen[await world.outside()].port_security
    want = cloud.PortSpec(network_id=id, name=world.name("open"), mark=world.mark("open"))
    (port,) = await world.cloud.create_ports([want])
    world.later(lambda: world.cloud.delete_port(port.id))
    assert port.security_groups == ()
