"""Where a public address can come from and go to: what is refused is impossible, what is proven works, whatever is seen."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from enamel.commands import public_route
from enamel.commands.public_route import Choice, Proof, Target, Topology
from enamel.model import cloud, ip
from tests.unit.commands import north

MINE, OTHERS = north.PROJECT, "b" * 32


# -- random clouds


class Truth(Struct, frozen=True, kw_only=True):
    """A cloud as it is, of which the project sees a part."""

    networks: tuple[cloud.Network, ...]
    subnets: tuple[cloud.Subnet, ...]
    routers: tuple[cloud.Router, ...]
    hidden: frozenset[str]
    """Routers of other projects."""

    def visible(self, *, subnets: tuple[cloud.Subnet, ...] | None = None) -> Topology:
        """Return what Neutron shows the project; subnets take the place of its own ones."""
        known = self.subnets if subnets is None else subnets
        return Topology(north.facts(networks=self.networks, subnets=known, routers=self.visible_routers()))

    def visible_routers(self) -> tuple[cloud.Router, ...]:
        """Return what Neutron shows the project of the routers."""
        own = {network.id for network in self.networks if network.project_id == MINE}
        routers = []
        for router in self.routers:
            seen = router
            if router.id in self.hidden:
                inside = [subnet.id for subnet in self.subnets if subnet.network_id in own]
                seen = cloud.Router(
                    id=router.id,
                    subnets=tuple(id for id in router.subnets if id in inside),
                    gateways=None,
                    ends=tuple(end for end in router.ends if end.subnet_id in inside),
                )
            if seen.subnets or router.id not in self.hidden:
                routers.append(seen)
        return tuple(routers)

    def accepts(self, network_id: str, address: str, source: str) -> bool:
        """Tell whether Neutron puts a floating IP of a network on an address."""
        homes = {
            subnet.id
            for subnet in self.subnets
            if subnet.network_id == network_id and ip.contains(subnet.cidr, address)
        }
        return ip.version(address) == 4 and any(
            homes & {*router.subnets} and source in (router.gateways or ()) for router in self.routers
        )


INSIDE = [f"n{number}" for number in range(3)]
OUTSIDE = ["out0", "out1"]


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    networks, subnets = [], []
    for number, id in enumerate(INSIDE):
        versions = draw(st.lists(st.sampled_from([4, 4, 6]), max_size=3))
        ids = tuple(f"{id}-{place}" for place in range(len(versions)))
        shared = draw(st.booleans())
        owner = OTHERS if shared else MINE
        networks.append(cloud.Network(id=id, name=id, project_id=owner, shared=shared, subnets=ids))
        for place, version in enumerate(versions):
            cidr = f"10.{number}.{place}.0/24" if version == 4 else f"fd00:{number}:{place}::/64"
            subnets.append(cloud.Subnet(id=ids[place], name="", network_id=id, cidr=cidr, ip_version=version))
    for number, id in enumerate(OUTSIDE):
        default = draw(st.booleans()) and not number
        networks.append(
            cloud.Network(id=id, name=id, project_id=OTHERS, external=True, default=default, subnets=("s",))
        )
    routers = [_router(draw, number, subnets) for number in range(draw(st.integers(0, 3)))]
    hidden = frozenset(router.id for router in routers if draw(st.booleans()))
    return Truth(networks=tuple(networks), subnets=tuple(subnets), routers=tuple(routers), hidden=hidden)


def _router(draw: st.DrawFn, number: int, subnets: list[cloud.Subnet]) -> cloud.Router:
    inner = draw(st.lists(st.sampled_from(subnets), unique=True, max_size=6)) if subnets else []
    gateways = draw(st.lists(st.sampled_from(OUTSIDE), unique=True, max_size=1))
    ends = [end(subnet.network_id, subnet.id, _address(subnet, number)) for subnet in inner]
    outer = "203.0.113.9" if draw(st.integers(0, 4)) else "2001:db8::9"
    return cloud.Router(
        id=f"r{number}",
        subnets=tuple(subnet.id for subnet in inner),
        gateways=tuple(gateways),
        ends=(*ends, *(end(id, "s", outer) for id in gateways)),
    )


def end(network_id: str, subnet_id: str, address: str) -> cloud.RouterEnd:
    return cloud.RouterEnd(network_id=network_id, subnet_id=subnet_id, address=address)


def _address(subnet: cloud.Subnet, number: int) -> str:
    return subnet.cidr.replace("0/24", f"{number + 5}").replace("::/64", f"::{number + 5}")


@st.composite
def targets(draw: st.DrawFn, truth: Truth) -> list[Target]:
    found = []
    for number, id in enumerate(draw(st.lists(st.sampled_from(INSIDE), min_size=1, max_size=3))):
        subnets = [subnet for subnet in truth.subnets if subnet.network_id == id]
        addresses = None
        if draw(st.booleans()):
            chosen = draw(st.lists(st.sampled_from(subnets), unique=True)) if subnets else []
            addresses = tuple(_address(subnet, number) for subnet in chosen)
        found.append(Target(network_id=id, addresses=addresses))
    return found


def possible(truth: Truth, target: Target, source: str) -> bool:
    """Tell whether a floating IP can lead to an interface, wherever the cloud puts it."""
    addresses = target.addresses
    if addresses is None:
        inside = [subnet for subnet in truth.subnets if subnet.network_id == target.network_id]
        addresses = tuple(_address(subnet, 0) for subnet in inside)
    return any(truth.accepts(target.network_id or "", address, source) for address in addresses)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_what_is_refused_is_impossible_and_what_is_proven_works(data: st.DataObject) -> None:
    truth = data.draw(truths())
    ends = data.draw(targets(truth))
    topology = truth.visible()
    for source in topology.sources:
        choice = public_route.choose(topology, ends, source=source)
        able = {number for number, end in enumerate(ends) if possible(truth, end, source.id)}
        assert able <= {route.target for route in choice.routes}
        assert bool(choice.reason) == (not choice.routes)
        for route in choice.routes:
            end = ends[route.target]
            four = [address for address in end.addresses or () if ip.version(address) == 4]
            assert (route.fixed_address is not None) == (len(four) > 1)
            if route.proof is Proof.PROVEN:
                assert route.target in able
            if route.proof is Proof.PROVEN and end.addresses is not None:
                named = route.fixed_address or four[0]
                assert truth.accepts(end.network_id or "", named, source.id)
            if route.proof is Proof.PROVEN and route.subnet_id is not None:
                subnet = next(one for one in truth.subnets if one.id == route.subnet_id)
                assert truth.accepts(end.network_id or "", _address(subnet, 0), source.id)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_the_order_of_the_networks_does_not_matter(data: st.DataObject) -> None:
    truth = data.draw(truths())
    ends = data.draw(targets(truth))
    topology = truth.visible()
    there, back = (public_route.choose(topology, order) for order in (ends, ends[::-1]))
    assert [source.id for source in there.sources] == [source.id for source in back.sources]
    assert {route.source for route in there.routes} == {route.source for route in back.routes}
    if there.routes:
        assert there.routes[0].rank == back.routes[0].rank


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_roles_decide_where_they_can(data: st.DataObject) -> None:
    truth = data.draw(truths())
    ends = data.draw(targets(truth))
    source, end = data.draw(st.sampled_from(OUTSIDE)), data.draw(st.sampled_from(INSIDE))
    networks = tuple(
        msgspec.structs.replace(network, nat_source=network.id == source, nat_destination=network.id == end)
        for network in truth.networks
    )
    topology = msgspec.structs.replace(truth, networks=networks).visible()
    choice = public_route.choose(topology, ends)
    assert not choice.sources, "the source is configured, or only one is left"
    if any(possible(truth, one, source) for one in ends):
        assert choice.routes[0].source == source
    if choice.routes and end in {ends[route.target].network_id for route in choice.routes}:
        assert ends[choice.routes[0].target].network_id == end


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_subnets_that_routers_show_lead_to_the_same_choice(data: st.DataObject) -> None:
    truth = data.draw(truths())
    routers = truth.visible_routers()
    networks = tuple(one for one in truth.networks if public_route.subnets_of([one], routers) is not None)
    truth = msgspec.structs.replace(truth, networks=networks)
    shown = public_route.subnets_of(networks, routers)
    assert shown is not None
    full, less = truth.visible(), truth.visible(subnets=shown)
    ends = [Target(network_id=network.id) for network in networks if data.draw(st.booleans())]
    assert [less.is_public(one) for one in ends] == [full.is_public(one) for one in ends]
    assert less.sources == full.sources
    for source in (None, *full.sources):
        assert public_route.choose(less, ends, source=source) == public_route.choose(
            full, ends, source=source
        )


# -- single cases


def subnet(network: str, cidr: str, *, id: str = "") -> cloud.Subnet:
    version = 6 if ":" in cidr else 4
    return cloud.Subnet(id=id or f"{network}-4", name="", network_id=network, cidr=cidr, ip_version=version)


def network(id: str, *subnets: str, **rest: Any) -> cloud.Network:
    named = {"project_id": MINE, "subnets": subnets or (f"{id}-4",), **rest}
    return cloud.Network(id=id, name=id, **named)


PUBLIC = network("public", "s", project_id=OTHERS, external=True)


def chosen(
    *networks: cloud.Network,
    subnets: tuple[cloud.Subnet, ...] = (),
    routers: tuple[cloud.Router, ...] | None = (),
    ends: tuple[Target, ...] = (Target(network_id="a"),),
    **rest: Any,
) -> Choice:
    facts = north.facts(networks=(PUBLIC, *networks), subnets=subnets, routers=routers, **rest)
    return public_route.choose(Topology(facts), ends)


TEN = subnet("a", "10.0.0.0/24")
ROUTER = cloud.Router(id="r", subnets=("a-4",), gateways=("public",))


def test_a_router_of_another_project_may_lead_anywhere() -> None:
    unseen = cloud.Router(id="r", subnets=("a-4",), gateways=None)
    assert chosen(network("a"), subnets=(TEN,), routers=(unseen,)).routes[0].proof is Proof.UNKNOWN
    assert not chosen(network("a"), subnets=(TEN,), routers=()).routes


@pytest.mark.parametrize(
    "changes",
    [
        {"networks": (network("a", project_id=OTHERS, shared=True),)},
        {"networks": (network("a", nat_destination=True),)},
        {"networks": (network("a"),), "routers": None},
        {"networks": (network("a"),), "subnets": ()},
        {"networks": (network("a", "a-4", "unseen"),)},
        {"networks": (), "ends": (Target(),)},
        {
            "networks": (network("a"),),
            "identity": msgspec.structs.replace(north.facts().identity, roles=("admin",)),
        },
    ],
    ids=["shared", "configured", "no routers", "no subnets", "a hidden subnet", "a new network", "operator"],
)
def test_what_cannot_be_disproved_is_tried(changes: dict[str, Any]) -> None:
    merged = {"subnets": (TEN,), **changes}
    networks = merged.pop("networks")
    assert [route.proof for route in chosen(*networks, **merged).routes] == [Proof.UNKNOWN]


def test_a_router_without_a_gateway_leads_nowhere() -> None:
    choice = chosen(network("a"), subnets=(TEN,), routers=(cloud.Router(id="r", subnets=("a-4",)),))
    assert choice.reason == "no router connects network 'a' to 'public'"


def test_of_two_subnets_the_connected_one_is_taken() -> None:
    two = network("a", "a-4", "a-5")
    choice = chosen(two, subnets=(subnet("a", "10.5.0.0/24", id="a-5"), TEN), routers=(ROUTER,))
    assert choice.routes[0].subnet_id == "a-4"
    both = msgspec.structs.replace(ROUTER, subnets=("a-4", "a-5"))
    choice = chosen(two, subnets=(subnet("a", "10.5.0.0/24", id="a-5"), TEN), routers=(both,))
    assert choice.routes[0].subnet_id is None


def test_dual_stack_needs_no_subnet_of_its_own() -> None:
    two = network("a", "a-4", "a-6")
    choice = chosen(two, subnets=(subnet("a", "fd00::/64", id="a-6"), TEN), routers=(ROUTER,))
    assert (choice.routes[0].proof, choice.routes[0].subnet_id) == (Proof.PROVEN, None)


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (Target(network_id="a", addresses=()), "has no address"),
        (Target(network_id="a", addresses=("fd00::5",)), "no IPv4 address"),
        (
            Target(network_id="a", addresses=("10.0.0.5",), taken=frozenset({("public", "10.0.0.5")})),
            "a floating IP leads to",
        ),
        (Target(network_id="public", addresses=("203.0.113.5",)), "public already"),
    ],
)
def test_a_port_that_cannot_have_one_is_told_why(end: Target, why: str) -> None:
    choice = chosen(network("a"), subnets=(TEN,), routers=(ROUTER,), ends=(end,))
    assert not choice.routes and why in choice.reason


def test_version_6_alone_is_told() -> None:
    choice = chosen(network("a"), subnets=(subnet("a", "2001:db8::/64"),))
    assert "IPv6 addresses only" in choice.reason


def test_a_port_with_several_addresses_names_the_one_that_works() -> None:
    end = Target(network_id="a", addresses=("10.5.0.5", "fd00::5", "10.0.0.5"))
    two = (subnet("a", "10.5.0.0/24", id="a-5"), TEN)
    choice = chosen(network("a", "a-4", "a-5"), subnets=two, routers=(ROUTER,), ends=(end,))
    assert [route.fixed_address for route in choice.routes] == ["10.0.0.5"]


def test_several_external_networks_and_the_one_that_is_led_to() -> None:
    more = network("more", "t", project_id=OTHERS, external=True, default=True)
    choice = chosen(network("a"), more, subnets=(TEN,), routers=(ROUTER,))
    assert choice.routes[0].source == "public"
    both = (ROUTER, cloud.Router(id="q", subnets=("a-4",), gateways=("more",)))
    assert chosen(network("a"), more, subnets=(TEN,), routers=both).routes[0].source == "more"
    plain = msgspec.structs.replace(more, default=False)
    choice = chosen(network("a"), plain, subnets=(TEN,), routers=both)
    assert {source.name for source in choice.sources} == {"public", "more"}


def test_an_external_network_without_ipv4_is_no_source() -> None:
    six = subnet("public", "2001:db8::/64", id="s")
    assert not chosen(network("a"), subnets=(TEN, six), routers=None).routes


# -- what routers show of subnets

SHOWN = cloud.Router(
    id="r",
    subnets=("a-4",),
    gateways=("public",),
    ends=(end("a", "a-4", "10.0.0.1"), end("public", "s", "203.0.113.9")),
)


def test_a_router_shows_the_subnets_that_it_is_connected_to() -> None:
    subnets = public_route.subnets_of((PUBLIC, network("a")), (SHOWN,))
    assert subnets is not None
    assert [(one.id, one.network_id, one.ip_version) for one in subnets] == [
        ("a-4", "a", 4),
        ("s", "public", 4),
    ]
    assert chosen(network("a"), subnets=subnets, routers=(SHOWN,)).routes[0].proof is Proof.PROVEN


@pytest.mark.parametrize(
    ("networks", "routers"),
    [
        ((PUBLIC, network("a")), ()),
        ((PUBLIC, network("a", "a-4", "a-5")), (SHOWN,)),
        ((PUBLIC, network("a"), network("b")), (SHOWN,)),
        ((PUBLIC, network("more", "t", external=True), network("a")), (SHOWN,)),
        (
            (PUBLIC, network("a")),
            (msgspec.structs.replace(SHOWN, ends=(SHOWN.ends[0], end("public", "s", "2001:db8::9"))),),
        ),
        (
            (PUBLIC, network("a")),
            (msgspec.structs.replace(SHOWN, ends=(end("a", "a-4", "198.51.100.1"), SHOWN.ends[1])),),
        ),
        (
            (PUBLIC, network("a")),
            (msgspec.structs.replace(SHOWN, ends=(end("a", "a-4", ""), SHOWN.ends[1])),),
        ),
    ],
    ids=["none", "a subnet", "a network", "a second source", "outside IPv6", "public", "without an address"],
)
def test_what_routers_do_not_show_is_asked_for(
    networks: tuple[cloud.Network, ...], routers: tuple[cloud.Router, ...]
) -> None:
    assert public_route.subnets_of(networks, routers) is None


# -- public without translation


def is_public(on: cloud.Network, *subnets: cloud.Subnet, target: Target | None = None, **rest: Any) -> bool:
    facts = north.facts(networks=(PUBLIC, on), subnets=subnets, **rest)
    return Topology(facts).is_public(target or Target(network_id=on.id))


@pytest.mark.parametrize(
    ("on", "ranges", "expected"),
    [
        (network("a", project_id=OTHERS, shared=True), ("198.51.100.0/24",), True),
        (network("a"), ("8.8.8.0/24",), True),
        (network("a"), ("10.0.0.0/24",), False),
        (network("a"), ("100.64.0.0/24",), False),
        (network("a"), ("2a00:1::/64",), False),
        (network("a", "a-4", "a-5"), ("8.8.8.0/24",), False),
        (network("a", public_versions=(4, 6)), ("10.0.0.0/24",), True),
        (network("a", public_versions=(6,)), ("10.0.0.0/24",), False),
        (network("a", public_versions=(6,)), ("fd00::/64",), True),
        (network("a", public_versions=()), ("8.8.8.0/24",), False),
        (network("a", external=True, public_versions=()), ("8.8.8.0/24",), False),
        (network("a", external=True), (), True),
    ],
)
def test_which_networks_have_public_addresses_of_their_own(
    on: cloud.Network, ranges: tuple[str, ...], expected: bool
) -> None:
    assert is_public(on, *(subnet("a", text) for text in ranges)) is expected


def test_addresses_that_a_router_translates_are_public_in_name_only() -> None:
    range = subnet("a", "198.51.100.0/24")
    assert not is_public(network("a"), range, routers=(ROUTER,))
    assert is_public(network("a"), range, routers=(msgspec.structs.replace(ROUTER, translates=False),))
    scoped = msgspec.structs.replace(PUBLIC, address_scope="x")
    facts = north.facts(
        networks=(scoped, network("a", address_scope="x")), subnets=(range,), routers=(ROUTER,)
    )
    assert Topology(facts).is_public(Target(network_id="a"))


def test_a_port_is_public_by_its_own_address() -> None:
    two = (subnet("a", "198.51.100.0/24"), subnet("a", "10.0.0.0/24", id="a-5"))
    on = network("a", "a-4", "a-5")
    assert is_public(on, *two, target=Target(network_id="a", addresses=("198.51.100.7",)))
    assert not is_public(on, *two, target=Target(network_id="a", addresses=("10.0.0.7",)))
