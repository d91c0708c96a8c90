"""Idempotency keys where accepting takes long, or whoever accepts is gone in the middle of it."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from enamel.model.errors import KeyInFlight, NameTaken
from enamel.model.task import Task
from enamel.service.tasks.idempotency import Accepted
from enamel.store import idempotency
from tests.flows.test_launch import WEB
from tests.flows.world import World

SLOWLY = {"method": "GET", "service": "image", "times": 1}


async def accept(world: World, request_id: str = "req-1") -> tuple[Task, bool]:
    ctx = replace(world.ctx, request_id=request_id)
    outcome = await world.services.submit.command(ctx, "server.create", WEB, idempotency_key="once")
    assert isinstance(outcome, Accepted)
    world.accepted = [outcome.task.id]
    return outcome.task, outcome.replayed


async def under_way(world: World) -> asyncio.Task[tuple[Task, bool]]:
    """Begin to accept on a cloud that takes its time."""
    first = asyncio.create_task(accept(world))
    await world.struck()
    assert not first.done()
    return first


async def test_two_requests_with_the_same_id_are_one(world: World) -> None:
    outcomes = await asyncio.gather(*(accept(world) for _ in range(3)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["KeyInFlight", "KeyInFlight", "tuple"]
    again, replayed = await accept(world)
    assert replayed
    await world.end(again.id)
    await world.check()


async def test_a_key_is_held_as_long_as_accepting_takes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    signs: list[object] = []
    hold = idempotency.hold
    monkeypatch.setattr(idempotency, "HELD_FOR", timedelta(seconds=1))
    monkeypatch.setattr(
        idempotency, "hold", lambda *args, **rest: (signs.append(args), hold(*args, **rest))[1]
    )
    slow = world.fault(SLOWLY, {"hold": True})
    first = await under_way(world)
    # Four signs are given in the time for which one holds the key.
    while len(signs) < 8:
        await asyncio.sleep(0.02)
    with pytest.raises(KeyInFlight):
        await accept(world, "req-2")
    await world.let_go(slow)
    made, replayed = await first
    assert not replayed
    assert (await accept(world, "req-2"))[0].id == made.id
    await world.end(made.id)
    await world.check()


async def test_whoever_was_frozen_meanwhile_adds_no_second_task(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "HELD_FOR", timedelta(seconds=0.2))
    # Whoever is frozen gives no sign.
    monkeypatch.setattr(idempotency, "hold", lambda *_args, **_rest: None)
    slow = world.fault(SLOWLY, {"hold": True})
    first = await under_way(world)
    second = asyncio.create_task(accept(world, "req-2"))
    # Once it has the key, it waits for the same answer of the cloud.
    while (await asyncio.wait({second}, timeout=1))[0]:
        with pytest.raises(KeyInFlight):
            await second
        second = asyncio.create_task(accept(world, "req-2"))
    await world.let_go(slow)
    made, replayed = await second
    assert not replayed
    # The name is promised to the other by now, and the key is its own: whichever is found out first.
    with pytest.raises((KeyInFlight, NameTaken)):
        await first
    await world.end(made.id)
    await world.check()
