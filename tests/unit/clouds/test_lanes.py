"""Who is next before a busy service."""

import asyncio
from collections import Counter

from enamel.clouds import lanes
from enamel.clouds.asking import Lane


async def line(*wanted: tuple[str, str, Lane, int]) -> lanes.Lanes:
    found = lanes.Lanes()
    for project, task, lane, times in wanted:
        for _ in range(times):
            found.push(lanes.Turn(project=project, task=task, lane=lane))
    return found


def taken(of: lanes.Lanes, number: int) -> list[lanes.Turn]:
    return [of.pop() for _ in range(number)]


async def test_projects_take_turns_whatever_each_has_in_line() -> None:
    found = await line(("a", "1", Lane.WRITES, 1000), ("b", "2", Lane.READS, 3))
    assert [turn.project for turn in taken(found, 8)] == ["a", "b", "a", "b", "a", "b", "a", "a"]


async def test_tasks_of_one_project_take_turns() -> None:
    found = await line(("a", "large", Lane.WRITES, 1000), ("a", "small", Lane.WRITES, 2))
    assert [turn.task for turn in taken(found, 5)] == ["large", "small", "large", "small", "large"]


async def test_the_more_urgent_lane_goes_first() -> None:
    found = await line(*(("a", "1", lane, 2) for lane in reversed(Lane)))
    assert [turn.lane for turn in taken(found, 4)] == [Lane.WRITES, Lane.WRITES, Lane.READS, Lane.READS]
    assert found.waiting == {Lane.WRITES: 0, Lane.READS: 0, Lane.WAITS: 2, Lane.CLEAN_UP: 2}


async def test_nobody_starves() -> None:
    found = await line(*(("a", "1", lane, 100) for lane in Lane))
    served = Counter(turn.lane for turn in taken(found, 50))
    assert all(served[lane] >= 2 for lane in Lane)
    assert served[Lane.WRITES] == max(served.values())


async def test_who_gives_up_is_out_of_line() -> None:
    found = await line(("a", "1", Lane.WRITES, 1))
    other = lanes.Turn(project="b", task="2", lane=Lane.WAITS)
    found.push(other)
    found.remove(other)
    found.remove(other)
    assert found.waiting[Lane.WAITS] == 0
    assert found.pop().project == "a"
    assert not found


async def test_all_can_be_sent_away() -> None:
    found = await line(("a", "1", Lane.WRITES, 3), ("b", "2", Lane.READS, 2))
    assert len(found.clear()) == 5
    assert not found and not any(found.waiting.values())
    await asyncio.sleep(0)
