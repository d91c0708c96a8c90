"""Neutron: ports, floating IPs, security groups, tags, quotas."""

import pytest

NOWHERE = "00000000-0000-0000-0000-000000000000"
PORT = {
    "id", "name", "network_id", "project_id", "tenant_id", "mac_address", "admin_state_up", "status", "device_id",
    "device_owner", "fixed_ips", "allowed_address_pairs", "extra_dhcp_opts", "security_groups", "description",
    "binding:vnic_type", "port_security_enabled", "qos_policy_id", "qos_network_policy_id", "dns_name",
    "dns_assignment", "tags", "created_at", "updated_at", "revision_number",
}  # fmt: skip
FLOATINGIP = {
    "id", "tenant_id", "project_id", "floating_ip_address", "floating_network_id", "router_id", "port_id",
    "fixed_ip_address", "status", "description", "qos_policy_id", "port_details", "dns_domain", "dns_name",
    "port_forwardings", "tags", "created_at", "updated_at", "revision_number",
}  # fmt: skip
RULE = {
    "id", "project_id", "tenant_id", "security_group_id", "ethertype", "direction", "protocol", "port_range_min",
    "port_range_max", "remote_ip_prefix", "remote_address_group_id", "normalized_cidr", "remote_group_id",
    "belongs_to_default_sg", "description", "created_at", "updated_at", "revision_number",
}  # fmt: skip
GROUP = {
    "id", "name", "stateful", "tenant_id", "project_id", "description", "shared", "security_group_rules", "tags",
    "created_at", "updated_at", "revision_number",
}  # fmt: skip
BIND = {"binding:profile", "binding:host_id", "binding:vif_type", "binding:vif_details", "resource_request"}


def refusal(answer):
    return answer.status, answer.body["NeutronError"]["type"], answer.body["NeutronError"]["message"]


def get(cloud, path, account=None):
    answer = (account or cloud).call("GET", "network", path)
    assert answer.status == 200, answer.text
    return answer.body


@pytest.fixture
def private(cloud):
    return get(cloud, "/networks?name=private")["networks"][0]


@pytest.fixture
def public(cloud):
    return get(cloud, "/networks?name=public")["networks"][0]


@pytest.fixture
def make(cloud, private):
    def port(**wish):
        wish = {"network_id": private["id"], "name": cloud.name()} | wish
        answer = cloud.call("POST", "network", "/ports", {"port": wish})
        assert answer.status == 201, answer.text
        cloud.later("DELETE", "network", f"/ports/{answer.body['port']['id']}")
        return answer.body["port"]

    return port


@pytest.fixture
def lead(cloud, public):
    def floating(**wish):
        wish = {"floating_network_id": public["id"]} | wish
        answer = cloud.call("POST", "network", "/floatingips", {"floatingip": wish})
        assert answer.status == 201, answer.text
        cloud.later("DELETE", "network", f"/floatingips/{answer.body['floatingip']['id']}")
        return answer.body["floatingip"]

    return floating


@pytest.fixture
def group(cloud):
    answer = cloud.call("POST", "network", "/security-groups", {"security_group": {"name": cloud.name()}})
    assert answer.status == 201
    cloud.later("DELETE", "network", f"/security-groups/{answer.body['security_group']['id']}")
    return answer.body["security_group"]


def test_extensions_the_sandbox_honours_are_the_labs_too(cloud):
    extensions = get(cloud, "/extensions")["extensions"]
    assert set(extensions[0]) == {"name", "alias", "description", "updated", "links"}
    assert {
        "security-group", "router", "external-net", "quota_details", "auto-allocated-topology", "standard-attr-tag",
        "standard-attr-timestamp", "standard-attr-description", "port-security", "project-id", "default-subnetpools",
        "subnet_allocation", "pagination", "sorting", "net-mtu", "availability_zone", "filter-validation",
        "fip-port-details", "binding", "ip-substring-filtering",
    } <= {extension["alias"] for extension in extensions}  # fmt: skip


def test_networks_of_a_tenant(cloud):
    networks = {network["name"]: network for network in get(cloud, "/networks")["networks"]}
    assert networks["public"]["router:external"] is True
    assert networks["public"]["is_default"] is True
    assert networks["private"]["router:external"] is False
    assert set(networks["private"]) == {
        "id", "name", "tenant_id", "project_id", "admin_state_up", "mtu", "status", "subnets", "shared",
        "availability_zone_hints", "availability_zones", "ipv4_address_scope", "ipv6_address_scope", "router:external",
        "qinq", "vlan_transparent", "description", "port_security_enabled", "qos_policy_id", "dns_domain", "tags",
        "created_at", "updated_at", "revision_number",
    }  # fmt: skip
    assert [network["name"] for network in get(cloud, "/networks", cloud.other)["networks"]] == ["public"]
    assert "provider:network_type" in get(cloud, "/networks", cloud.admin)["networks"][0]


def test_subnets_and_router(cloud):
    subnets = {subnet["name"]: subnet for subnet in get(cloud, "/subnets")["subnets"]}
    assert {"private-subnet", "public-subnet", "public-subnet-big"} <= set(subnets)
    assert set(subnets["private-subnet"]) == {
        "id", "name", "project_id", "network_id", "ip_version", "subnetpool_id", "enable_dhcp", "ipv6_ra_mode",
        "ipv6_address_mode", "gateway_ip", "cidr", "allocation_pools", "host_routes", "dns_nameservers", "description",
        "router:external", "service_types", "tags", "created_at", "updated_at", "revision_number", "tenant_id",
    }  # fmt: skip
    assert subnets["private-subnet"]["cidr"] == "10.0.0.0/20"
    router = get(cloud, "/routers?name=router")["routers"][0]
    assert set(router) == {
        "id", "name", "project_id", "admin_state_up", "status", "external_gateway_info", "description",
        "availability_zones", "availability_zone_hints", "routes", "flavor_id", "tags", "created_at", "updated_at",
        "revision_number", "tenant_id",
    }  # fmt: skip
    assert set(router["external_gateway_info"]) == {"network_id", "external_fixed_ips", "enable_snat"}


def test_a_port_is_made_shown_changed_and_deleted(cloud, make):
    port = make(description="first")
    assert set(port) == PORT
    assert port["status"] == "DOWN"
    assert port["device_id"] == port["device_owner"] == ""
    assert len(port["fixed_ips"]) == 1
    assert port["mac_address"].startswith("fa:16:3e:")
    path = f"/ports/{port['id']}"
    assert set(get(cloud, path, cloud.admin)["port"]) == PORT | BIND
    answer = cloud.call("PUT", "network", path, {"port": {"description": "second"}})
    assert (answer.status, answer.body["port"]["description"]) == (200, "second")
    assert answer.body["port"]["revision_number"] > port["revision_number"]
    unseen = (404, "PortNotFound", f"Port {port['id']} could not be found.")
    assert refusal(cloud.other.call("GET", "network", path)) == unseen
    assert cloud.call("DELETE", "network", path).status == 204
    assert refusal(cloud.call("DELETE", "network", path)) == unseen


def test_tags_in_the_body_of_a_new_port_are_accepted_and_forgotten(cloud, make):
    port = make(tags=["mark"])
    assert port["tags"] == []
    assert get(cloud, f"/ports/{port['id']}")["port"]["tags"] == []


def test_bulk_makes_all_ports_or_none(cloud, private, make):
    taken = make()["fixed_ips"][0]["ip_address"]
    name = cloud.name()
    wishes = [{"network_id": private["id"], "name": name} for _ in range(3)]
    answer = cloud.call("POST", "network", "/ports", {"ports": wishes})
    assert answer.status == 201
    for port in answer.body["ports"]:
        cloud.later("DELETE", "network", f"/ports/{port['id']}")
    assert len({port["fixed_ips"][0]["ip_address"] for port in answer.body["ports"]}) == 3
    name = cloud.name()
    wishes = [
        {"network_id": private["id"], "name": name},
        {"network_id": private["id"], "name": name, "fixed_ips": [{"ip_address": taken}]},
    ]
    answer = cloud.call("POST", "network", "/ports", {"ports": wishes})
    assert refusal(answer)[:2] == (409, "IpAddressAlreadyAllocated")
    assert refusal(answer)[2].startswith(f"IP address {taken} already allocated in subnet ")
    assert get(cloud, f"/ports?name={name}")["ports"] == []


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"network_id": NOWHERE}, (404, "NetworkNotFound", f"Network {NOWHERE} could not be found.")),
        (
            {},
            (400, "HTTPBadRequest", "Failed to parse request. Required attribute 'network_id' not specified"),
        ),
        (
            {"network_id": "zz"},
            (400, "HTTPBadRequest", "Invalid input for network_id. Reason: 'zz' is not a valid UUID."),
        ),
        ({"network_id": "private", "bogus": 1}, (400, "HTTPBadRequest", "Unrecognized attribute(s) 'bogus'")),
        (
            {"network_id": "private", "name": 7},
            (400, "HTTPBadRequest", "Invalid input for name. Reason: '7' is not a valid string."),
        ),
        (
            {"network_id": "private", "fixed_ips": [{"ip_address": "99.0.9.9"}]},
            (
                400,
                "InvalidIpForNetwork",
                "IP address 99.0.9.9 is not a valid IP for any of the subnets on the specified network.",
            ),
        ),
        (
            {"network_id": "private", "fixed_ips": [{"subnet_id": NOWHERE}]},
            (404, "SubnetNotFound", f"Subnet {NOWHERE} could not be found."),
        ),
        (
            {"network_id": "private", "security_groups": [NOWHERE]},
            (404, "SecurityGroupNotFound", f"Security group {NOWHERE} does not exist"),
        ),
        ({"network_id": "public"}, (403, "PolicyNotAuthorized", "rule:create_port is disallowed by policy")),
    ],
)
def test_refused_ports(cloud, private, public, wish, expected):
    known = {"private": private["id"], "public": public["id"]}
    if wish.get("network_id") in known:
        wish = wish | {"network_id": known[wish["network_id"]]}
    assert refusal(cloud.call("POST", "network", "/ports", {"port": wish})) == expected


def test_bodies_that_are_no_ports(cloud):
    wrong = cloud.call("POST", "network", "/ports", {"prt": {}})
    assert refusal(wrong) == (400, "HTTPBadRequest", "Unable to find 'port' in request body")
    headers = {"Content-Type": "application/json"}
    broken = cloud.call("POST", "network", "/ports", data=b"{bad", headers=headers)
    assert refusal(broken) == (400, "HTTPBadRequest", "Body contains invalid data")


def test_refused_changes_of_a_port(cloud, private, make):
    path = f"/ports/{make()['id']}"
    answer = cloud.call("PUT", "network", path, {"port": {"network_id": private["id"]}})
    assert refusal(answer) == (400, "HTTPBadRequest", "Cannot update read-only attribute network_id")
    answer = cloud.call("PUT", "network", path, {"port": {"binding:host_id": "x"}})
    assert refusal(answer)[:2] == (403, "PolicyNotAuthorized")
    answer = cloud.call("PUT", "network", path, {"port": {"port_security_enabled": False}})
    assert refusal(answer)[:2] == (409, "PortSecurityPortHasSecurityGroup")
    answer = cloud.call(
        "PUT", "network", path, {"port": {"port_security_enabled": False, "security_groups": []}}
    )
    assert answer.status == 200


def test_a_servers_port_is_not_the_tenants_to_delete(cloud, make):
    path = f"/ports/{make(device_id='x', device_owner='compute:nova')['id']}"
    assert refusal(cloud.call("DELETE", "network", path)) == (
        403,
        "PolicyNotAuthorized",
        "rule:delete_port is disallowed by policy",
    )
    freed = cloud.call("PUT", "network", path, {"port": {"device_id": "", "device_owner": ""}})
    assert freed.body["port"]["device_owner"] == ""
    assert cloud.call("DELETE", "network", path).status == 204


def test_filters_fields_and_order(cloud, make):
    first, two = make(description=cloud.name()), make()
    address = first["fixed_ips"][0]["ip_address"]

    def ids(query):
        return {port["id"] for port in get(cloud, f"/ports?{query}")["ports"]}

    assert ids(f"name={first['name']}&name={two['name']}") == {first["id"], two["id"]}
    assert ids(f"description={first['description']}") == {first["id"]}
    assert ids(f"fixed_ips=ip_address={address}") == {first["id"]}
    assert first["id"] in ids(f"fixed_ips=ip_address_substr={address}")
    assert ids(f"id={first['id']}&status=ACTIVE") == set()
    assert {first["id"], two["id"]} <= ids(f"network_id={first['network_id']}&device_id=")
    assert {first["id"], two["id"]} <= ids(f"security_groups={first['security_groups'][0]}")
    ports = get(cloud, f"/ports?name={first['name']}&fields=id&fields=name")["ports"]
    assert ports == [{"id": first["id"], "name": first["name"]}]
    names = [
        port["name"]
        for port in get(cloud, f"/ports?name={first['name']}&name={two['name']}&sort_key=name&sort_dir=desc")[
            "ports"
        ]
    ]
    assert names == sorted(names, reverse=True)


def test_pages(cloud, make):
    ids = {make()["id"] for _ in range(3)}
    seen, path = [], "/ports?fields=id&limit=2"
    while path:
        body = get(cloud, path)
        seen += [port["id"] for port in body["ports"]]
        links = {link["rel"]: link["href"] for link in body.get("ports_links", ())}
        path = links["next"].partition("/v2.0")[2] if "next" in links else ""
    assert ids <= set(seen)
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("query", "kind", "message"),
    [
        ("bogus=1", "HTTPBadRequest", "['bogus'] is invalid attribute for filtering"),
        (
            "changed_since=2026-01-01T00:00:00",
            "HTTPBadRequest",
            "['changed_since'] is invalid attribute for filtering",
        ),
        ("limit=x", "BadRequest", "Bad limit request: Limit must be an integer 0 or greater and not 'x'."),
        ("limit=-1", "BadRequest", "Bad limit request: Limit must be an integer 0 or greater and not '-1'."),
        ("sort_key=bogus&sort_dir=asc", "HTTPBadRequest", "['bogus'] is invalid attribute for sort_keys"),
    ],
)
def test_refused_lists(cloud, query, kind, message):
    assert refusal(cloud.call("GET", "network", f"/ports?{query}")) == (400, kind, message)


def test_tags(cloud, make):
    path = f"/ports/{make()['id']}/tags"
    assert sorted(cloud.call("PUT", "network", path, {"tags": ["b", "a"]}).body["tags"]) == ["a", "b"]
    assert cloud.call("GET", "network", f"{path}/a").status == 204
    assert cloud.call("PUT", "network", f"{path}/c").status == 201
    assert sorted(get(cloud, path)["tags"]) == ["a", "b", "c"]
    assert cloud.call("DELETE", "network", f"{path}/c").status == 204
    gone = cloud.call("DELETE", "network", f"{path}/c")
    assert refusal(gone) == (404, "TagNotFound", "Tag c could not be found.")
    assert len(get(cloud, "/ports?tags=a,b")["ports"]) == 1
    assert get(cloud, "/ports?tags=a,zz")["ports"] == []
    assert len(get(cloud, "/ports?tags-any=a,zz")["ports"]) == 1


def test_a_floating_ip_leads_to_a_port_and_away(cloud, make, lead):
    port = make()
    floating_ip = lead(port_id=port["id"], description="mark")
    assert set(floating_ip) == FLOATINGIP
    assert floating_ip["status"] == "DOWN"
    assert floating_ip["fixed_ip_address"] == port["fixed_ips"][0]["ip_address"]
    assert set(floating_ip["port_details"]) == {
        "name", "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner",
    }  # fmt: skip
    path = f"/floatingips/{floating_ip['id']}"
    cloud.until(lambda: get(cloud, path)["floatingip"]["status"] == "ACTIVE")
    address = floating_ip["floating_ip_address"]
    assert get(cloud, f"/floatingips?floating_ip_address={address}&fields=id")["floatingips"] == [
        {"id": floating_ip["id"]}
    ]
    assert len(get(cloud, f"/floatingips?port_id={port['id']}")["floatingips"]) == 1
    answer = cloud.call("PUT", "network", path, {"floatingip": {"port_id": None}})
    assert answer.status == 200
    assert answer.body["floatingip"]["port_id"] is answer.body["floatingip"]["router_id"] is None
    cloud.until(lambda: get(cloud, path)["floatingip"]["status"] == "DOWN")
    missing = (404, "FloatingIPNotFound", f"Floating IP {floating_ip['id']} could not be found")
    assert refusal(cloud.other.call("GET", "network", path)) == missing
    assert cloud.call("DELETE", "network", path).status == 204
    assert refusal(cloud.call("DELETE", "network", path)) == missing


def test_a_body_without_port_lets_a_floating_ip_go(cloud, make, lead):
    floating_ip = lead(port_id=make()["id"])
    answer = cloud.call("PUT", "network", f"/floatingips/{floating_ip['id']}", {"floatingip": {}})
    assert answer.body["floatingip"]["port_id"] is None


def test_a_fixed_address_has_one_floating_ip(cloud, make, lead):
    port, free = make(), lead()
    lead(port_id=port["id"])
    answer = cloud.call(
        "PUT", "network", f"/floatingips/{free['id']}", {"floatingip": {"port_id": port["id"]}}
    )
    fixed = port["fixed_ips"][0]["ip_address"]
    assert refusal(answer) == (
        409,
        "FloatingIPPortAlreadyAssociated",
        f"Cannot associate floating IP {free['floating_ip_address']} ({free['id']}) with port {port['id']} using fixed"
        f" IP {fixed}, as that fixed IP already has a floating IP on external network {free['floating_network_id']}.",
    )


def test_a_deleted_port_lets_its_floating_ip_go(cloud, make, lead):
    port = make()
    floating_ip = lead(port_id=port["id"])
    assert cloud.call("DELETE", "network", f"/ports/{port['id']}").status == 204
    assert get(cloud, f"/floatingips/{floating_ip['id']}")["floatingip"]["port_id"] is None


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (
            {},
            (
                400,
                "HTTPBadRequest",
                "Failed to parse request. Required attribute 'floating_network_id' not specified",
            ),
        ),
        (
            {"floating_network_id": NOWHERE},
            (404, "NetworkNotFound", f"Network {NOWHERE} could not be found."),
        ),
        (
            {"floating_network_id": "public", "port_id": NOWHERE},
            (404, "PortNotFound", f"Port {NOWHERE} could not be found."),
        ),
        (
            {"floating_network_id": "public", "tags": ["mark"]},
            (400, "HTTPBadRequest", "Attribute 'tags' not allowed in POST"),
        ),
        (
            {"floating_network_id": "public", "floating_ip_address": "203.0.113.77"},
            (
                403,
                "PolicyNotAuthorized",
                "(rule:create_floatingip and rule:create_floatingip:floating_ip_address) is disallowed by policy",
            ),
        ),
    ],
)
def test_refused_floating_ips(cloud, public, wish, expected):
    if wish.get("floating_network_id") == "public":
        wish = wish | {"floating_network_id": public["id"]}
    assert refusal(cloud.call("POST", "network", "/floatingips", {"floatingip": wish})) == expected


def test_floating_ips_come_from_external_networks(cloud, private):
    answer = cloud.call(
        "POST", "network", "/floatingips", {"floatingip": {"floating_network_id": private["id"]}}
    )
    message = f"Bad floatingip request: Network {private['id']} is not a valid external network."
    assert refusal(answer) == (400, "BadRequest", message)


def test_a_wrong_fixed_address_is_refused(cloud, public, make):
    port = make()
    wish = {"floating_network_id": public["id"], "port_id": port["id"], "fixed_ip_address": "10.9.9.9"}
    answer = cloud.call("POST", "network", "/floatingips", {"floatingip": wish})
    message = f"Bad floatingip request: Port {port['id']} does not have fixed ip 10.9.9.9."
    assert refusal(answer) == (400, "BadRequest", message)


def test_a_network_of_ones_own_from_making_to_deleting(cloud, public, make):
    net = cloud.call("POST", "network", "/networks", {"network": {"name": cloud.name()}}).body["network"]
    cloud.later("DELETE", "network", f"/networks/{net['id']}")
    wish = {"network_id": net["id"], "cidr": "10.77.0.0/24", "ip_version": 4}
    subnet = cloud.call("POST", "network", "/subnets", {"subnet": wish}).body["subnet"]
    assert subnet["gateway_ip"] == "10.77.0.1"
    assert subnet["allocation_pools"] == [{"start": "10.77.0.2", "end": "10.77.0.254"}]
    port = make(network_id=net["id"])
    floating = {"floating_network_id": public["id"], "port_id": port["id"]}
    answer = cloud.call("POST", "network", "/floatingips", {"floatingip": floating})
    assert refusal(answer)[:2] == (404, "ExternalGatewayForFloatingIPNotFound")
    assert refusal(cloud.call("DELETE", "network", f"/networks/{net['id']}"))[:2] == (409, "NetworkInUse")
    assert refusal(cloud.call("DELETE", "network", f"/subnets/{subnet['id']}"))[:2] == (409, "SubnetInUse")

    gateway = {"external_gateway_info": {"network_id": public["id"]}}
    answer = cloud.call("POST", "network", "/routers", {"router": {"name": cloud.name()}})
    assert answer.status == 201
    router = f"/routers/{answer.body['router']['id']}"
    cloud.later("DELETE", "network", router)
    assert cloud.call("PUT", "network", router, {"router": gateway}).status == 200
    answer = cloud.call("PUT", "network", f"{router}/add_router_interface", {"subnet_id": subnet["id"]})
    assert answer.status == 200
    cloud.later("PUT", "network", f"{router}/remove_router_interface", {"subnet_id": subnet["id"]})
    assert set(answer.body) == {"id", "project_id", "port_id", "network_id", "subnet_id", "subnet_ids"}
    again = cloud.call("PUT", "network", f"{router}/add_router_interface", {"subnet_id": subnet["id"]})
    assert refusal(again)[:2] == (400, "BadRequest")
    assert refusal(cloud.call("DELETE", "network", router))[:2] == (409, "RouterInUse")
    interface = get(cloud, f"/ports/{answer.body['port_id']}")["port"]
    assert interface["device_owner"] == "network:router_interface"
    assert refusal(cloud.call("DELETE", "network", f"/ports/{interface['id']}"))[:2] == (
        409,
        "ServicePortInUse",
    )

    answer = cloud.call("POST", "network", "/floatingips", {"floatingip": floating})
    assert answer.status == 201
    path = f"/floatingips/{answer.body['floatingip']['id']}"
    cloud.later("DELETE", "network", path)
    answer = cloud.call("PUT", "network", f"{router}/remove_router_interface", {"subnet_id": subnet["id"]})
    assert refusal(answer)[:2] == (409, "RouterInterfaceInUseByFloatingIP")
    answer = cloud.call("PUT", "network", router, {"router": {"external_gateway_info": {}}})
    assert refusal(answer)[:2] == (409, "RouterExternalGatewayInUseByFloatingIp")


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        ({"cidr": "bad"}, "InvalidInput"),
        ({}, "BadRequest"),
        ({"cidr": "10.77.0.0/25"}, "InvalidInput"),
    ],
)
def test_refused_subnets(cloud, wish, kind):
    net = cloud.call("POST", "network", "/networks", {"network": {"name": cloud.name()}}).body["network"]
    cloud.later("DELETE", "network", f"/networks/{net['id']}")
    base = {"network_id": net["id"], "ip_version": 4}
    first = cloud.call("POST", "network", "/subnets", {"subnet": base | {"cidr": "10.77.0.0/24"}})
    assert first.status == 201
    assert refusal(cloud.call("POST", "network", "/subnets", {"subnet": base | wish}))[:2] == (400, kind)


def test_only_administrators_share_and_open_networks(cloud):
    for name in ("shared", "router:external"):
        answer = cloud.call("POST", "network", "/networks", {"network": {"name": cloud.name(), name: True}})
        rule = f"(rule:create_network and rule:create_network:{name}) is disallowed by policy"
        assert refusal(answer) == (403, "PolicyNotAuthorized", rule)


def test_the_default_group(cloud):
    groups = get(cloud, "/security-groups?name=default")["security_groups"]
    assert len(groups) == 1
    rules = {(rule["direction"], rule["ethertype"]): rule for rule in groups[0]["security_group_rules"]}
    assert len(rules) == 4
    assert rules["ingress", "IPv4"]["remote_group_id"] == groups[0]["id"]
    path = f"/security-groups/{groups[0]['id']}"
    assert refusal(cloud.call("DELETE", "network", path))[:2] == (409, "SecurityGroupCannotRemoveDefault")
    renamed = cloud.call("PUT", "network", path, {"security_group": {"name": "x"}})
    assert refusal(renamed)[:2] == (409, "SecurityGroupCannotUpdateDefault")
    another = cloud.call("POST", "network", "/security-groups", {"security_group": {"name": "default"}})
    assert refusal(another)[:2] == (409, "SecurityGroupDefaultAlreadyExists")
    assert len(get(cloud, "/security-groups?name=default", cloud.other)["security_groups"]) == 1


def test_a_group_begins_with_two_rules_and_goes_when_no_port_is_in_it(cloud, group, make):
    assert set(group) == GROUP
    assert [rule["direction"] for rule in group["security_group_rules"]] == ["egress", "egress"]
    path = f"/security-groups/{group['id']}"
    port = make(security_groups=[group["id"]])
    assert refusal(cloud.call("DELETE", "network", path)) == (
        409,
        "SecurityGroupInUse",
        f"Security Group {group['id']} in use.",
    )
    cloud.call("DELETE", "network", f"/ports/{port['id']}")
    assert cloud.call("DELETE", "network", path).status == 204
    missing = (404, "SecurityGroupNotFound", f"Security group {group['id']} does not exist")
    assert refusal(cloud.call("GET", "network", path)) == missing


def test_rules(cloud, group):
    wish = {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"}
    wish |= {"port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": "0.0.0.0/0"}
    answer = cloud.call("POST", "network", "/security-group-rules", {"security_group_rule": wish})
    assert answer.status == 201
    rule = answer.body["security_group_rule"]
    assert set(rule) == RULE
    exists = f"Security group rule already exists. Rule id is {rule['id']}."
    again = cloud.call("POST", "network", "/security-group-rules", {"security_group_rule": wish})
    assert refusal(again) == (409, "SecurityGroupRuleExists", exists)
    del wish["remote_ip_prefix"]
    anywhere = cloud.call("POST", "network", "/security-group-rules", {"security_group_rule": wish})
    assert refusal(anywhere) == (409, "SecurityGroupRuleExists", exists)
    both = [wish | {"port_range_min": 80, "port_range_max": 80}, wish]
    answer = cloud.call("POST", "network", "/security-group-rules", {"security_group_rules": both})
    assert refusal(answer)[:2] == (409, "SecurityGroupRuleExists")
    path = f"/security-group-rules?security_group_id={group['id']}"
    assert get(cloud, f"{path}&port_range_min=80")["security_group_rules"] == []
    both[1] = wish | {"protocol": "udp"}
    answer = cloud.call("POST", "network", "/security-group-rules", {"security_group_rules": both})
    assert (answer.status, len(answer.body["security_group_rules"])) == (201, 2)
    assert len(get(cloud, path)["security_group_rules"]) == 5
    path = f"/security-group-rules/{rule['id']}"
    assert cloud.call("DELETE", "network", path).status == 204
    missing = f"Security group rule {rule['id']} does not exist"
    assert refusal(cloud.call("DELETE", "network", path)) == (404, "SecurityGroupRuleNotFound", missing)


@pytest.mark.parametrize(
    ("wish", "status", "kind"),
    [
        ({"port_range_min": 25, "port_range_max": 22}, 400, "SecurityGroupInvalidPortRange"),
        ({"port_range_min": 0, "port_range_max": 70000}, 400, "SecurityGroupInvalidPortValue"),
        (
            {"protocol": None, "port_range_min": 1, "port_range_max": 2},
            400,
            "SecurityGroupProtocolRequiredWithPorts",
        ),
        ({"protocol": "bogus"}, 400, "SecurityGroupRuleInvalidProtocol"),
        ({"ethertype": "IPv9"}, 400, "SecurityGroupRuleInvalidEtherType"),
        ({"ethertype": "IPv6", "remote_ip_prefix": "0.0.0.0/0"}, 400, "SecurityGroupRuleParameterConflict"),
        ({"remote_group_id": NOWHERE}, 404, "SecurityGroupNotFound"),
        ({"security_group_id": NOWHERE}, 404, "SecurityGroupNotFound"),
        ({"direction": "up"}, 400, "HTTPBadRequest"),
        (
            {"remote_group_id": "own", "remote_ip_prefix": "10.0.0.0/8"},
            400,
            "SecurityGroupMultipleRemoteEntites",
        ),
    ],
)
def test_refused_rules(cloud, group, wish, status, kind):
    wish = {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"} | wish
    if wish.get("remote_group_id") == "own":
        wish["remote_group_id"] = group["id"]
    answer = cloud.call("POST", "network", "/security-group-rules", {"security_group_rule": wish})
    assert refusal(answer)[:2] == (status, kind)


def test_numbers_and_prefixes_of_rules_are_kept_as_they_came(cloud, group):
    wish = {"security_group_id": group["id"], "direction": "ingress", "protocol": "6"}
    wish |= {"port_range_min": 80, "port_range_max": 81, "remote_ip_prefix": "10.1.2.3/8"}
    answer = cloud.call("POST", "network", "/security-group-rules", {"security_group_rule": wish})
    rule = answer.body["security_group_rule"]
    assert (rule["protocol"], rule["remote_ip_prefix"], rule["normalized_cidr"]) == (
        "6",
        "10.1.2.3/8",
        "10.0.0.0/8",
    )


def test_quotas_and_their_use(cloud, make):
    make()
    limits = get(cloud, f"/quotas/{cloud.project_id}")["quota"]
    assert set(limits) == {
        "network", "subnet", "subnetpool", "port", "router_route", "router", "floatingip", "rbac_policy",
        "security_group", "security_group_rule", "trunk",
    }  # fmt: skip
    details = get(cloud, f"/quotas/{cloud.project_id}/details.json")["quota"]
    assert details["port"]["limit"] == limits["port"]
    assert details["port"]["used"] >= 1
    assert set(details["port"]) == {"limit", "used", "reserved"}
    answer = cloud.other.call("GET", "network", f"/quotas/{cloud.project_id}")
    assert refusal(answer) == (403, "PolicyNotAuthorized", "rule:get_quota is disallowed by policy")
    answer = cloud.call("PUT", "network", f"/quotas/{cloud.project_id}", {"quota": {"port": 1}})
    assert refusal(answer) == (403, "PolicyNotAuthorized", "rule:update_quota is disallowed by policy")


def test_a_full_quota(cloud, public):
    path = f"/quotas/{cloud.other.project_id}"
    before = get(cloud, path, cloud.admin)["quota"]
    cloud.admin.later("PUT", "network", path, {"quota": before})
    assert cloud.admin.call("PUT", "network", path, {"quota": {"floatingip": 0, "network": 0}}).status == 200
    answer = cloud.other.call(
        "POST", "network", "/floatingips", {"floatingip": {"floating_network_id": public["id"]}}
    )
    assert refusal(answer) == (409, "OverQuota", "Quota exceeded for resources: ['floatingip'].")
    answer = cloud.other.call("POST", "network", "/networks", {"network": {"name": cloud.name()}})
    assert refusal(answer) == (409, "OverQuota", "Quota exceeded for resources: ['network'].")
    answer = cloud.admin.call("PUT", "network", path, {"quota": {"bogus": 1}})
    assert refusal(answer) == (400, "HTTPBadRequest", "Unrecognized attribute(s) 'bogus'")


def test_the_auto_allocated_topology(cloud):
    project = cloud.other.project_id
    path = f"/auto-allocated-topology/{project}"
    tried = get(cloud, f"{path}?fields=dry-run", cloud.other)["auto_allocated_topology"]
    assert tried == {"id": "dry-run=pass", "project_id": project}
    cloud.other.later("DELETE", "network", path)
    topology = get(cloud, path, cloud.other)["auto_allocated_topology"]
    assert topology == get(cloud, path, cloud.other)["auto_allocated_topology"]
    assert set(topology) == {"id", "project_id", "tenant_id"}
    network = get(cloud, f"/networks/{topology['id']}", cloud.other)["network"]
    assert network["name"] == "auto_allocated_network"
    subnet = get(cloud, f"/subnets/{network['subnets'][0]}", cloud.other)["subnet"]
    assert subnet["name"] == "auto_allocated_subnet_v4"
    assert subnet["cidr"].endswith("/26")
    router = get(cloud, "/routers?name=auto_allocated_router", cloud.other)["routers"][0]
    assert router["external_gateway_info"]
    assert cloud.other.call("DELETE", "network", path).status == 204
    assert get(cloud, "/networks?name=auto_allocated_network", cloud.other)["networks"] == []
    assert (
        refusal(cloud.other.call("GET", "network", f"/auto-allocated-topology/{cloud.project_id}"))[0] == 403
    )


def test_lists_of_what_there_is_none_of(cloud):
    assert get(cloud, "/agents") == {"agents": []}
    assert get(cloud, "/address-scopes") == {"address_scopes": []}
    assert get(cloud, "/availability_zones") == {"availability_zones": []}
    assert get(cloud, "/subnetpools")["subnetpools"][0]["name"] == "shared-pool"
    usage = get(cloud, "/network-ip-availabilities", cloud.admin)["network_ip_availabilities"]
    assert {"public", "private"} <= {network["network_name"] for network in usage}


def test_paths_that_lead_nowhere(cloud):
    answer = cloud.call("GET", "network", "/bogus")
    assert refusal(answer) == (404, "HTTPNotFound", "The resource could not be found.")
    assert answer.headers["x-openstack-request-id"].startswith("req-")
