"""A launch asks of the cloud what it needs to know, and nothing else: each question is a plumbing call."""

from typing import Any

import msgspec
import pytest

from enamel.commands import COMMANDS
from enamel.commands.facts import FactsNeeded
from tests.unit.commands import north

NEUTRON = {"ports", "addresses", "security_groups"}
LEAST = FactsNeeded(
    flavors=True,
    images=True,
    templates=frozenset({"cirros"}),
    named={"flavors": frozenset({"m1.small"})},
    networks=True,
    server_names=frozenset({"web"}),
    quota=frozenset({"servers", "cores", "memory_mb", *NEUTRON}),
)
ROUTES = {"routers": True}
ID = "00000000-0000-4000-8000-000000000001"
MORE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "no network": (
        {"networks": "none"},
        {"networks": False, "quota": LEAST.quota - NEUTRON},
    ),
    "a public address": ({"public_address": True}, ROUTES),
    "a public address on a network": (
        {"public_address": True, "networks": ["a", {"network": "b"}]},
        {**ROUTES, "routed": frozenset({"a", "b"})},
    ),
    "a public address on a subnet": (
        {"public_address": True, "networks": [{"network": "a", "subnet": "b"}]},
        {**ROUTES, "routed": frozenset({"a"}), "subnets": True},
    ),
    "an address of one's own": (
        {"public_address": {"address": "x"}},
        {**ROUTES, "subnets": True, "addresses": True},
    ),
    "a public address of a port": (
        {"public_address": True, "networks": [{"port": "free"}]},
        {**ROUTES, "subnets": True, "ports": frozenset({"free"}), "addresses": True},
    ),
    "a subnet": ({"networks": [{"network": "a", "subnet": "b"}]}, {"subnets": True}),
    "a port": ({"networks": [{"port": "free"}]}, {"ports": frozenset({"free"})}),
    "a placement": ({"placement": "az1"}, {"zones": True}),
    "rules": ({"allow": ["icmp"]}, {}),
    "rules on ports": ({"allow": ["icmp"], "placement": "az1"}, {"zones": True, "security_groups": True}),
    "a rule from a group": ({"allow": ["icmp from web"]}, {"security_groups": True}),
    "a group": ({"security_groups": ["web"]}, {"security_groups": True}),
    "new volumes": (
        {"volumes": [{"size_gb": 1}]},
        {"quota": LEAST.quota | {"volumes", "gigabytes"}},
    ),
    "a boot volume": (
        {"boot_volume": {"size_gb": 1, "type": "x"}},
        {"quota": LEAST.quota | {"volumes", "gigabytes"}, "volume_types": True},
    ),
    "a volume that is there": ({"volumes": [{"volume": "x"}]}, {"volumes": True}),
    "a key": (
        {"keypair": {"name": "me", "public_key": "x"}},
        {"keypairs": frozenset({"me"}), "quota": LEAST.quota | {"keypairs"}},
    ),
    "a key id": ({"keypair_id": "me"}, {"keypairs": frozenset({"me"})}),
    "peers": ({"affinity": {"near": {"server_tags": ["x"]}}}, {"servers": True}),
    "spread": ({"affinity": {"spread": True}}, {}),
    "ids": (
        {
            "networks": [{"network": ID}],
            "security_groups": [ID],
            "volumes": [{"volume": ID}, {"size_gb": 1, "type": ID}],
            "public_address": {"from": ID},
        },
        {
            "named": {
                kind: frozenset({ID}) for kind in ("networks", "security_groups", "volumes", "volume_types")
            }
            | LEAST.named,
            "security_groups": True,
            "routers": True,
            "routed": frozenset({ID}),
            "volumes": True,
            "volume_types": True,
            "quota": LEAST.quota | {"volumes", "gigabytes"},
        },
    ),
    "properties": ({"properties": {"a": "b"}}, {"quota": LEAST.quota | {"properties"}}),
    "three apart": (
        {"count": 3, "spread": True},
        {
            "server_names": frozenset({"web-1", "web-2", "web-3"}),
            "quota": LEAST.quota | {"server_groups", "server_group_members"},
        },
    ),
    "three": ({"count": 3}, {"server_names": frozenset({"web-1", "web-2", "web-3"})}),
}


@pytest.mark.parametrize(("body", "changes"), MORE.values(), ids=MORE)
def test_a_launch_asks_what_it_needs(body: dict[str, Any], changes: dict[str, Any]) -> None:
    asked = COMMANDS["server.create"].ask(north.want(north.launch(**body)))
    assert asked == msgspec.structs.replace(LEAST, **changes)
