"""Idempotency keys: the first answer is the answer."""

import asyncio
from datetime import timedelta

import pytest

from enamel.model.caller import Caller
from enamel.model.errors import KeyInFlight, KeyReused
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
    return await store.run(idempotency.reserve, key, caller=caller, fingerprint=body, holder=request)


async def answer(store: Store, request: str = "req-1") -> None:
    await store.run(idempotency.answer, "k", caller=ANNA, holder=request, answer=ACCEPTED)


async def test_the_same_request_gets_the_first_answer_again(store: Store) -> None:
    assert await reserve(store) is None
    await answer(store)
    assert await reserve(store, request="req-2") == ACCEPTED


async def test_another_request_with_the_key_is_refused(store: Store) -> None:
    await reserve(store)
    with pytest.raises(KeyReused, match="'k'"):
        await reserve(store, body="b", request="req-2")
    await answer(store)
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
    await store.run(idempotency.release, "k", caller=ANNA, holder="req-2")
    with pytest.raises(KeyInFlight):
        await reserve(store, request="req-2")
    await store.run(idempotency.release, "k", caller=ANNA, holder="req-1")
    assert await reserve(store, body="b", request="req-2") is None


async def test_a_process_that_died_keeps_a_key_for_seconds(store: Store, clock: Clock) -> None:
    await reserve(store)
    clock.tick(5)
    with pytest.raises(KeyInFlight):
        await reserve(store, request="req-2")
    clock.tick(0.1)
    assert await reserve(store, body="b", request="req-2") is None
    with pytest.raises(KeyInFlight):
        await reserve(store, body="b", request="req-3")


async def test_a_process_that_is_slow_keeps_its_key(store: Store, clock: Clock) -> None:
    await reserve(store)
    for _ in range(5):
        clock.tick(4)
        await store.run(idempotency.hold, "k", caller=ANNA, holder="req-1")
        with pytest.raises(KeyInFlight):
            await reserve(store, request="req-2")
    await answer(store)
    assert await reserve(store, request="req-2") == ACCEPTED


async def test_a_process_that_was_frozen_cannot_answer_for_the_next(store: Store, clock: Clock) -> None:
    await reserve(store)
    clock.tick(6)
    assert await reserve(store, request="req-2") is None
    await store.run(idempotency.hold, "k", caller=ANNA, holder="req-1")
    with pytest.raises(KeyInFlight, match="a newer request owns the key"):
        await answer(store, "req-1")
    await store.run(idempotency.release, "k", caller=ANNA, holder="req-1")
    await answer(store, "req-2")
    # The same transaction once more, because its acknowledgement was lost.
    await answer(store, "req-2")
    assert await reserve(store, request="req-3") == ACCEPTED


async def test_a_process_that_is_alone_frees_all_keys_but_those_with_answers(store: Store) -> None:
    await reserve(store)
    await answer(store)
    await reserve(store, "other")
    await store.run(idempotency.release_all)
    assert await reserve(store, request="req-2") == ACCEPTED
    assert await reserve(store, "other", body="b", request="req-2") is None


async def test_answers_are_kept_for_a_day(store: Store, clock: Clock) -> None:
    await reserve(store)
    await answer(store)
    clock.tick(timedelta(hours=24).total_seconds())
    assert await reserve(store, request="req-2") == ACCEPTED
    assert await store.run(idempotency.purge) == 0
    clock.tick(1)
    assert await reserve(store, body="b", request="req-3") is None
    clock.tick(timedelta(hours=25).total_seconds())
    assert await store.run(idempotency.purge) == 1


async def test_a_request_that_the_version_before_has_answered_is_known(store: Store) -> None:
    await reserve(store, body="hash of before")
    await answer(store)
    again = {"caller": ANNA, "fingerprint": "fingerprint of now", "holder": "req-2"}
    assert await store.run(idempotency.reserve, "k", **again, before="hash of before") == ACCEPTED  # type: ignore[arg-type]
    with pytest.raises(KeyReused):
        await store.run(idempotency.reserve, "k", **again, before="another")  # type: ignore[arg-type]


async def test_old_answers_are_removed_in_portions(store: Store, clock: Clock) -> None:
    for number in range(5):
        await reserve(store, key=f"k{number}")
    clock.tick(timedelta(hours=25).total_seconds())
    removed = [await store.run(idempotency.purge, limit=2) for _ in range(4)]
    assert removed == [2, 2, 1, 0]
