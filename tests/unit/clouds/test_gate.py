"""The gate before a service: how many get in, who, and who has to come back later."""

import asyncio
import contextvars
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import pytest

from enamel.clouds.calls import context
from enamel.clouds.pacing import gate as pacing_gate
from enamel.clouds.pacing import lanes
from enamel.clouds.pacing.budget import Ceiling, Pauses, Trouble
from enamel.clouds.pacing.gate import Gate, Paces
from enamel.clouds.shared.store import SharedStore
from enamel.model import ceiling
from enamel.model.call_context import CallContext, Lane
from enamel.model.caller import Caller
from enamel.model.errors import CloudThrottled
from tests.unit.clouds.shelf import Shelf

PAUSES = Pauses(first=0.01, longest=0.05)


def gate(max_concurrent_calls: int) -> Gate:
    return Gate(
        Ceiling(max_concurrent_calls=max_concurrent_calls), cloud="north", service="network", pauses=PAUSES
    )


def as_task(work: Coroutine[Any, Any, Any], *, project: str = "p", task: str = "t") -> asyncio.Task[Any]:
    calling = CallContext(caller=Caller(user_id="u", project_id=project), task=task)
    copied = contextvars.copy_context()
    copied.run(context.use, calling)
    return asyncio.get_running_loop().create_task(work, context=copied)


async def call(
    at: Gate, seconds: float = 0.0, *, reads: bool = False, now_within: float | None = None
) -> float:
    async with at.turn(reads=reads, now_within=now_within) as began:
        await asyncio.sleep(seconds)
    return began


async def test_a_gate_lets_in_so_many_and_no_more() -> None:
    at, most = gate(3), 0

    async def pass_through() -> None:
        nonlocal most
        async with at.turn(reads=True):
            most = max(most, at.inside)
            await asyncio.sleep(0.001)

    await asyncio.gather(*(pass_through() for _ in range(20)))
    assert (at.inside, most) == (0, 3)


async def test_who_gives_up_in_line_blocks_nobody() -> None:
    at = gate(1)
    tasks = [as_task(call(at, 0.01)) for _ in range(6)]
    await asyncio.sleep(0.001)
    for task in tasks[1:4]:
        task.cancel()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
    await asyncio.wait_for(call(at), 10)
    assert at.inside == 0 and not any(at.waiting.values())


async def test_who_is_cancelled_in_the_moment_of_their_turn_gives_it_back() -> None:
    at = gate(1)
    first, second, third = (as_task(call(at, 0.002)) for _ in range(3))
    await first
    second.cancel()
    await asyncio.wait_for(third, 10)
    await asyncio.gather(second, return_exceptions=True)
    assert at.inside == 0


async def test_all_wait_where_one_was_told_to_and_come_back_one_by_one() -> None:
    at = gate(8)
    async with at.turn(reads=True) as began:
        at.complained(Trouble.TOO_MANY, began=began, status=429, pause=0.1)
    loop = asyncio.get_running_loop()
    told, most = loop.time(), 0

    async def one() -> float:
        nonlocal most
        async with at.turn(reads=False):
            most = max(most, at.inside)
            entered = loop.time()
            await asyncio.sleep(0.001)
            at.went_well("POST", seconds=0.001)
        return entered

    entered = await asyncio.gather(*(as_task(one()) for _ in range(12)))
    assert min(entered) - told >= 0.099
    assert most <= 5, "not all at once"
    assert at.complaints == 1 and at.last_complaint is not None and at.last_complaint.status == 429


async def test_a_task_comes_back_later_where_the_pause_is_long_and_a_person_hears_at_once() -> None:
    at = gate(2)
    at.complained(Trouble.BUSY, began=0.0, status=503, pause=30.0)
    with pytest.raises(CloudThrottled) as caught:
        await call(at, now_within=10.0)
    assert caught.value.data["retry_after"] == 30
    waiting = as_task(call(at, now_within=10.0))
    await asyncio.sleep(0.001)
    assert not waiting.done(), "a task waits for half a minute"
    at.complained(Trouble.BUSY, began=0.0, status=503, pause=300.0)
    with pytest.raises(CloudThrottled, match="Calls to network on north are paused for 300 s"):
        await waiting
    with pytest.raises(CloudThrottled):
        await as_task(call(at))


async def test_nobody_who_waits_for_an_answer_stands_in_line_for_long() -> None:
    at = gate(1)
    long = as_task(call(at, 0.2))
    await asyncio.sleep(0.001)
    with pytest.raises(CloudThrottled):
        await call(at, now_within=0.01)
    await long
    assert at.inside == 0


async def test_one_of_another_project_is_next_however_long_the_line_is() -> None:
    at = gate(2)
    crowd = [as_task(call(at, 0.002), project="large") for _ in range(100)]
    await asyncio.sleep(0.001)
    await as_task(call(at, 0.002), project="small")
    assert sum(task.done() for task in crowd) < 10
    await asyncio.gather(*crowd)


async def test_lanes_come_from_the_call_unless_somebody_says_otherwise() -> None:
    at = gate(1)
    free = asyncio.Event()

    async def until_free() -> None:
        async with at.turn(reads=False):
            await free.wait()

    blocker = as_task(until_free())
    while not at.inside:
        await asyncio.sleep(0)

    async def cleaning() -> None:
        with context.in_lane(Lane.CLEAN_UP):
            await call(at)

    work = [as_task(cleaning()), as_task(call(at, reads=True)), as_task(call(at))]
    while sum(at.waiting.values()) < len(work):
        await asyncio.sleep(0)
    assert at.waiting == {Lane.WRITES: 1, Lane.READS: 1, Lane.WAITS: 0, Lane.CLEAN_UP: 1}
    free.set()
    await asyncio.gather(blocker, *work)


async def test_entries_of_one_cloud_have_one_gate_for_each_service() -> None:
    paces = Paces(
        max_concurrent_calls=ceiling.parse("9, north=4, north/network=2"),
        max_calls_per_second=ceiling.parse("north=5"),
    )
    north, south = paces.of("https://north", cloud="north"), paces.of("https://south", cloud="south")
    assert paces.of("https://north", cloud="north-other") is north
    assert north.gate("network") is north.gate("network")
    found = [(one.budget.limit, one.budget.rate) for one in map(north.gate, ("network", "compute"))]
    assert found == [(2, 5.0), (4, 5.0)]
    assert (south.gate("compute").budget.limit, south.gate("compute").budget.rate) == (9, None)


@pytest.fixture
def pair() -> tuple[Shelf, Gate, Gate]:
    """The gates of two processes that share a board."""
    shelf = Shelf()
    gates = [
        Paces(max_concurrent_calls=ceiling.parse("8"), board=SharedStore(shelf)).of(
            "https://north", cloud="north", pauses=PAUSES
        )
        for _ in range(2)
    ]
    return shelf, gates[0].gate("network"), gates[1].gate("network")


async def test_a_pause_is_kept_by_all_processes(pair: tuple[Shelf, Gate, Gate]) -> None:
    _, one, other = pair
    async with one.turn(reads=True) as began:
        one.complained(Trouble.TOO_MANY, began=began, status=429, pause=30.0)
    await asyncio.sleep(0.01)
    with pytest.raises(CloudThrottled):
        await call(other, now_within=1.0)
    assert other.closed_for == pytest.approx(30.0, abs=1.0)


async def test_processes_divide_the_ceiling(
    pair: tuple[Shelf, Gate, Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, one, other = pair
    await call(one)
    await call(other)
    assert (one.budget.limit, other.budget.limit) == (8, 4)
    monkeypatch.setattr("enamel.clouds.shared.throttle_notes.LOOK_EVERY", 0.0)
    await call(one)
    assert one.budget.limit == 4


async def test_without_the_others_a_process_goes_on(pair: tuple[Shelf, Gate, Gate]) -> None:
    shelf, one, _ = pair
    shelf.away = ConnectionError("gone")
    await call(one)
    one.complained(Trouble.TOO_MANY, began=0.0, pause=2.0)
    await asyncio.sleep(0)
    assert one.closed_for > pacing_gate.WORTH_TELLING


# -- the lanes before it


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
