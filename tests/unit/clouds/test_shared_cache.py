"""Answers that processes share: one asks, all believe it, and nobody believes what a write has made old."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from enamel.clouds.calls import cache, context
from enamel.clouds.shared.shared_cache import SharedCache
from enamel.clouds.shared.store import SharedStore
from enamel.model.call_context import CallContext
from tests.unit.clouds import timeless
from tests.unit.clouds.shelf import Shelf

KEEP = timedelta(minutes=5)


class Flavor(msgspec.Struct, frozen=True):
    name: str


class Cloud:
    """A cloud with flavors, which takes a moment to list them."""

    def __init__(self) -> None:
        self.flavors = ["small"]
        self.asked = 0
        self.broken: Exception | None = None

    async def list(self) -> list[Flavor]:
        self.asked += 1
        found = [Flavor(name) for name in self.flavors]
        await asyncio.sleep(0.2)
        if self.broken:
            raise self.broken
        return found


def processes(
    shelf: Shelf, number: int, *, project: str = "p", now: Callable[[], float] = timeless.now
) -> list[cache.Cache]:
    async def whose() -> tuple[str, ...]:
        return ("north", project)

    boards = [SharedStore(shelf, now=now) for _ in range(number)]
    return [cache.Cache(shared=SharedCache(one, of=whose, clock=now, now=now), now=now) for one in boards]


async def names(kept: cache.Cache, cloud: Cloud) -> list[str]:
    found = await kept.get("flavors", cloud.list, keep=KEEP, answer=list[Flavor])
    return [one.name for one in found]


def test_a_herd_in_many_processes_makes_one_request() -> None:
    async def story() -> None:
        cloud, shelf = Cloud(), Shelf(now=timeless.now)
        herd = [kept for kept in processes(shelf, 4) for _ in range(25)]
        told = await asyncio.gather(*(names(kept, cloud) for kept in herd))
        assert told == [["small"]] * 100
        assert cloud.asked == 1

    timeless.run(story())


def test_a_write_of_one_process_is_seen_by_all_within_a_moment() -> None:
    async def story() -> None:
        cloud, shelf = Cloud(), Shelf(now=timeless.now)
        one, other = processes(shelf, 2)
        assert await names(one, cloud) == await names(other, cloud) == ["small"]
        cloud.flavors.append("large")
        await one.forget("flavors")
        assert await names(one, cloud) == ["small", "large"]
        await asyncio.sleep(cache.A_MOMENT)
        assert await names(other, cloud) == ["small", "large"]
        assert cloud.asked == 2

    timeless.run(story())


def test_an_answer_from_before_a_write_of_another_process_is_not_believed() -> None:
    async def story() -> None:
        cloud, shelf = Cloud(), Shelf(now=timeless.now)
        one, other, third = processes(shelf, 3)
        early = asyncio.create_task(names(one, cloud))
        await asyncio.sleep(0.1)
        cloud.flavors.append("large")
        await other.forget("flavors")
        assert await early == ["small"]
        assert await names(third, cloud) == ["small", "large"]

    timeless.run(story())


def test_everything_can_be_forgotten() -> None:
    async def story() -> None:
        cloud, shelf = Cloud(), Shelf(now=timeless.now)
        one, other = processes(shelf, 2)
        await names(other, cloud)
        await one.forget()
        await asyncio.sleep(cache.A_MOMENT)
        await names(other, cloud)
        assert cloud.asked == 2

    timeless.run(story())


def test_one_who_dies_while_asking_holds_nobody_up_for_long() -> None:
    async def story() -> float:
        cloud, shelf = Cloud(), Shelf(now=timeless.now)
        one, other = processes(shelf, 2)
        dying = asyncio.create_task(names(one, cloud))
        await asyncio.sleep(0.1)
        shelf.away = ConnectionError("the process is dead")
        await one.close()
        await asyncio.gather(dying, return_exceptions=True)
        shelf.away = None
        began = timeless.now()
        assert await names(other, cloud) == ["small"]
        return timeless.now() - began

    assert timeless.run(story()) <= 6.0


def test_a_failure_is_not_kept_and_the_next_process_asks_at_once() -> None:
    async def story() -> None:
        cloud, shelf = Cloud(), Shelf(now=timeless.now)
        one, other = processes(shelf, 2)
        cloud.broken = LookupError()
        with pytest.raises(LookupError):
            await names(one, cloud)
        cloud.broken = None
        assert await names(other, cloud) == ["small"]
        assert cloud.asked == 2

    timeless.run(story())


def test_an_answer_grows_old_for_all_at_once() -> None:
    async def story() -> None:
        cloud, shelf = Cloud(), Shelf(now=timeless.now)
        one, other = processes(shelf, 2)
        await names(one, cloud)
        await asyncio.sleep(200)
        await names(other, cloud)
        cloud.flavors.append("large")
        await asyncio.sleep(101)
        assert await names(other, cloud) == ["small", "large"]

    timeless.run(story())


def test_projects_share_nothing() -> None:
    async def story() -> None:
        cloud, shelf = Cloud(), Shelf(now=timeless.now)
        await names(*processes(shelf, 1, project="p"), cloud)
        await names(*processes(shelf, 1, project="q"), cloud)
        assert cloud.asked == 2

    timeless.run(story())


def test_without_the_board_each_process_asks_for_itself() -> None:
    async def story() -> None:
        cloud, shelf = Cloud(), Shelf(now=timeless.now)
        shelf.away = ConnectionRefusedError("gone")
        for kept in processes(shelf, 2):
            assert await names(kept, cloud) == await names(kept, cloud) == ["small"]
        assert cloud.asked == 2

    timeless.run(story())


def test_rubbish_on_the_board_is_as_good_as_nothing() -> None:
    async def story() -> None:
        cloud, shelf = Cloud(), Shelf(now=timeless.now)
        one, other = processes(shelf, 2)
        await names(one, cloud)
        shelf.kept = dict.fromkeys(shelf.kept, b"\0\xc1rubbish")
        assert await names(other, cloud) == ["small"]

    timeless.run(story())


def test_who_demands_fresh_answers_gets_them_once_a_second() -> None:
    async def story() -> None:
        cloud = Cloud()
        kept = cache.Cache(now=timeless.now)
        await names(kept, cloud)
        context.use(CallContext(fresh=True))
        await asyncio.sleep(cache.A_MOMENT + 0.1)
        for _ in range(10):
            await names(kept, cloud)
        assert cloud.asked == 2

    timeless.run(story())
