"""Addresses that are got, attached, detached and given back: what is planned, and what is refused."""

from typing import Any

import pytest

from enamel.clouds.capability import Capability
from enamel.commands import COMMANDS
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts
from enamel.model import cloud
from enamel.model.address import AddressRequest, AttachRequest
from enamel.model.cloud import AddressKind
from enamel.model.errors import ActionImpossible, NotFound, WrongState
from enamel.model.states import ServerState, VolumeState
from tests.unit.commands import north

PROVIDER = cloud.Network(id=north.TWIN_A, name="provider", project_id="b" * 32, shared=True, subnets=("s",))
FLAT = {"capabilities": frozenset(Capability) - {Capability.FLOATING_IP}, "networks": (PROVIDER,)}
OWN = cloud.Address(
    id=north.id_of(73), address="198.51.100.4", network_id=north.TWIN_A, kind=AddressKind.PORT
)
WEB = cloud.Server(id=north.id_of(82), name="web", state=ServerState.ACTIVE)


def port(number: int, *addresses: str, network: str = north.PRIVATE) -> cloud.Port:
    return cloud.Port(id=north.id_of(600 + number), network_id=network, server_id=WEB.id, addresses=addresses)


def got(known: Facts, source: str | None = None) -> Planned:
    want = CommandRequest(body=AddressRequest(source=source), task_id=north.TASK)
    return COMMANDS["address.create"].plan(want, known)


def attached(address: str, known: Facts, **request: Any) -> Planned:
    want = CommandRequest(body=AttachRequest(**{"server": "web", **request}), params={"address": address})
    return COMMANDS["address.attach"].plan(want, known)


def codes(made: Planned) -> list[tuple[str, str]]:
    return [(one.pointer, one.code) for one in made.faults]


def test_an_address_is_a_floating_ip_where_there_is_translation() -> None:
    made = got(north.facts())
    step = north.only(made.plan, "address.reserve")
    assert (step["way"], step["network_id"], made.plan.needs) == ("FLOATING", north.PUBLIC, {"addresses": 1})
    assert [node.name for node in made.plan.nodes] == ["address-reserve"]


@pytest.mark.parametrize(
    ("known", "source"),
    [(north.facts(**FLAT), None), (north.facts(), "private"), (north.facts(), north.PRIVATE)],
    ids=["a provider's network", "an inner network by name", "by id"],
)
def test_an_address_is_a_port_where_there_is_none(known: Facts, source: str | None) -> None:
    made = got(known, source)
    assert (north.only(made.plan, "address.reserve")["way"], made.plan.needs) == ("PORT", {"ports": 1})


OUTSIDE = cloud.Network(id=north.TWIN_B, name="outside", project_id="b" * 32, external=True)


@pytest.mark.parametrize(
    ("changes", "source", "expected"),
    [
        ({}, "nowhere", ("/from", "unknown")),
        ({"networks": north.TWINS}, "twin", ("/from", "ambiguous")),
        ({"networks": (*north.NETWORKS, OUTSIDE)}, None, ("/from", "ambiguous")),
        ({"networks": ()}, None, ("/from", "unknown")),
        (
            {"networks": (cloud.Network(id="n", name="bare", project_id=north.PROJECT),)},
            "bare",
            ("/from", "invalid"),
        ),
        ({"capabilities": frozenset()}, None, ("", "capability_missing")),
        ({"quota": {"addresses": cloud.Limit(limit=3, used=3)}}, None, ("", "quota_exceeded")),
    ],
)
def test_where_no_address_can_come_from(
    changes: dict[str, Any], source: str | None, expected: tuple[str, str]
) -> None:
    assert expected in codes(got(north.facts(**changes), source))


def test_a_floating_ip_is_put_on_the_only_port_inside() -> None:
    outside = port(2, "203.0.113.9", network=north.PUBLIC)
    known = north.facts(servers=(WEB,), ports=(outside, port(1, "10.0.0.5")))
    made = attached(north.FREE_ADDRESS, known)
    step = north.only(made.plan, "address.move")
    assert (codes(made), step["port_id"], step["fixed_address"]) == ([], port(1).id, None)


def test_of_several_addresses_one_is_named() -> None:
    known = north.facts(servers=(WEB,), ports=(port(1, "10.0.0.5"), port(2, "10.9.0.5", "10.9.0.6")))
    assert codes(attached(north.FREE_ADDRESS, known)) == [("/fixed_ip", "ambiguous")]
    assert codes(attached(north.FREE_ADDRESS, known, fixed_ip="10.1.1.1")) == [("/fixed_ip", "unknown")]
    step = north.only(attached(north.FREE_ADDRESS, known, fixed_ip="10.9.0.6").plan, "address.move")
    assert (step["port_id"], step["fixed_address"]) == (port(2).id, "10.9.0.6")


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ((), ("/server", "not_routed")),
        ((port(1, "2001:db8::5"),), ("/server", "not_routed")),
        ((port(1, "203.0.113.5", network=north.PUBLIC),), ("/server", "not_routed")),
    ],
    ids=["no port", "version 6 only", "outside only"],
)
def test_a_server_without_a_way_for_it(ports: tuple[cloud.Port, ...], expected: tuple[str, str]) -> None:
    assert codes(attached(north.FREE_ADDRESS, north.facts(servers=(WEB,), ports=ports))) == [expected]


def test_two_servers_of_one_name_are_told_apart_by_ids() -> None:
    twin = cloud.Server(id=north.id_of(83), name="web", state=ServerState.ACTIVE)
    known = north.facts(servers=(WEB, twin), ports=(port(1, "10.0.0.5"),))
    assert codes(attached(north.FREE_ADDRESS, known)) == [("/server", "ambiguous")]
    assert codes(attached(north.FREE_ADDRESS, known, server=WEB.id)) == []


def test_a_port_is_plugged_in_where_the_server_can_take_it() -> None:
    known = north.facts(servers=(WEB,), ports=(), addresses=(OWN,))
    made = attached(OWN.id, known)
    assert north.only(made.plan, "server.attach_port") == {"server_id": WEB.id, "port_id": OWN.id}
    assert codes(attached(OWN.id, known, fixed_ip="10.0.0.5")) == [("/fixed_ip", "unknown_field")]
    shelved = cloud.Server(id=WEB.id, name="web", state=ServerState.SHELVED_OFFLOADED)
    with pytest.raises(ActionImpossible):
        attached(OWN.id, north.facts(servers=(shelved,), addresses=(OWN,)))


def test_what_is_used_is_neither_attached_nor_given_back() -> None:
    known = north.facts(servers=(WEB,))
    with pytest.raises(WrongState, match="in use"):
        attached(north.BUSY_ADDRESS, known)
    with pytest.raises(WrongState, match="in use"):
        COMMANDS["address.delete"].plan(
            CommandRequest(body=None, params={"address": north.BUSY_ADDRESS}), known
        )
    with pytest.raises(NotFound):
        COMMANDS["address.delete"].plan(CommandRequest(body=None, params={"address": north.WEB}), known)


def test_a_launch_with_an_address_that_is_a_port_needs_no_translation() -> None:
    known = north.facts(**FLAT, addresses=(OWN,))
    plan = north.plan(known, public_address={"address": OWN.address})
    assert [one["port_id"] for one in north.only(plan, "server.boot")["networks"]] == [OWN.id]
    also = north.plan(north.facts(addresses=(OWN,)), public_address={"address": OWN.id}, networks=["private"])
    networks = north.only(also, "server.boot")["networks"]
    assert [(one["port_id"], one["network_id"]) for one in networks] == [
        (None, north.PRIVATE),
        (OWN.id, None),
    ]


def test_one_text_for_two_addresses_needs_an_id() -> None:
    twin = cloud.Address(id=north.id_of(74), address="203.0.113.7", network_id=north.TWIN_A)
    known = north.facts(addresses=(*north.facts().addresses, twin))
    assert north.faults(known, public_address={"address": "203.0.113.7"}) == {
        ("/public_address/address", "ambiguous")
    }


@pytest.mark.parametrize("with_what", [None, "everything", "addresses", "volumes"])
def test_what_outlives_servers_stays_unless_it_is_named(with_what: str | None) -> None:
    lasting = f"enamel:{north.TASK}/address-reserve"
    kept = f"enamel:{north.TASK}/volume-create"
    known = north.facts(
        server=WEB,
        servers=(WEB,),
        ports=(cloud.Port(id="p", network_id="n", mark=lasting, server_id=WEB.id),),
        addresses=(cloud.Address(id="a", address="203.0.113.9", network_id="x", mark=lasting),),
        volumes=(
            cloud.Volume(
                id="v",
                name="v",
                size_gb=1,
                state=VolumeState.IN_USE,
                status="in-use",
                mark=kept,
                attached_to=(WEB.id,),
            ),
        ),
    )
    params = {"server": WEB.id} | ({"with": with_what} if with_what else {})
    plan = COMMANDS["server.terminate"].plan(CommandRequest(body=None, params=params), known).plan
    assert north.only(plan, "server.delete")["force"], "a deferred deletion would hold on to what stays"
    gone = {node.inputs["id"] for node in plan.nodes} - {WEB.id}
    named = {None: set(), "everything": {"a", "p", "v"}, "addresses": {"a", "p"}, "volumes": {"v"}}
    assert gone == named[with_what]
