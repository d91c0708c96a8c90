"""What goes with a server: by default what was made for it, in the order that avoids "in use"."""

import pytest
from msgspec import structs

from enamel.commands import COMMANDS
from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts
from enamel.flow.plan import Plan
from enamel.model import cloud
from enamel.model.states import ServerState, VolumeState
from tests.unit.commands import north

TERMINATE = COMMANDS["server.terminate"]
MARK = "enamel:task-1/step"
SERVER = cloud.Server(id="s1", name="web", state=ServerState.ACTIVE, mark=MARK, groups=())
AROUND = north.facts(
    server=SERVER,
    servers=(SERVER,),
    ports=(
        cloud.Port(id="p-made", network_id="n", mark=MARK, server_id="s1"),
        cloud.Port(id="p-mine", network_id="n", mark="", server_id="s1"),
    ),
    addresses=(
        cloud.Address(id="a-made", address="203.0.113.1", network_id="x", mark=MARK),
        cloud.Address(id="a-mine", address="203.0.113.2", network_id="x", mark="for the shop"),
    ),
    volumes=(
        cloud.Volume(
            id="v-made",
            name="v",
            size_gb=1,
            state=VolumeState.IN_USE,
            status="in-use",
            mark=MARK,
            attached_to=("s1",),
        ),
        cloud.Volume(
            id="v-mine", name="v", size_gb=1, state=VolumeState.IN_USE, status="in-use", attached_to=("s1",)
        ),
        cloud.Volume(
            id="v-else",
            name="v",
            size_gb=1,
            state=VolumeState.IN_USE,
            status="in-use",
            mark=MARK,
            attached_to=("s2",),
        ),
    ),
    security_groups=(
        cloud.SecurityGroup(id="g-made", name="web-1", description=MARK),
        cloud.SecurityGroup(id="g-mine", name="default"),
    ),
)


def terminated(known: Facts = AROUND, **params: str) -> Planned:
    return TERMINATE.plan(CommandRequest(body=None, params={"server": "s1", **params}), known)


def gone(plan: Plan) -> set[str]:
    return {node.inputs["id"] for node in plan.nodes}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, {"s1", "a-made", "v-made", "p-made", "g-made"}),
        ({"with": "nothing"}, {"s1"}),
        ({"with": "everything"}, {"s1", "a-made", "a-mine", "v-made", "v-mine", "p-made", "g-made"}),
        ({"with": "addresses"}, {"s1", "a-made", "a-mine", "p-made"}),
        ({"with": "addresses,volumes"}, {"s1", "a-made", "a-mine", "v-made", "v-mine", "p-made"}),
    ],
    ids=["as made", "nothing", "everything", "addresses", "addresses and volumes"],
)
def test_what_goes_with_a_server_is_the_callers_choice(params: dict[str, str], expected: set[str]) -> None:
    assert gone(terminated(**params).plan) == expected


def test_what_the_server_has_goes_after_it() -> None:
    after = {node.inputs["id"]: node.after for node in terminated().plan.nodes}
    assert after["a-made"] == ("server-delete-web",)
    assert after["v-made"] == after["p-made"] == ("server-delete-web",)
    assert after["g-made"] == ("port-delete-web", "server-delete-web")


@pytest.mark.parametrize(("params", "force"), [({}, True), ({"with": "nothing"}, False)], ids=str)
def test_a_server_stays_restorable_where_nothing_is_taken_from_it(
    params: dict[str, str], force: bool
) -> None:
    assert north.only(terminated(**params).plan, "server.delete")["force"] is force


def test_a_group_goes_with_the_last_of_the_servers_that_share_it() -> None:
    sibling = cloud.Server(id="s2", name="web-2", state=ServerState.ACTIVE, mark="enamel:task-1/step~1")
    known = north.facts(server=SERVER, servers=(SERVER, sibling), security_groups=AROUND.security_groups)
    assert north.only(terminated(known).plan, "security_group.release") == {"id": "g-made", "task": "task-1"}
    assert gone(terminated(known, **{"with": "nothing"}).plan) == {"s1"}


@pytest.mark.parametrize(("groups", "looked"), [(("g1",), True), (None, True), ((), False)], ids=str)
def test_a_server_group_is_looked_for_where_the_server_may_be_in_one(
    groups: tuple[str, ...] | None, looked: bool
) -> None:
    server = structs.replace(SERVER, groups=groups)
    kinds = {node.kind for node in terminated(structs.replace(AROUND, server=server)).plan.nodes}
    assert ("server_group.release" in kinds) is looked


def test_a_server_that_enamel_did_not_make_goes_alone() -> None:
    server = cloud.Server(id="s1", name="old", state=ServerState.ACTIVE)
    known = north.facts(server=server, servers=(server,), security_groups=AROUND.security_groups)
    assert gone(terminated(known).plan) == {"s1"}


def test_an_unknown_wish_is_a_fault() -> None:
    [fault] = terminated(**{"with": "addresses,keys"}).faults
    assert fault.pointer == "?with"
    assert "'keys'" in fault.detail


def test_it_asks_for_the_server() -> None:
    assert TERMINATE.ask(CommandRequest(body=None, params={"server": "s1"})).terminate == "s1"
