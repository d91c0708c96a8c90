"""Whatever is asked of whatever cloud: there are faults, or there is a plan that can be carried out."""

from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from enamel.clouds.capability import Capability
from enamel.commands import COMMANDS
from enamel.commands.facts import Facts
from enamel.flow import plan as plans
from enamel.flow.plan import Plan
from enamel.model import cloud
from enamel.model.launch import Launch
from tests.unit.commands import north

KNOWN = north.facts()


def _some(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def _maybe(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


NETWORK = st.one_of(
    _some("private", "public", "twin", "lan", north.PRIVATE),
    _maybe(
        {
            "network": _some("private", "public", "lan"),
            "subnet": _some("private-subnet", "x"),
            "fixed_ip": _some("10.0.0.9", "10.0.0"),
            "port": _some("free", "busy", north.FREE_PORT),
        }
    ),
)
VOLUME = _maybe(
    {
        "size_gb": st.integers(1, 50),
        "type": _some("standard", "x"),
        "name": st.text(min_size=1, max_size=5),
        "volume": _some("data", "shared", "taken", "x"),
    }
)
PEERS = _maybe(
    {
        "server_ids": st.lists(_some(north.NEIGHBOUR, "x"), max_size=2),
        "server_tags": st.lists(_some("database", "x"), max_size=2),
    }
)
FIELDS = {
    "hostname": _some("a", "b", "c", "-", "web-1"),
    "template": _some("cirros", "ubuntu", "system", "data", "fresh", "x"),
    "template_id": _some(north.CIRROS, north.SYSTEM, "x"),
    "type": st.one_of(
        _some("m1.tiny", "m1.small", "v1.small", "", "x"),
        _maybe({"memory_mb": st.integers(1, 9000), "cpu_units": st.integers(1, 4)}),
    ),
    "type_id": _some(north.SMALL, "x"),
    "placement": _some("north", "RegionOne", "az1", "north/RegionOne/az2", "south", "/", "x"),
    "placement_id": _some(north.id_of(1), "x"),
    "networks": st.one_of(_some("auto", "none", "x"), st.lists(NETWORK, max_size=3)),
    "public_address": st.one_of(
        st.booleans(), _maybe({"from": _some("public", "x"), "address": _some("203.0.113.7", "x")})
    ),
    "boot_volume": st.fixed_dictionaries(
        {"size_gb": st.integers(1, 50)}, optional={"type": _some("standard", "x")}
    ),
    "volumes": st.lists(VOLUME, max_size=3),
    "keypair": st.one_of(
        _some("old", "x", ""),
        st.fixed_dictionaries(
            {"name": _some("old", "me", "/")}, optional={"public_key": _some(north.KEY, north.OTHER_KEY, "x")}
        ),
    ),
    "keypair_id": _some("old", "x"),
    "allow": st.lists(
        st.one_of(
            _some("tcp/22", "icmp", "tcp/5 from web", "any from ::/0"), st.text(min_size=1, max_size=9)
        ),
        max_size=3,
    ),
    "security_groups": st.lists(_some("default", "web", "x"), max_size=2),
    "user_data": _some("aGk=", "?", ""),
    "affinity": _maybe({"near": PEERS, "not_near": PEERS, "spread": st.booleans()}),
    "spread": st.booleans(),
    "properties": st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=2),
    "tags": st.lists(st.text(min_size=1, max_size=5), max_size=3),
    "ready_when": _some("active", "tcp/22", "http://:80/", "x"),
}
WISH = _maybe(FIELDS)
COMMON = _maybe({**FIELDS, "hostname_pattern": _some("w%(rand_num)1d", "web-%(rand_num)3d", "x")})
WHOLE = _maybe(
    {
        "name": _some("web", "-", "w" * 63),
        "count": st.integers(1, 12),
        "defaults": COMMON,
        "servers": st.lists(WISH, min_size=1, max_size=4),
        "on_failure": _some("ROLLBACK", "KEEP"),
        "all_or_nothing": st.booleans(),
        "ttl": _some("2d", "x"),
        "timeout": _some("30m", "x"),
        "not_before": _some("2030-01-01T00:00:00Z", "2030-01-01T00:00:00"),
        "priority": _some("LOW", "NORMAL", "HIGH"),
    }
)
BODIES = st.one_of(
    # Few random bodies have everything that is required; these do, and so get as far as a plan.
    st.builds(lambda extra: north.launch(**extra), _maybe({**FIELDS, "count": st.integers(1, 12)})),
    st.builds(
        lambda servers: {"defaults": {"template": "cirros", "type": "m1.small"}, "servers": servers},
        st.lists(
            st.builds(lambda name, rest: {"hostname": name, **rest}, st.uuids().map(str), WISH), min_size=1
        ),
    ),
    st.builds(lambda common, whole: {**common, **whole}, COMMON, WHOLE),
)


def _part(things: tuple[Any, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(_some(*things), unique_by=lambda thing: thing.name, max_size=len(things)).map(tuple)


LIMIT = st.builds(cloud.Limit, limit=st.integers(-1, 20), used=st.integers(0, 20))
CLOUDS = st.one_of(
    st.just(KNOWN),
    st.builds(
        lambda **changes: north.facts(**changes),
        capabilities=st.frozensets(_some(*Capability)),
        flavors=_part(KNOWN.flavors),
        images=_part(KNOWN.images),
        networks=_part((*north.NETWORKS, *north.TWINS)),
        zones=_part((*KNOWN.zones, cloud.Zone(name="az3", available=False))),
        volumes=_part(KNOWN.volumes),
        security_groups=_part(KNOWN.security_groups),
        quota=st.dictionaries(_some("servers", "cores", "ports", "volumes", "addresses"), LIMIT),
        reserved=st.dictionaries(_some("servers", "cores", "ports"), st.integers(0, 9)),
        reserved_names=st.frozensets(_some("web", "a", "web-1")),
    ),
)


def _references(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if len(value) == 1 and value.keys() <= {"ref", "alt", "secret"}:
            [(kind, path)] = value.items()
            yield kind, path
            return
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _references(part)


def _hold(made: Plan, secrets: set[str]) -> None:
    """See that a plan can be carried out from its beginning to its end."""
    done: set[str] = set()
    groups = {group.name: group for group in made.groups}
    for node in made.nodes:
        # Steps stand behind all that they wait for, so that there is no circle.
        assert set(node.after) <= done
        for kind, path in _references(node.inputs):
            if kind == "ref":
                assert path.split(".")[0] in node.after
            elif kind == "alt":
                assert all(path in place for place in groups[node.group or ""].alternatives)
            else:
                assert path in secrets
        assert node.group is None or node.group in groups
        assert set(node.members) <= groups.keys()
        done.add(node.name)
    assert len(done) == len(made.nodes)
    assert len(groups) == len(made.groups)


@settings(max_examples=150, deadline=None)
@given(body=BODIES, known=CLOUDS)
def test_any_launch_on_any_cloud_has_faults_or_a_plan_that_holds(body: dict[str, Any], known: Facts) -> None:
    try:
        want = north.want(body)
    except msgspec.ValidationError:
        return
    command = COMMANDS["server.create"]
    command.ask(want)
    made = command.plan(want, known)
    again = command.plan(want, known)
    assert plans.data(again.plan) == plans.data(made.plan)
    assert again.faults == made.faults
    assert len(set(made.faults)) == len(made.faults)
    if not made.faults:
        assert made.plan.nodes
        _hold(north.stored(made.plan), set(made.secrets))


def test_every_field_of_a_launch_is_tried() -> None:
    tried = {*FIELDS, "name", "count", "defaults", "servers", "hostname_pattern"}
    tried |= {"on_failure", "all_or_nothing", "ttl", "timeout", "not_before", "priority"}
    assert tried | {"notify"} == set(Launch.__struct_fields__)
