"""Neutron: which addresses ports get, where floating IPs can lead, and which ports have security groups."""

import ipaddress

import pytest

from tests.contract.cloud.test_network import get, refusal


@pytest.fixture
def put_together(cloud):
    """Return what makes networks, subnets, routers and ports, and removes them when the test is over."""

    def make(path, word, **fields):
        answer = cloud.call("POST", "network", path, {word: {"name": cloud.name(), **fields}})
        assert answer.status == 201, answer.text
        cloud.later("DELETE", "network", f"{path}/{answer.body[word]['id']}")
        return answer.body[word]

    return make


@pytest.fixture
def network(put_together):
    return put_together("/networks", "network")


def subnet(make, network, cidr, **more):
    version = ipaddress.ip_network(cidr).version
    return make("/subnets", "subnet", network_id=network["id"], ip_version=version, cidr=cidr, **more)


def connect(cloud, router, subnet, account=None):
    account = account or cloud
    path, body = f"/routers/{router['id']}", {"subnet_id": subnet["id"]}
    answer = account.call("PUT", "network", f"{path}/add_router_interface", body)
    assert answer.status == 200, answer.text
    # One clean-up for all accounts, since the order matters.
    cloud.afterwards(lambda: account.call("PUT", "network", f"{path}/remove_router_interface", body))


SLAAC = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}


def versions(port):
    return [ipaddress.ip_address(fixed["ip_address"]).version for fixed in port["fixed_ips"]]


def test_a_port_gets_an_address_of_each_version(put_together, network):
    four = subnet(put_together, network, "10.88.2.0/24")
    subnet(put_together, network, "10.88.3.0/24")
    subnet(put_together, network, "fd00:88::/64", **SLAAC)
    subnet(put_together, network, "fd00:89::/64")
    port = put_together("/ports", "port", network_id=network["id"])
    assert sorted(versions(port)) == [4, 6, 6]
    # Where hosts choose their addresses themselves, they do so whatever else is asked for.
    wish = [{"subnet_id": four["id"]}]
    port = put_together("/ports", "port", network_id=network["id"], fixed_ips=wish)
    assert sorted(versions(port)) == [4, 6]
    mac = port["mac_address"].split(":")
    assert any(fixed["ip_address"].endswith(f"{mac[4]}{mac[5]}") for fixed in port["fixed_ips"])
    bare = put_together("/ports", "port", network_id=network["id"], fixed_ips=[])
    assert versions(bare) == [6]


def lead(cloud, port, **more):
    public = get(cloud, "/networks?name=public")["networks"][0]["id"]
    wish = {"floating_network_id": public, "port_id": port["id"], **more}
    answer = cloud.call("POST", "network", "/floatingips", {"floatingip": wish})
    if answer.status == 201:
        cloud.later("DELETE", "network", f"/floatingips/{answer.body['floatingip']['id']}")
    return answer


def test_where_a_floating_ip_can_lead(cloud, put_together, network):
    four = subnet(put_together, network, "10.88.2.0/24")
    other = subnet(put_together, network, "10.88.3.0/24")
    six = subnet(put_together, network, "fd00:88::/64", **SLAAC)
    public = get(cloud, "/networks?name=public")["networks"][0]["id"]
    router = put_together("/routers", "router", external_gateway_info={"network_id": public})

    def port(*subnets):
        wish = [{"subnet_id": one["id"]} for one in subnets]
        return put_together("/ports", "port", network_id=network["id"], fixed_ips=wish)

    routed, both, alone, bare = port(four), port(four, other), port(six), port()
    connect(cloud, router, four)
    named = {home["subnet_id"]: home["ip_address"] for home in both["fixed_ips"]}
    assert lead(cloud, routed).status == 201
    said = refusal(lead(cloud, both))
    assert said[:2] == (400, "BadRequest") and "has multiple fixed IPv4 addresses" in said[2]
    said = refusal(lead(cloud, both, fixed_ip_address=named[other["id"]]))
    assert said[:2] == (404, "ExternalGatewayForFloatingIPNotFound")
    assert lead(cloud, both, fixed_ip_address=named[four["id"]]).status == 201
    for without in (alone, bare):
        said = refusal(lead(cloud, without))
        assert said[:2] == (400, "BadRequest") and "has no fixed IPv4 addresses" in said[2]


def test_the_owner_of_a_network_sees_what_is_connected_to_it(cloud, put_together, network):
    home = subnet(put_together, network, "10.88.2.0/24")
    answer = cloud.admin.call("POST", "network", "/routers", {"router": {"name": cloud.name()}})
    router = answer.body["router"]
    cloud.afterwards(lambda: cloud.admin.call("DELETE", "network", f"/routers/{router['id']}"))
    connect(cloud, router, home, account=cloud.admin)
    ports = get(cloud, f"/ports?device_owner=network:router_interface&device_id={router['id']}")["ports"]
    assert [fixed["subnet_id"] for port in ports for fixed in port["fixed_ips"]] == [home["id"]]
    assert router["id"] not in {one["id"] for one in get(cloud, "/routers")["routers"]}


def test_ports_without_security(cloud, put_together):
    network = put_together("/networks", "network", port_security_enabled=False)
    subnet(put_together, network, "10.88.2.0/24")
    group = put_together("/security-groups", "security_group")
    port = put_together("/ports", "port", network_id=network["id"])
    assert (port["port_security_enabled"], port["security_groups"]) == (False, [])
    wish = {"network_id": network["id"], "security_groups": [group["id"]]}
    assert refusal(cloud.call("POST", "network", "/ports", {"port": wish})) == (
        400,
        "PortSecurityAndIPRequiredForSecurityGroups",
        "Port security must be enabled and port must have an IP address in order to use security groups.",
    )
    port = put_together("/ports", "port", **wish, port_security_enabled=True)
    assert port["security_groups"] == [group["id"]]


def test_icmp_of_version_6_has_one_name(cloud, put_together):
    group = put_together("/security-groups", "security_group")

    def rule(protocol, version):
        wish = {"security_group_id": group["id"], "direction": "ingress", "protocol": protocol}
        body = {"security_group_rule": {**wish, "ethertype": f"IPv{version}"}}
        return cloud.call("POST", "network", "/security-group-rules", body)

    assert rule("icmp", 6).body["security_group_rule"]["protocol"] == "ipv6-icmp"
    for name in ("icmpv6", "ipv6-icmp", "58"):
        assert rule(name, 6).status == 409
    assert rule("icmp", 4).body["security_group_rule"]["protocol"] == "icmp"
    said = refusal(rule("ipv6-icmp", 4))
    assert said[0] == 400 and said[2] == "Invalid ethertype IPv4 for protocol ipv6-icmp."
