"""What belongs to nobody, by a project's inventory and what is known of the tasks; and when it is proposed."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from enamel.commands.orphan import find
from enamel.commands.orphan.find import Inventory, Owner, Rules
from enamel.model import cloud
from enamel.model.orphan import Kind, Sighting, Suspect, Why
from enamel.model.states import ServerState, VolumeState

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MADE = NOW - timedelta(days=3)
TASK = "task-1"
MARK = f"enamel:{TASK}/boot-web"
ENDED = Owner(alive=False, reverted=False, failed_to_undo=False, made=frozenset({"kept"}))
ALIVE = Owner(alive=True, reverted=False, failed_to_undo=False, made=frozenset())


def server(id: str, mark: str = MARK, state: ServerState = ServerState.ACTIVE) -> cloud.Server:
    return cloud.Server(id=id, name=id, state=state, mark=mark, created=MADE)


def port(id: str, mark: str = "", *, of: str = "", owner: str = "", groups: Iterable[str] = ()) -> cloud.Port:
    return cloud.Port(
        id=id,
        network_id="n",
        mark=mark,
        server_id=of,
        owner=owner or ("compute:az1" if of else ""),
        security_groups=tuple(groups),
        created=MADE,
    )


def address(id: str, mark: str = "", at: str | None = None) -> cloud.Address:
    return cloud.Address(id=id, address="203.0.113.1", network_id="x", mark=mark, port_id=at, created=MADE)


def disk(
    id: str, mark: str = "", *, state: VolumeState = VolumeState.AVAILABLE, of: tuple[str, ...] = ()
) -> cloud.Volume:
    return cloud.Volume(id=id, name=id, size_gb=1, state=state, status=state.value, mark=mark, attached_to=of)


def found(owner: Owner | None = ENDED, **there: Any) -> dict[str, Why]:
    owners = {TASK: owner} if owner else {}
    inventory = Inventory(**{name: tuple(things) for name, things in there.items()})
    return {one.id: one.why for one in find.find(inventory, owners)}


@pytest.mark.parametrize(
    ("owner", "why"),
    [
        (ALIVE, None),
        (ENDED, Why.LEFT_BEHIND),
        (Owner(alive=False, reverted=True, failed_to_undo=False, made=frozenset({"s"})), Why.REVERTED),
        (Owner(alive=True, reverted=True, failed_to_undo=False, made=frozenset()), None),
        (Owner(alive=False, reverted=False, failed_to_undo=False, made=frozenset({"s"})), None),
        (None, Why.UNKNOWN_TASK),
    ],
    ids=["alive", "ended", "reverted", "reverted and alive", "stood by", "unknown"],
)
def test_a_mark_leads_to_an_owner(owner: Owner | None, why: Why | None) -> None:
    assert found(owner, servers=[server("s")]) == ({"s": why} if why else {})


def test_what_a_way_back_has_left_goes_unless_it_is_used() -> None:
    broken = Owner(alive=False, reverted=False, failed_to_undo=True, made=frozenset({"p", "s"}))
    assert found(broken, ports=[port("p", MARK)], servers=[server("s")]) == {"p": Why.LEFT_BEHIND}


def test_nothing_without_a_mark_is_anybodys_server() -> None:
    assert found(servers=[server("s", ""), server("gone", state=ServerState.SOFT_DELETED)]) == {}


def test_what_hangs_on_a_stray_server_is_stray() -> None:
    there = {
        "servers": [server("s"), server("kept")],
        "ports": [
            port("p", MARK, of="s", groups=["g"]),
            port("novas", of="s", groups=["h"]),
            port("q", MARK, of="kept", groups=["i"]),
        ],
        "addresses": [address("a", MARK, "p"), address("b", MARK, "novas"), address("c", MARK, "q")],
        "volumes": [
            disk("v", MARK, state=VolumeState.IN_USE, of=("s",)),
            disk("w", MARK, state=VolumeState.IN_USE, of=("kept",)),
        ],
        "security_groups": [
            cloud.SecurityGroup(id=id, name=f"web-{id}", description=MARK) for id in ("g", "h", "i")
        ],
    }
    assert found(**there) == dict.fromkeys(["s", "p", "a", "b", "v", "g", "h"], Why.LEFT_BEHIND)


def test_what_nothing_uses_is_unused() -> None:
    lasting = [f"enamel:{TASK}/address-reserve", f"enamel:{TASK}/volume-create"]
    stood_by = Owner(alive=False, reverted=False, failed_to_undo=False, made=frozenset({"own", "mine"}))
    there = {
        "ports": [
            port("p"),
            port("own", lasting[0]),
            port("router", of="r", owner="network:router_interface"),
            port("plugged", of="somebody"),
        ],
        "addresses": [address("a"), address("used", at="plugged"), address("mine", lasting[0])],
        "volumes": [disk("v"), disk("busy", state=VolumeState.CREATING), disk("mine", lasting[1])],
        "security_groups": [
            cloud.SecurityGroup(id="d", name="default"),
            cloud.SecurityGroup(id="g", name="mine"),
        ],
    }
    assert found(stood_by, **there) == dict.fromkeys(["p", "a", "v", "g"], Why.UNUSED)


def test_a_network_that_nobody_goes_on_to_make() -> None:
    half = cloud.Network(id="n", name="enamel-unfinished", project_id="p", mark=MARK)
    assert found(networks=[half]) == {"n": Why.LEFT_BEHIND}
    assert found(ALIVE, networks=[half]) == {}


RULES = Rules(
    min_sightings_interval=timedelta(minutes=10), min_age=timedelta(hours=1), min_idle_time=timedelta(days=1)
)


@pytest.mark.parametrize(
    ("why", "age", "apart", "looks", "min_age", "waits"),
    [
        (Why.LEFT_BEHIND, 2, 15, 2, None, None),
        (Why.LEFT_BEHIND, 2, 5, 9, None, "second look, 10 min after"),
        (Why.LEFT_BEHIND, 2, 15, 1, None, "second look"),
        (Why.LEFT_BEHIND, 0.5, 15, 2, None, "age of 1 h"),
        (Why.UNUSED, 2, 15, 2, None, "age of 24 h"),
        (Why.UNUSED, 30, 15, 2, None, None),
        (Why.UNUSED, 2, 15, 2, 1, None),
        (Why.LEFT_BEHIND, 2, 15, 2, 3, "age of 3 h"),
        (Why.LEFT_BEHIND, -1, 15, 2, None, "age of 1 h"),
    ],
)
def test_two_looks_and_an_age_before_anything_is_proposed(
    why: Why, age: float, apart: int, looks: int, min_age: int | None, waits: str | None
) -> None:
    one = Suspect(kind=Kind.PORT, id="p", name="p", why=why, since=NOW - timedelta(hours=age))
    seen = Sighting(first=NOW - timedelta(minutes=apart), last=NOW, looks=looks)
    least = timedelta(hours=min_age) if min_age is not None else None
    [orphan] = find.judge([one], {(Kind.PORT, "p"): seen}, now=NOW, rules=RULES, min_age=least)
    assert orphan.proposed is (waits is None) and orphan.age >= 0
    assert waits is None or waits in (orphan.waits_for or "")


def test_where_the_cloud_tells_no_time_the_first_look_counts() -> None:
    one = Suspect(kind=Kind.VOLUME, id="v", name="v", why=Why.LEFT_BEHIND)
    seen = Sighting(first=NOW - timedelta(hours=2), last=NOW, looks=3)
    [known] = find.judge([one], {(Kind.VOLUME, "v"): seen}, now=NOW, rules=RULES)
    [new] = find.judge([one], {}, now=NOW, rules=RULES)
    assert (known.proposed, known.age) == (True, 7200)
    assert (new.proposed, new.age, new.looks) == (False, 0, 0)


def test_a_strangers_server_is_used_and_ones_own_stray_is_not() -> None:
    inventory = Inventory(servers=(server("s"), server("x", "enamel:other/boot-web")))
    both = find.judge(find.find(inventory, {TASK: ENDED}), {}, now=NOW, rules=RULES)
    assert {one.id: one.used for one in both} == {"s": False, "x": True}
