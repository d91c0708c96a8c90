"""Every fault of a launch is found in one go, with a pointer to where it is and a code."""

import base64
from typing import Any

import pytest

from enamel.clouds.capability import Capability
from enamel.commands import COMMANDS, quota
from enamel.model import cloud
from enamel.model.states import ServerState
from tests.unit.commands import north

FAULTS: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "no name": ({"name": None}, {("/name", "required")}),
    "no template": ({"template": None}, {("/template", "required")}),
    "no type": ({"type": None}, {("/type", "required")}),
    "a name that is none": ({"name": "-web"}, {("/name", "invalid")}),
    "a name that grows too long": ({"name": "w" * 62, "count": 2}, {("/name", "invalid")}),
    "a pattern without digits": (
        {"name": None, "hostname_pattern": "web"},
        {("/hostname_pattern", "invalid"), ("/name", "required")},
    ),
    "a pattern with too few": (
        {"name": None, "hostname_pattern": "w%(rand_num)1d", "count": 11},
        {("/hostname_pattern", "invalid")},
    ),
    "unknown template": ({"template": "cirrus"}, {("/template", "unknown")}),
    "unknown template id": (
        {"template": None, "template_id": north.id_of(99)},
        {("/template_id", "unknown")},
    ),
    "a name for an id": (
        {"template": None, "template_id": "cirros"},
        {("/template_id", "invalid"), ("/template_id", "unknown")},
    ),
    "both spellings": ({"type_id": north.SMALL}, {("/type_id", "invalid")}),
    "a template that is not ready": ({"template": "fresh"}, {("/template", "invalid")}),
    "a volume that does not boot": ({"template": "data"}, {("/template", "invalid")}),
    "one volume for two servers": ({"template": "system", "count": 2}, {("/template", "duplicate")}),
    "a volume and a boot volume": (
        {"template": "system", "boot_volume": {"size_gb": 1}},
        {("/template", "invalid")},
    ),
    "unknown type": ({"type": "m1.huge"}, {("/type", "unknown")}),
    "unknown type id": ({"type": None, "type_id": "7"}, {("/type_id", "unknown")}),
    "no type so large": ({"type": {"memory_mb": 99999}}, {("/type", "unknown")}),
    "template bigger than the disk": (
        {"template": "ubuntu", "type": "m1.tiny"},
        {("/template", "too_small"), ("/type", "too_small")},
    ),
    "template bigger than the boot volume": (
        {"template": "ubuntu", "boot_volume": {"size_gb": 9}},
        {("/boot_volume/size_gb", "too_small")},
    ),
    "unknown zone": ({"placement": "az9"}, {("/placement", "unknown")}),
    "unknown cloud": ({"placement": "west/RegionOne"}, {("/placement", "unknown")}),
    "unknown placement id": ({"placement_id": north.id_of(9)}, {("/placement_id", "unknown")}),
    "no placement id": (
        {"placement_id": "az1"},
        {("/placement_id", "invalid"), ("/placement_id", "unknown")},
    ),
    "unknown network": ({"networks": ["lan"]}, {("/networks/0", "unknown")}),
    "unknown subnet": (
        {"networks": [{"network": "private", "subnet": "x"}]},
        {("/networks/0/subnet", "unknown")},
    ),
    "a word for networks": ({"networks": "all"}, {("/networks", "invalid")}),
    "no networks": ({"networks": []}, {("/networks", "invalid")}),
    "neither network nor port": ({"networks": [{}]}, {("/networks/0", "invalid")}),
    "network and port": (
        {"networks": [{"network": "private", "port": "free"}]},
        {("/networks/0", "invalid")},
    ),
    "a port with an address": (
        {"networks": [{"port": "free", "fixed_ip": "10.0.0.9"}]},
        {("/networks/0", "invalid")},
    ),
    "a port with rules": (
        {"networks": [{"port": "free"}], "allow": ["icmp"]},
        {("/allow", "invalid")},
    ),
    "no address": (
        {"networks": [{"network": "private", "fixed_ip": "10.0.0"}]},
        {("/networks/0/fixed_ip", "invalid")},
    ),
    "one fixed address for two": (
        {"networks": [{"network": "private", "fixed_ip": "10.0.0.9"}], "count": 2},
        {("/networks/0/fixed_ip", "duplicate")},
    ),
    "unknown port": ({"networks": [{"port": "x"}]}, {("/networks/0/port", "unknown")}),
    "a port in use": ({"networks": [{"port": "busy"}]}, {("/networks/0/port", "in_use")}),
    "one port for two": (
        {"networks": [{"port": "free"}], "count": 2},
        {("/networks/0/port", "duplicate")},
    ),
    "a public address without a network": (
        {"networks": "none", "public_address": True},
        {("/public_address", "invalid")},
    ),
    "unknown external network": (
        {"public_address": {"from": "private"}},
        {("/public_address/from", "unknown")},
    ),
    "unknown address": (
        {"public_address": {"address": "203.0.113.99"}},
        {("/public_address/address", "unknown")},
    ),
    "an address in use": (
        {"public_address": {"address": "203.0.113.8"}},
        {("/public_address/address", "in_use")},
    ),
    "one address for two": (
        {"public_address": {"address": "203.0.113.7"}, "count": 2},
        {("/public_address/address", "duplicate")},
    ),
    "an address from somewhere": (
        {"public_address": {"address": "203.0.113.7", "from": "public"}},
        {("/public_address", "invalid")},
    ),
    "unknown volume type": (
        {"boot_volume": {"size_gb": 1, "type": "x"}, "volumes": [{"size_gb": 1, "type": "y"}]},
        {("/boot_volume/type", "unknown"), ("/volumes/0/type", "unknown")},
    ),
    "a volume of nothing": ({"volumes": [{"name": "x"}]}, {("/volumes/0", "invalid")}),
    "a volume of both": (
        {"volumes": [{"size_gb": 1, "volume": "data"}]},
        {("/volumes/0", "invalid")},
    ),
    "an existing volume renamed": (
        {"volumes": [{"volume": "data", "name": "x"}]},
        {("/volumes/0", "invalid")},
    ),
    "unknown volume": ({"volumes": [{"volume": "x"}]}, {("/volumes/0/volume", "unknown")}),
    "a volume in use": ({"volumes": [{"volume": "taken"}]}, {("/volumes/0/volume", "in_use")}),
    "a volume twice": (
        {"volumes": [{"volume": "data"}, {"volume": "data"}]},
        {("/volumes/1/volume", "duplicate")},
    ),
    "unknown key": ({"keypair": "me"}, {("/keypair", "unknown")}),
    "unknown key id": ({"keypair_id": "me"}, {("/keypair_id", "unknown")}),
    "an empty key name": (
        {"keypair": ""},
        {("/keypair", "invalid"), ("/keypair", "unknown")},
    ),
    "a key that is none": (
        {"keypair": {"name": "me", "public_key": "hello"}},
        {("/keypair/public_key", "invalid")},
    ),
    "a key with a bad name": (
        {"keypair": {"name": "me/you", "public_key": north.KEY}},
        {("/keypair/name", "invalid")},
    ),
    "another key of the name": (
        {"keypair": {"name": "old", "public_key": north.OTHER_KEY}},
        {("/keypair", "taken")},
    ),
    "no rule": ({"allow": ["tcp/22", "tcp/22-"]}, {("/allow/1", "invalid")}),
    "a rule from an unknown group": ({"allow": ["tcp/22 from db"]}, {("/allow/0", "unknown")}),
    "an unknown group": ({"security_groups": ["web", "x"]}, {("/security_groups/1", "unknown")}),
    "rules without a network": ({"networks": "none", "allow": ["icmp"]}, {("/networks", "invalid")}),
    "user data that is no base64": ({"user_data": "#!/bin/sh"}, {("/user_data", "invalid")}),
    "user data that is too long": (
        {"user_data": base64.b64encode(b"x" * 65536).decode()},
        {("/user_data", "invalid")},
    ),
    "unknown peers": (
        {"affinity": {"near": {"server_ids": ["x"], "server_tags": ["y"]}}},
        {("/affinity/near/server_ids/0", "unknown"), ("/affinity/near/server_tags/0", "unknown")},
    ),
    "a property that Nova would refuse": (
        {"properties": {"a/b": "1", "ok": "x" * 256}},
        {("/properties/a~1b", "invalid"), ("/properties/ok", "invalid")},
    ),
    "the property that is Enamel's": ({"properties": {"enamel": "x"}}, {("/properties/enamel", "invalid")}),
    "tags that are none": (
        {"tags": ["", "a,b", "x" * 51, "x" * 50]},
        {("/tags/0", "length"), ("/tags/1", "format"), ("/tags/2", "length")},
    ),
    "too many tags": ({"tags": [str(number) for number in range(51)]}, {("/tags", "invalid")}),
    "readiness that is none": ({"ready_when": "ssh"}, {("/ready_when", "invalid")}),
    "a path with a space": ({"ready_when": "http://:80/are you up"}, {("/ready_when", "invalid")}),
    "a fixed address that is elsewhere": (
        {"networks": [{"network": "private", "fixed_ip": "192.0.2.7"}]},
        {("/networks/0/fixed_ip", "invalid")},
    ),
    "a fixed address of another version": (
        {"networks": [{"network": "private", "fixed_ip": "fd00::7"}]},
        {("/networks/0/fixed_ip", "invalid")},
    ),
    "readiness without a network": (
        {"networks": "none", "ready_when": "tcp/22"},
        {("/ready_when", "invalid")},
    ),
    "no durations": (
        {"ttl": "soon", "timeout": "0s"},
        {("/ttl", "invalid"), ("/timeout", "invalid")},
    ),
    "a time that is none": ({"not_before": "1970-01-01T00:00:00Z"}, {("/not_before", "invalid")}),
    "high priority": ({"priority": "HIGH"}, {("/priority", "forbidden")}),
    "two ways to say how many": (
        {"servers": [{"hostname": "a"}]},
        {("/servers", "invalid")},
    ),
    "two places for what is common": (
        {"defaults": {"template": "cirros", "type": "m1.small"}},
        {("/template", "invalid"), ("/type", "invalid")},
    ),
}


@pytest.mark.parametrize(("body", "expected"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found_where_it_is(body: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert north.faults(**body) == expected


def test_all_faults_are_found_in_one_go() -> None:
    body = {
        "defaults": {"template": "nope", "type": "m1.small", "allow": ["what"], "ready_when": "x"},
        "servers": [
            {"hostname": "a", "networks": ["lan"]},
            {"hostname": "a", "type": "big", "keypair": "k"},
            {"hostname": "db", "user_data": "?"},
        ],
        "ttl": "x",
    }
    taken = cloud.Server(id=north.NEIGHBOUR, name="db", state=ServerState.ACTIVE)
    full = {"servers": cloud.Limit(limit=4, used=2)}
    made = north.planned(body, north.facts(servers_named=(taken,), quota=full))
    assert sorted((one.pointer, one.code) for one in made.faults) == [
        ("", "quota_exceeded"),
        ("/defaults/allow/0", "invalid"),
        ("/defaults/ready_when", "invalid"),
        ("/defaults/template", "unknown"),
        ("/servers/0/networks/0", "unknown"),
        ("/servers/1/hostname", "duplicate"),
        ("/servers/1/keypair", "unknown"),
        ("/servers/1/type", "unknown"),
        ("/servers/2/hostname", "taken"),
        ("/servers/2/user_data", "invalid"),
        ("/ttl", "invalid"),
    ]


def test_an_ambiguous_name_is_told_with_all_ids() -> None:
    known = north.facts(networks=(*north.NETWORKS, *north.TWINS))
    said = north.detail(known, networks=["twin"])
    assert north.TWIN_A in said
    assert north.TWIN_B in said


def test_a_name_that_is_nearly_right_is_guessed() -> None:
    assert "Did you mean 'cirros'" in north.detail(template="ciros")


def test_several_networks_have_to_be_named() -> None:
    known = north.facts(networks=(*north.NETWORKS, *north.TWINS))
    assert north.faults(known) == {("/networks", "ambiguous")}


def test_several_external_networks_have_to_be_named() -> None:
    more = cloud.Network(id=north.id_of(29), name="public-2", project_id="b", external=True, subnets=("s",))
    known = north.facts(networks=(*north.NETWORKS, more))
    assert north.faults(known, public_address=True) == {("/public_address", "ambiguous")}
    assert north.faults(known, public_address={"from": "public-2"}) == set()


def test_no_zone_left_is_told() -> None:
    known = north.facts(zones=(cloud.Zone(name="az1", available=False),))
    assert north.faults(known, placement="az1") == {("/placement", "unavailable")}
    assert north.faults(known, placement="north") == {("/placement", "unavailable")}


def test_two_servers_cannot_bring_two_keys_of_one_name() -> None:
    servers = [
        {"hostname": name, "keypair": {"name": "me", "public_key": key}}
        for name, key in (("a", north.KEY), ("b", north.OTHER_KEY))
    ]
    made = north.planned({"template": "cirros", "type": "m1.tiny", "servers": servers})
    assert [(one.pointer, one.code) for one in made.faults] == [("/servers/1/keypair", "duplicate")]


def test_servers_of_two_clouds_are_two_launches() -> None:
    servers = [{"hostname": "a", "placement": "north"}, {"hostname": "b", "placement": "south"}]
    body = {"template": "cirros", "type": "m1.tiny", "servers": servers}
    named, faults = COMMANDS["server.create"].cloud(north.want(body))
    assert named == "north"
    assert [one.pointer for one in faults] == ["/servers/1/placement"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"volumes": [{"size_gb": 1}]}, "volumes"),
        ({"boot_volume": {"size_gb": 1}}, "boot_volume"),
        ({"public_address": True}, "public_address"),
    ],
    ids=["volumes", "boot_volume", "public_address"],
)
def test_what_the_cloud_has_no_service_for_is_refused(body: dict[str, Any], field: str) -> None:
    known = north.facts(capabilities=frozenset({Capability.COMPUTE, Capability.NETWORK}))
    assert north.faults(known, **body) == {(f"/{field}", "capability_missing")}


# -- names that are taken, quotas that are full


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"servers_named": (cloud.Server(id="1", name="web-2", state=ServerState.ACTIVE),)},
            {("/name", "taken")},
        ),
        ({"servers_named": (cloud.Server(id="1", name="web-2", state=ServerState.SOFT_DELETED),)}, set()),
        ({"reserved_names": frozenset({"web-2", "else"})}, {("/name", "taken")}),
    ],
    ids=["a server", "a deleted server", "a running task"],
)
def test_a_name_is_taken_by(changes: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert north.faults(north.facts(**changes), count=2) == expected


@pytest.mark.parametrize(
    ("kind", "body", "wanted"),
    [
        ("servers", {"count": 3}, 3),
        ("cores", {"type": "m1.medium", "count": 2}, 4),
        ("memory_mb", {}, 2048),
        ("volumes", {"volumes": [{"size_gb": 1}, {"size_gb": 1}]}, 2),
        ("gigabytes", {"volumes": [{"size_gb": 7}], "boot_volume": {"size_gb": 3}}, 10),
        ("ports", {"networks": ["private", "public"]}, 2),
        ("addresses", {"public_address": True, "count": 2}, 2),
        ("security_groups", {"allow": ["icmp"], "count": 2}, 1),
    ],
)
def test_a_full_quota_is_told_with_its_numbers(kind: str, body: dict[str, Any], wanted: int) -> None:
    limit = cloud.Limit(limit=wanted + 4, used=4)
    assert north.faults(north.facts(quota={kind: limit}), **body) == set()
    promised = north.facts(quota={kind: limit}, reserved={kind: 1})
    [fault] = north.planned(north.launch(**body), promised).faults
    assert (fault.pointer, fault.code) == ("", "quota_exceeded")
    for part in (f"{wanted} ", f"{wanted - 1} free", f"limit {wanted + 4}", "4 used", "1 reserved"):
        assert part in fault.detail


def test_no_limit_is_never_full() -> None:
    known = north.facts(quota={"servers": cloud.Limit(limit=-1, used=10**9)})
    assert north.faults(known, count=100) == set()


def test_the_numbers_are_there_for_programs() -> None:
    known = north.facts(quota={"servers": cloud.Limit(limit=10, used=4)}, reserved={"servers": 2})
    assert quota.numbers({"servers": 5, "keypairs": 1}, known) == {
        "servers": {"wanted": 5, "free": 4, "limit": 10, "used": 4, "reserved": 2}
    }
