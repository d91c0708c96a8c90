"""One poller for all who wait."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from enamel.clouds.calls import record
from enamel.clouds.watch import poller, schedule, snapshot
from enamel.clouds.watch import watcher as watch_watcher
from enamel.model.errors import CloudUnauthorized, CloudUnreachable, Gone
from enamel.model.item import Call

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    id: str
    state: str = "BUILD"
    updated: datetime | None = NOON


class Shop:
    """Where things are looked at; each entry of `looks` is one list, the last one stays."""

    tells_changes = True

    def __init__(self, *looks: list[Thing] | Exception, clock: datetime | None = NOON) -> None:
        self.looks = list(looks)
        self.clock = clock
        self.asked: list[datetime | None] = []
        self.singles: list[str] = []
        self.there: dict[str, Thing] = {}

    async def look(self, *, since: datetime | None, ids: Collection[str]) -> snapshot.Poll[Thing]:
        self.asked.append(since)
        record.add(Call(method="GET", service="shop", path="/things", status=200), cloud="north")
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        seen = [
            snapshot.Seen(id=one.id, updated=one.updated, value=None if one.state == "DELETED" else one)
            for one in look
        ]
        return snapshot.Poll(seen=seen, at=self.clock)

    async def one(self, id: str) -> Thing:
        self.singles.append(id)
        if id not in self.there:
            raise Gone("gone")
        return self.there[id]

    def kind(self, value: Thing) -> str | None:
        return "thing" if value.state == "BUILD" else None

    def leaves(self, value: Thing) -> bool:
        return value.state == "LEAVING"


def quick(shop: Shop) -> watch_watcher.Watcher[Thing]:
    return watch_watcher.Watcher(shop, pace=schedule.Schedule(often=0.002, seldom=0.01, unknown=0.002))


@pytest.fixture
async def opened() -> AsyncIterator[list[watch_watcher.Watcher[Thing]]]:
    watchers: list[watch_watcher.Watcher[Thing]] = []
    yield watchers
    for one in watchers:
        await one.close()


def active(thing: Thing | None) -> bool:
    return thing is None or thing.state == "ACTIVE"


A, B = Thing("a"), Thing("b")
UP = replace(A, state="ACTIVE", updated=NOON + timedelta(seconds=5))


async def test_a_wait_ends_with_the_look_that_shows_it(opened: list[watch_watcher.Watcher[Thing]]) -> None:
    shop = Shop([A], [A], [UP])
    opened.append(watcher := quick(shop))
    states: list[str] = []
    found = await watcher.until("a", active, seen=lambda thing: states.append(thing.state))
    assert found == UP
    assert states == ["BUILD", "BUILD", "ACTIVE"]


async def test_thousands_who_wait_cost_one_list_and_all_are_told(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    things = [Thing(str(n), "ACTIVE") for n in range(3000)]
    shop = Shop(things)
    opened.append(watcher := quick(shop))
    found = await asyncio.gather(*(watcher.until(one.id, active) for one in things))
    assert [one and one.id for one in found] == [one.id for one in things]
    assert len(shop.asked) <= 2


async def test_each_look_is_on_the_record_of_one_who_waits(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    shop = Shop([A, B], [A, B], [UP, replace(B, state="ACTIVE", updated=NOON + timedelta(seconds=9))])
    opened.append(watcher := quick(shop))

    async def one(id: str) -> int:
        with record.calls() as calls:
            await watcher.until(id, active)
        return len(calls)

    costs = await asyncio.gather(one("a"), one("b"))
    assert sum(costs) == len(shop.asked) == 3


async def test_after_the_first_list_only_changes_are_asked_for_by_the_clouds_clock(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    shop = Shop([A], [], [UP], clock=NOON - timedelta(minutes=7))
    opened.append(watcher := quick(shop))
    assert await watcher.until("a", active) == UP
    since = NOON - timedelta(minutes=7) - poller.OVERLAP
    assert shop.asked == [None, since, since]


async def test_a_cloud_without_a_clock_is_asked_for_everything(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    shop = Shop([A], [A], [UP], clock=None)
    opened.append(watcher := quick(shop))
    assert await watcher.until("a", active) == UP
    assert shop.asked == [None] * 3


async def test_who_comes_later_and_is_in_no_list_of_changes_is_looked_for_in_all(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    old = Thing("b", "ACTIVE")
    shop = Shop([A, old], [], [A, old], [UP])
    opened.append(watcher := quick(shop))
    first = asyncio.create_task(watcher.until("a", active))
    while not shop.asked:
        await asyncio.sleep(0.001)
    assert await watcher.until("b", active) == old
    assert await first == UP
    assert shop.singles == []


async def test_a_list_that_misses_it_once_is_not_believed(opened: list[watch_watcher.Watcher[Thing]]) -> None:
    shop = Shop([A], [], [], [UP], clock=None)
    shop.there["a"] = A
    opened.append(watcher := quick(shop))
    assert await watcher.until("a", active) == UP
    assert shop.singles == ["a"]


async def test_what_two_lists_miss_and_the_cloud_denies_is_gone(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    shop = Shop([A], [], clock=None)
    opened.append(watcher := quick(shop))
    assert await watcher.until("a", active) is None
    assert len(shop.asked) == 3 and shop.singles == ["a"]


async def test_what_was_leaving_and_is_missing_is_gone_without_a_question(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    shop = Shop([replace(A, state="LEAVING")], [], clock=None)
    opened.append(watcher := quick(shop))
    assert await watcher.until("a", lambda thing: thing is None) is None
    assert shop.singles == []


async def test_a_list_of_changes_that_says_deleted_is_believed(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    shop = Shop([A], [replace(UP, state="DELETED")])
    opened.append(watcher := quick(shop))
    assert await watcher.until("a", lambda thing: thing is None) is None
    assert shop.singles == []


async def test_an_older_state_does_not_move_things_backwards(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    off = replace(UP, state="OFF", updated=NOON + timedelta(seconds=9))
    shop = Shop([UP], [A], [A], [off], clock=None)
    opened.append(watcher := quick(shop))
    states: list[str] = []

    def done(thing: Thing | None) -> bool:
        states.append(thing.state if thing else "gone")
        return states[-1] == "OFF"

    await watcher.until("a", done)
    assert states == ["ACTIVE", "OFF"]


async def test_what_stays_older_was_written_by_a_clock_that_is_behind(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    shop = Shop([A], [replace(UP, updated=NOON - timedelta(minutes=5))], clock=None)
    opened.append(watcher := quick(shop))
    found = await watcher.until("a", active)
    assert found is not None and found.state == "ACTIVE"


async def test_a_cloud_that_is_down_is_waited_for(opened: list[watch_watcher.Watcher[Thing]]) -> None:
    shop = Shop([A], CloudUnreachable("down"), CloudUnreachable("down"), [UP])
    opened.append(watcher := quick(shop))
    assert await watcher.until("a", active) == UP


async def test_refused_credentials_end_the_wait(opened: list[watch_watcher.Watcher[Thing]]) -> None:
    shop = Shop(CloudUnauthorized("no"))
    opened.append(watcher := quick(shop))
    with pytest.raises(CloudUnauthorized):
        await watcher.until("a", active)


async def test_an_exception_of_the_question_reaches_who_asked_it(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    shop = Shop([A, B], [UP, replace(B, state="ACTIVE", updated=UP.updated)])
    opened.append(watcher := quick(shop))

    def upset(thing: Thing | None) -> bool:
        raise LookupError("ERROR")

    other = asyncio.create_task(watcher.until("b", active))
    with pytest.raises(LookupError):
        await watcher.until("a", upset)
    assert await other is not None


async def test_nobody_waits_nobody_asks(opened: list[watch_watcher.Watcher[Thing]]) -> None:
    shop = Shop([A])
    opened.append(watcher := quick(shop))
    waiting = asyncio.create_task(watcher.until("a", active))
    while len(shop.asked) < 3:
        await asyncio.sleep(0.001)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(0.02)
    before = len(shop.asked)
    await asyncio.sleep(0.05)
    assert len(shop.asked) == before


async def test_a_list_is_answered_from_a_fresh_look_unless_something_was_written(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    shop = Shop([A, B])
    opened.append(watcher := quick(shop))
    assert list(await watcher.all()) == [A, B]
    await watcher.all()
    assert len(shop.asked) == 1
    await watcher.changed()
    await watcher.all()
    assert len(shop.asked) == 2


async def test_many_who_look_marks_up_share_a_list_that_begins_after_they_asked(
    opened: list[watch_watcher.Watcher[Thing]],
) -> None:
    shop = Shop([A])
    opened.append(watcher := quick(shop))
    await watcher.all()
    await asyncio.gather(*(watcher.all_from_now() for _ in range(20)))
    assert len(shop.asked) == 2
