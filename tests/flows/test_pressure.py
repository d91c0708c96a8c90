"""Launches on a cloud that wants to be left alone: every one ends, nothing is there twice, nobody comes back all at once."""

import asyncio
from typing import Any

import pytest

from enamel.model import task
from enamel.model.errors import CloudThrottled
from tests.flows.after import After
from tests.flows.test_cloud_faults import EQUAL, RICH, WHOLE
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import World

TWINS: dict[str, Any] = {**EQUAL, "name": "twin"}
A_WHILE = 1.2
"""Seconds that stand for a minute: the world's pauses are as much shorter."""
FORMS: dict[str, dict[str, str]] = {
    "seconds": {"Retry-After": "1"},
    "a date": {"Retry-After": "date:+1"},
    "absent": {},
    "at once": {"Retry-After": "0"},
    "less than nothing": {"Retry-After": "-30"},
    "a year": {"Retry-After": "31536000"},
    "a date in a year": {"Retry-After": "date:+31536000"},
    "garbage": {"Retry-After": "when it suits us, thank you"},
}


def refused(world: World, *statuses: int) -> int:
    """Return how many calls the cloud has refused so."""
    return sum(call.status in statuses for call in world.sandbox.cloud.calls.log)


async def under(
    world: World, match: dict[str, Any], then: dict[str, Any], *bodies: Any, seconds: float = A_WHILE
) -> list[After]:
    """Launch on a cloud that misbehaves for a while, beginning with the first call after the launches are accepted."""
    accepted = [await world.accept(body) for body in bodies]
    rule = world.fault(match, then)
    await world.struck()
    await asyncio.sleep(seconds)
    world.sandbox.faults.remove(rule.id)
    return [await world.end(one.id) for one in accepted]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("form", FORMS)
async def test_too_many_for_a_while_in_each_form(world: World, form: str) -> None:
    then = {"status": 429, "headers": FORMS[form]}
    (after,) = await under(world, {}, then, RICH)
    assert went_well(after).count() == WHOLE
    # One for each pause and service, and those that were under way when the first one came; not one for each try of each step.
    assert 0 < refused(world, 429) < 100
    await world.check()


async def test_many_launches_are_told_together(world: World) -> None:
    bodies = [{**WEB, "name": f"w{number}", "public_address": True} for number in range(12)]
    then = {"status": 429, "headers": {"Retry-After": "1"}}
    ended = await under(world, {"service": "compute"}, then, *bodies)
    assert [after.state for after in ended] == [task.State.COMPLETED] * 12
    assert len(world.there()["server"]) == 12
    assert refused(world, 429) <= 16, "who had not asked yet did not ask"
    state = next(one for one in world.cloud.state().services if one.service == "compute")
    assert state.last_complaint is not None and state.last_complaint.pause_seconds == 1
    await world.check()


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}], ids=["without a time", "with a time"])
async def test_a_storm_of_503(world: World, headers: dict[str, str]) -> None:
    then = {"status": 503, "headers": headers}
    rich, equal = await under(world, {"probability": 0.5}, then, RICH, TWINS)
    assert went_well(rich).state is went_well(equal).state is task.State.COMPLETED
    assert len(world.there()["server"]) == 5
    await world.check()


async def test_half_of_the_answers_are_pages(world: World) -> None:
    then = {"status": 200, "html": True, "effect": True}
    rich, equal = await under(world, {"probability": 0.5}, then, RICH, TWINS)
    assert went_well(rich).state is went_well(equal).state is task.State.COMPLETED
    assert len(world.there()["server"]) == 5
    await world.check()


async def test_a_cloud_that_hangs_up_for_a_while(world: World) -> None:
    rich, equal = await under(world, {}, {"drop": "before"}, RICH, TWINS, seconds=0.2)
    assert went_well(rich).state is went_well(equal).state is task.State.COMPLETED
    assert len(world.there()["server"]) == 5
    await world.check()


async def test_one_slow_service_slows_no_other(world: World) -> None:
    world.fault({"service": "network", "method": "POST"}, {"latency": 0.3})
    went_well(await world.run(RICH))
    gates = world.cloud.pace.gates
    assert {name: gate.complaints for name, gate in gates.items() if gate.complaints} == {}
    assert {gate.budget.limit for gate in gates.values()} == {32}
    await world.check()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("form", FORMS)
async def test_a_keystone_that_throttles(world: World, form: str) -> None:
    accepted = await world.accept(RICH)
    world.sandbox.cloud.identity.tokens.clear()
    world.fault(
        {"service": "identity", "method": "POST", "times": 2}, {"status": 429, "headers": FORMS[form]}
    )
    assert went_well(await world.end(accepted.id)).count() == WHOLE
    assert refused(world, 429) == 2
    await world.check()


async def test_who_waits_for_an_answer_hears_at_once_that_the_cloud_is_busy(world: World) -> None:
    world.fault({"service": "image", "times": 1}, {"status": 429, "headers": {"Retry-After": "600"}})
    for _ in range(2):
        with pytest.raises(CloudThrottled) as caught:
            await world.accept(WEB)
        assert 590 <= caught.value.data["retry_after"] <= 600
    assert refused(world, 429) == 1, "the second one did not ask"
