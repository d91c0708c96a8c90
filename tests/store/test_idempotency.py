"""Idempotency keys: the first answer is the answer."""

import asyncio
from datetime import timedelta

import pytest

from enamel.model.errors import KeyInFlight, KeyReused
from enamel.model.task import Caller
from enamel.store import idempotency
from enamel.store.engine import Store
from enamel.store.idempotency import Answer
from tests.store.world import Clock

ANNA = Caller(user_id="anna", project_id="project-1")
BEN = Caller(user_id="ben", project_id="project-1")
ACCEPTED = Answer(status=202, headers={"Location": "/tasks/1"}, body={"task": {"id": "1"}})


async def reserve(
    store: Store, key: str = "k", *, caller: Caller = ANNA, body: str = "a", request: str = "req-1"
) -> Answer | None:
    return await store.run(idempotency.reserve, key, caller=caller, fingerprint=body, request_id=request)


async def test_the_same_request_gets_the_first_answer_again(store: Store) -> None:
    assert await reserve(store) is None
    await store.run(idempotency.answer, "k", caller=ANNA, answer=ACCEPTED)
    assert await reserve(store, request="req-2") == ACCEPTED


async def test_another_request_with_the_key_is_refused(store: Store) -> None:
    await reserve(store)
    with pytest.raises(KeyReused, match="'k'"):
        await reserve(store, body="b", request="req-2")
    await store.run(idempotency.answer, "k", caller=ANNA, answer=ACCEPTED)
    with pytest.raises(KeyReused):
        await reserve(store, body="b", request="req-2")


async def test_while_the_first_is_being_accepted_the_second_waits(store: Store) -> None:
    outcomes = await asyncio.gather(
        *(reserve(store, request=f"req-{n}") for n in range(5)), return_exceptions=True
    )
    assert outcomes[0] is None
    assert {type(outcome) for outcome in outcomes[1:]} == {KeyInFlight}
    # The same transaction once more, because its acknowledgement was lost.
    assert await reserve(store, request="req-0") is None


async def test_keys_belong_to_their_caller_and_differ_by_case(store: Store) -> None:
    for key, caller in [("k", ANNA), ("K", ANNA), ("k", BEN)]:
        assert await reserve(store, key, caller=caller) is None


async def test_a_refused_request_gives_its_key_back(store: Store) -> None:
    await reserve(store)
    await store.run(idempotency.release, "k", caller=ANNA, request_id="req-2")
    with pytest.raises(KeyInFlight):
        await reserve(store, request="req-2")
    await store.run(idempotency.release, "k", caller=ANNA, request_id="req-1")
    assert await reserve(store, body="b", request="req-2") is None


async def test_a_process_that_died_does_not_keep_a_key(store: Store, clock: Clock) -> None:
    await reserve(store)
    clock.tick(121)
    assert await reserve(store, body="b", request="req-2") is None
    with pytest.raises(KeyInFlight):
        await reserve(store, body="b", request="req-3")


async def test_answers_are_kept_for_a_day(store: Store, clock: Clock) -> None:
    await reserve(store)
    await store.run(idempotency.answer, "k", caller=ANNA, answer=ACCEPTED)
    clock.tick(timedelta(hours=24).total_seconds())
    assert await reserve(store, request="req-2") == ACCEPTED
    assert await store.run(idempotency.purge) == 0
    clock.tick(1)
    assert await reserve(store, body="b", request="req-3") is None
    clock.tick(timedelta(hours=25).total_seconds())
    assert await store.run(idempotency.purge) == 1
