"""Limits: how many tasks may run at a time, whoever claims them."""

import asyncio

import pytest

from enamel.model import limits
from enamel.model.limits import Limits
from enamel.model.task import Priority
from enamel.store import claims
from enamel.store.engine import Store
from enamel.store.lease import Lease
from tests.store import world


async def claim(lease: Lease, named: Limits, *, limit: int = 100) -> list[str]:
    found = await lease.run(claims.claim, lease.id, limit=limit, limits=named)
    return [known.id for known, _ in found]


async def test_a_type_has_so_many_and_no_more(store: Store, lease: Lease, other: Lease) -> None:
    named = limits.parse("type:server.create=2")
    boots = [(await world.accept(store)).id for _ in range(4)]
    reverts = [(await world.accept(store, type="task.revert")).id for _ in range(2)]
    assert set(await claim(lease, named)) == {*boots[:2], *reverts}
    assert await claim(other, named) == []
    await lease.run(claims.release, lease.id, [boots[0]])
    assert await claim(other, named) == [boots[0]]


async def test_a_family_counts_together(store: Store, lease: Lease) -> None:
    ids = [(await world.accept(store, type=type)).id for type in ("server.create", "server.resize")]
    assert await claim(lease, limits.parse("type:server.*=1")) == ids[:1]


async def test_a_cloud_that_is_full_holds_up_nobody_else(store: Store, lease: Lease, other: Lease) -> None:
    named = limits.parse("cloud:north=1")
    north = [(await world.accept(store, cloud="north")).id for _ in range(50)]
    south = [(await world.accept(store, cloud="south", priority=Priority.LOW)).id for _ in range(3)]
    assert await claim(lease, named, limit=4) == [north[0], *south]
    assert await claim(other, named) == []


async def test_a_project_has_its_share(store: Store, lease: Lease, other: Lease) -> None:
    named = limits.parse("project=2")
    crowd = [(await world.accept(store, project_id="crowd")).id for _ in range(5)]
    small = (await world.accept(store, project_id="small")).id
    assert set(await claim(lease, named)) == {*crowd[:2], small}
    assert await claim(other, named) == []


async def test_several_limits_hold_at_once(store: Store, lease: Lease) -> None:
    named = limits.parse("type:server.create=3, cloud:north=2, project=1")
    for number in range(6):
        await world.accept(store, project_id=f"p{number // 2}", cloud="north" if number < 4 else "south")
    found = await lease.run(claims.claim, lease.id, limit=10, limits=named)
    assert sorted((known.project_id, known.cloud) for known, _ in found) == [
        ("p0", "north"),
        ("p1", "north"),
        ("p2", "south"),
    ]


async def test_nothing_of_a_type_is_taken(store: Store, lease: Lease) -> None:
    await world.accept(store)
    assert await claim(lease, limits.parse("type:server.create=0, cloud:lab=0")) == []


async def test_workers_that_claim_at_the_same_time_do_not_exceed_it(
    store: Store, lease: Lease, other: Lease
) -> None:
    named = limits.parse("type:server.create=5")
    for _ in range(20):
        await world.accept(store)
    found = await asyncio.gather(*(claim(one, named, limit=3) for one in (lease, other) for _ in range(4)))
    assert sum(map(len, found)) == 5


@pytest.mark.parametrize(
    "text", ["", "type:server.*=500, cloud:north=200, project=100", "cloud:a-b.c=1", "type:server.create=0"]
)
def test_what_is_written_is_read(text: str) -> None:
    assert limits.text(limits.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "type:server.create",
        "type:=5",
        "type:!server.*=5",
        "type:Server=5",
        "host:x=1",
        "project=0",
        "project=-1",
    ],
)
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(ValueError, match=r"limit|topics"):
        limits.parse(text)
