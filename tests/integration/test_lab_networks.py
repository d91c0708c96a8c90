"""Networks of several kinds on a real OpenStack: where the public address and the security groups of a launch go."""

import pytest

from tests.integration.lab import SMALL, Enamel
from tests.integration.project import Project

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
SLAAC = {"ip_version": 6, "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}


def network(project: Project, name: str, *cidrs: str, **fields: object) -> str:
    """Make a network with subnets, and return its id."""
    body = {"network": {"name": name, **fields}}
    id: str = project.ask("POST", "network", "/networks", body)["network"]["id"]
    for cidr in cidrs:
        subnet = {"network_id": id, "cidr": cidr, **(SLAAC if ":" in cidr else {"ip_version": 4})}
        project.ask("POST", "network", "/subnets", {"subnet": subnet})
    return id


async def test_addresses_and_groups_go_where_they_can(enamel: Enamel, project: Project) -> None:
    network(project, "open", "10.91.0.0/24", port_security_enabled=False)
    network(project, "six", "fd00:91::/64")
    routed = network(project, "routed", "fd00:92::/64", "10.92.0.0/24")
    ask = project.ask
    public = ask("GET", "network", "/networks?name=public")["networks"][0]["id"]
    home = ask("GET", "network", f"/subnets?network_id={routed}&ip_version=4")["subnets"][0]["id"]
    launch = {**SMALL, "name": "web", "public_address": True, "allow": ["tcp/22", "icmp"]}
    for names, codes in (
        (["open"], {"not_routed", "no_port_security"}),
        (["six"], {"not_routed"}),
        (["routed"], {"not_routed"}),
    ):
        status, problem = await enamel.send("POST", "/servers", {**launch, "networks": names})
        assert (status, {one["rule"] for one in problem["errors"]}) == (400, codes), problem
    gateway = {"router": {"name": "out", "external_gateway_info": {"network_id": public}}}
    router = ask("POST", "network", "/routers", gateway)["router"]["id"]
    ask("PUT", "network", f"/routers/{router}/add_router_interface", {"subnet_id": home})
    task = await enamel.launch({**launch, "networks": ["open", "six", "routed"]})
    [server] = task["result"]["servers"]
    ports = {
        port["network_id"]: port
        for port in ask("GET", "network", f"/ports?device_id={server['id']}")["ports"]
    }
    [floating] = ask("GET", "network", "/floatingips")["floatingips"]
    assert floating["port_id"] == ports[routed]["id"]
    assert floating["fixed_ip_address"].startswith("10.92.")
    assert sorted(len(port["security_groups"]) for port in ports.values()) == [0, 2, 2]
    rules = ask("GET", "network", "/security-group-rules?direction=ingress")["security_group_rules"]
    opened = {(one["protocol"], one["ethertype"]) for one in rules if one["protocol"]}
    assert opened == {("tcp", "IPv4"), ("tcp", "IPv6"), ("icmp", "IPv4"), ("ipv6-icmp", "IPv6")}
    await enamel.revert(task)
