"""What is kept, for how long, and shared by whom."""

import asyncio
from datetime import timedelta

import pytest

from enamel.clouds.calls import cache

KEEP = timedelta(seconds=60)


class Well:
    """Something to fetch from."""

    def __init__(self) -> None:
        self.drawn = 0
        self.open = asyncio.Event()
        self.open.set()

    async def draw(self) -> int:
        self.drawn += 1
        drawn = self.drawn
        await self.open.wait()
        return drawn


async def test_a_herd_fetches_once() -> None:
    kept, well = cache.Cache(), Well()
    assert await asyncio.gather(*(kept.get("w", well.draw, keep=KEEP) for _ in range(100))) == [1] * 100


async def test_what_is_old_is_fetched_again() -> None:
    now = [0.0]
    kept, well = cache.Cache(now=lambda: now[0]), Well()
    assert await kept.get("w", well.draw, keep=KEEP) == 1
    now[0] = 59.0
    assert await kept.get("w", well.draw, keep=KEEP) == 1
    now[0] = 61.0
    assert await kept.get("w", well.draw, keep=KEEP) == 2


async def test_nothing_found_is_kept_as_well() -> None:
    kept, calls = cache.Cache(), 0

    async def empty() -> list[int]:
        nonlocal calls
        calls += 1
        return []

    assert await kept.get("w", empty, keep=KEEP) == await kept.get("w", empty, keep=KEEP) == []
    assert calls == 1


async def test_a_failure_is_told_to_all_and_not_kept() -> None:
    kept, calls = cache.Cache(), 0

    async def fail() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        raise LookupError

    found = await asyncio.gather(*(kept.get("w", fail, keep=KEEP) for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in found] == [LookupError] * 5
    with pytest.raises(LookupError):
        await kept.get("w", fail, keep=KEEP)
    assert calls == 2


async def test_an_answer_from_before_a_write_is_not_kept() -> None:
    kept, well = cache.Cache(), Well()
    well.open.clear()
    early = asyncio.create_task(kept.get("w", well.draw, keep=KEEP))
    await asyncio.sleep(0.01)
    await kept.forget("w")
    well.open.set()
    assert await early == 1
    assert await kept.get("w", well.draw, keep=KEEP) == 2


async def test_the_first_who_gives_up_takes_nothing_from_the_others() -> None:
    kept, well = cache.Cache(), Well()
    well.open.clear()
    first, second = (asyncio.create_task(kept.get("w", well.draw, keep=KEEP)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0)
    well.open.set()
    assert await second == 1


async def test_who_joins_as_a_flight_lands_starts_another() -> None:
    flights, well = cache.Flights(), Well()

    async def twice() -> list[int]:
        return [await flights.join("w", well.draw), await flights.join("w", well.draw)]

    assert await asyncio.gather(twice(), twice()) == [[1, 2], [1, 2]]
