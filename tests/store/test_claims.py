"""Claims: who gets which task, and in which order."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa

from enamel.model import item, topic
from enamel.model.errors import PlanUnreadable, TaskTimedOut
from enamel.model.task import Priority, State
from enamel.store import claims, events, items, queue_order, schema, tasks, workers
from enamel.store.engine import Store
from enamel.store.lease import Lease
from tests.store import world
from tests.store.world import NOON, Clock


async def claim(lease: Lease, *, limit: int = 100, topics: topic.Topics = topic.ALL) -> list[str]:
    found = await lease.run(claims.claim, lease.id, limit=limit, topics=topics)
    return [known.id for known, _ in found]


async def test_a_claimed_task_is_its_workers_with_all_its_items(store: Store, lease: Lease) -> None:
    accepted = await world.accept(store, steps=("port-1", "boot-web-1"))
    ((claimed, steps),) = await lease.run(claims.claim, lease.id, limit=5)
    assert claimed == await store.read(tasks.get, accepted.id)
    assert claimed.state is State.RUNNING and claimed.worker == lease.id
    assert claimed.attempt == 1 and claimed.started_at == NOON
    assert steps == await store.read(items.list, accepted.id)
    assert await claim(lease) == []
    assert await lease.run(claims.held, lease.id) == {accepted.id}


async def test_claims_the_urgent_first(store: Store, lease: Lease) -> None:
    wanted = [Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.NORMAL]
    low, one, high, two = [(await world.accept(store, priority=priority)).id for priority in wanted]
    assert await claim(lease, limit=2) == [high, one]
    assert await claim(lease) == [two, low]


async def test_no_project_waits_behind_anothers_crowd(store: Store, lease: Lease) -> None:
    crowd = [(await world.accept(store, project_id="crowd")).id for _ in range(6)]
    assert await claim(lease, limit=2) == crowd[:2]
    later = NOON + timedelta(seconds=1)
    small = [(await world.accept(store, project_id="small", created_at=later)).id for _ in range(2)]
    assert await claim(lease) == [crowd[2], small[0], crowd[3], small[1], crowd[4], crowd[5]]


async def test_a_project_that_comes_late_does_not_overtake_everybody(store: Store, lease: Lease) -> None:
    early = [(await world.accept(store, project_id=f"p{n}")).id for n in range(3)]
    later = NOON + timedelta(seconds=1)
    late = (await world.accept(store, project_id="late", created_at=later)).id
    assert await claim(lease) == [*early, late]


async def test_a_task_waits_for_its_time(store: Store, lease: Lease, clock: Clock) -> None:
    future = await world.accept(store, not_before=NOON + timedelta(minutes=1))
    assert await claim(lease) == []
    clock.tick(60)
    assert await claim(lease) == [future.id]


@pytest.mark.parametrize(
    ("patterns", "taken"),
    [
        ([], ["server.create", "server.resize", "server_x.create", "task.revert"]),
        (["*"], ["server.create", "server.resize", "server_x.create", "task.revert"]),
        (["server.*"], ["server.create", "server.resize"]),
        (["server.*", "!server.create"], ["server.resize"]),
        (["!server.*"], ["server_x.create", "task.revert"]),
        (["server_x.*"], ["server_x.create"]),
        (["task.revert", "server.create"], ["server.create", "task.revert"]),
        (["task"], []),
    ],
)
async def test_a_worker_takes_its_topics_only(
    store: Store, lease: Lease, patterns: list[str], taken: list[str]
) -> None:
    types = ["server.create", "server.resize", "server_x.create", "task.revert"]
    accepted = {type: (await world.accept(store, type=type)).id for type in types}
    served = topic.parse(patterns)
    assert set(await claim(lease, topics=served)) == {accepted[type] for type in taken}
    assert [type for type in types if served.serve(type)] == taken


async def test_two_workers_never_take_the_same_task(store: Store, lease: Lease, other: Lease) -> None:
    accepted = {(await world.accept(store)).id for _ in range(40)}
    portions = await asyncio.gather(*(claim(each, limit=7) for each in [lease, other] * 4))
    taken = [id for portion in portions for id in portion]
    assert len(taken) == len(set(taken)) == 40 and set(taken) == accepted


async def test_nothing_is_claimed_without_a_free_slot(store: Store, lease: Lease) -> None:
    await world.accept(store)
    assert await claim(lease, limit=0) == []
    assert await claim(lease, limit=-3) == []


async def test_numbers_go_on_after_the_last_event_that_was_written(store: Store, lease: Lease) -> None:
    accepted = await world.accept(store)
    await store.run(events.insert, [world.an_event(accepted, 2), world.an_event(accepted, 3)])
    ((claimed, _),) = await lease.run(claims.claim, lease.id, limit=1)
    assert claimed.events == 3


async def test_a_task_that_was_given_back_can_be_claimed_again(
    store: Store, lease: Lease, other: Lease
) -> None:
    accepted = await world.accept(store)
    assert await claim(lease) == [accepted.id]
    assert await other.run(claims.release, other.id, [accepted.id]) == {}
    assert await lease.run(claims.release, lease.id, [accepted.id]) == {accepted.id: "server.create"}
    ((again, _),) = await other.run(claims.claim, other.id, limit=1)
    assert again.attempt == 2 and again.worker == other.id and again.started_at == NOON


NEWER = PlanUnreadable("The plan has version 9; this worker reads up to 2.", newer=True)


async def test_plans_of_later_versions_are_left_for_later_workers(store: Store, lease: Lease) -> None:
    old = await world.accept(store, plan={"nodes": []})
    scheduled = await world.accept(store, type="task.revert", plan={})
    now = await world.accept(store, plan={"version": 2})
    later = await world.accept(store, plan={"version": 3})
    claimed = await lease.run(claims.claim, lease.id, limit=10, reader=claims.Reader(plan_version=2))
    assert {found.id for found, _ in claimed} == {old.id, scheduled.id, now.id}
    claimed = await lease.run(claims.claim, lease.id, limit=10, reader=claims.Reader(plan_version=3))
    assert {found.id for found, _ in claimed} == {later.id}


async def test_a_task_that_gets_a_plan_gets_its_version(store: Store, lease: Lease) -> None:
    accepted = await world.accept(store, type="task.revert", plan={})
    await store.run(tasks.replan, accepted.id, plan={"version": 3}, steps=[])
    assert await lease.run(claims.claim, lease.id, limit=1, reader=claims.Reader(plan_version=2)) == ()
    assert len(await lease.run(claims.claim, lease.id, limit=1)) == 1


async def test_a_task_that_is_given_back_is_as_it_was_before(
    store: Store, lease: Lease, other: Lease
) -> None:
    accepted = await world.accept(store)
    await claim(lease)
    assert await other.run(claims.give_back, other.id, accepted.id, why=NEWER) is None
    assert await lease.run(claims.held, lease.id) == {accepted.id}
    assert await lease.run(claims.give_back, lease.id, accepted.id, why=NEWER) is None
    back = await store.read(tasks.get, accepted.id)
    assert back == msgspec.structs.replace(accepted, events=2)
    last = (await store.read(events.list, accepted.id))[-1]
    assert (last.seq, last.type) == (2, "task.given_back")
    assert last.data == {"worker": lease.id, "code": NEWER.code, "detail": NEWER.detail}
    # Whoever could not read it does not claim it again, others do.
    reader = claims.Reader(unreadable=frozenset({accepted.id}))
    assert await lease.run(claims.claim, lease.id, limit=1, reader=reader) == ()
    assert await claim(other) == [accepted.id]


async def test_a_task_that_was_begun_before_stays_begun_when_it_is_given_back(
    store: Store, lease: Lease, other: Lease
) -> None:
    accepted = await world.accept(store)
    await claim(lease)
    await lease.run(claims.release, lease.id)
    await claim(other)
    await store.run(tasks.request_cancel, accepted.id)
    assert await other.run(claims.give_back, other.id, accepted.id, why=NEWER) is None
    back = await store.read(tasks.get, accepted.id)
    assert (back.state, back.attempt, back.started_at) == (State.WAITING, 1, NOON)


async def test_a_task_that_nobody_has_begun_ends_when_it_is_given_back_cancelled(
    store: Store, lease: Lease
) -> None:
    accepted = await world.accept(store)
    await claim(lease)
    await store.run(tasks.request_cancel, accepted.id)
    ended = await lease.run(claims.give_back, lease.id, accepted.id, why=NEWER)
    assert ended is not None and ended.state is State.ABORTED
    told = [event.type for event in await store.read(events.list, accepted.id)]
    assert told == ["task.accepted", "task.given_back", "task.aborted"]


async def test_a_task_that_broke_its_worker_rests(store: Store, lease: Lease, clock: Clock) -> None:
    accepted = await world.accept(store)
    await claim(lease)
    await lease.run(claims.postpone, lease.id, accepted.id, rest=timedelta(seconds=5))
    assert await claim(lease) == []
    clock.tick(5)
    assert await claim(lease) == [accepted.id]


async def test_settling_gives_back_what_has_not_ended(store: Store, lease: Lease) -> None:
    accepted = await world.accept(store)
    await claim(lease)
    left, missing = await asyncio.gather(lease.settle(accepted.id), lease.settle("no-such-task"))
    assert left is not None and left.state is State.WAITING
    assert missing is None


async def test_a_task_that_cannot_be_carried_out_ends(store: Store, lease: Lease, other: Lease) -> None:
    accepted = await world.accept(store)
    await claim(lease)
    error = TaskTimedOut("It took too long.")
    assert await other.run(claims.fail, other.id, accepted.id, error=error) is None
    ended = await lease.run(claims.fail, lease.id, accepted.id, error=error)
    assert ended is not None and ended.state is State.ABORTED and ended.error is not None
    assert await lease.run(claims.fail, lease.id, accepted.id, error=error) is None
    assert [event.type for event in await store.read(events.list, accepted.id)][-1] == "task.aborted"


async def test_a_deadline_goes_on_from_the_claim(store: Store, lease: Lease, clock: Clock) -> None:
    accepted = await world.accept(store, deadline=NOON + timedelta(seconds=30))
    clock.tick(100)
    [(first, _)] = await lease.run(claims.claim, lease.id, limit=1)
    assert first.deadline == NOON + timedelta(seconds=130)
    assert (await store.read(tasks.get, accepted.id)).deadline == first.deadline
    clock.tick(10)
    await lease.run(claims.release, lease.id)
    clock.tick(1000)
    [(second, _)] = await lease.run(claims.claim, lease.id, limit=1)
    assert second.deadline == NOON + timedelta(seconds=1130)
    assert (await store.read(tasks.get, accepted.id)).deadline == second.deadline


async def test_a_deadline_stands_still_from_the_end_of_a_dead_workers_lease_on(
    store: Store, lease: Lease, clock: Clock
) -> None:
    await world.accept(store, deadline=NOON + timedelta(seconds=30))
    other = Lease(store, name="other", length=timedelta(seconds=5))
    await other.take()
    await other.run(claims.claim, other.id, limit=1)
    clock.tick(1005)
    await store.run(workers.reap, everyone=True, but=lease.id)
    [(again, _)] = await lease.run(claims.claim, lease.id, limit=1)
    assert again.deadline == NOON + timedelta(seconds=1030)


async def test_what_somebody_here_serves_is_begun_late_and_a_revert_never_ends_unclaimed(
    store: Store, clock: Clock
) -> None:
    deadline = NOON + timedelta(seconds=30)
    late = await world.accept(store, deadline=deadline)
    await world.accept(store, deadline=deadline, type="task.revert")
    clock.tick(31)
    assert await store.run(claims.time_out, served=topic.parse(["server.*"])) == []
    ended = await store.run(claims.time_out, served=topic.parse(["task.*"]))
    assert [known.id for known in ended] == [late.id]


async def test_a_task_whose_time_is_over_before_it_began_ends(
    store: Store, lease: Lease, clock: Clock
) -> None:
    deadline = NOON + timedelta(seconds=30)
    begun = await world.accept(store, deadline=deadline)
    await claim(lease)
    await lease.run(claims.release, lease.id)
    waiting = await world.accept(store, deadline=deadline)
    assert await store.run(claims.time_out) == []
    clock.tick(30)
    assert [late.id for late in await store.run(claims.time_out)] == [waiting.id]
    found = await store.read(tasks.get, waiting.id)
    assert found.state is State.TIMED_OUT
    assert found.error is not None and "server.create" in found.error.detail
    assert [event.type for event in await store.read(events.list, waiting.id)][-1] == "task.timed_out"
    assert {step.state for step in await store.read(items.list, waiting.id)} == {item.State.ABORTED}
    # Whatever a worker had may have made something: the next worker rolls it back.
    assert (await store.read(tasks.get, begun.id)).state is State.WAITING


async def test_turns_never_go_back(store: Store, lease: Lease) -> None:
    def turns(tx: queue_order.Tx) -> dict[str, int]:
        columns = (schema.tasks.c.id, schema.tasks.c.turn)
        return {row["id"]: row["turn"] for row in tx.rows(sa.select(*columns))}

    last = -1
    for _ in range(4):
        accepted = await world.accept(store)
        turn = (await store.read(turns))[accepted.id]
        assert turn > last
        last = turn
        assert await claim(lease) == [accepted.id]
        await store.run(queue_order.advance, thorough=False)


async def test_a_task_that_was_accepted_behind_the_beginning_is_found(store: Store, lease: Lease) -> None:
    early = (await world.accept(store)).id
    for _ in range(3):
        await store.run(queue_order.advance, thorough=False)
    late = (await world.accept(store)).id

    def behind(tx: queue_order.Tx) -> None:
        # As a process of the version before would, or one that was about to commit for long.
        tx.execute(sa.update(schema.queue_heads).values(turn=50, before=40))
        tx.execute(sa.update(schema.tasks).where(schema.tasks.c.id == late).values(turn=45))
        tx.execute(sa.update(schema.tasks).where(schema.tasks.c.id == early).values(turn=0))

    await store.run(behind)
    assert await claim(lease) == []
    await store.run(queue_order.advance, thorough=False)
    assert await claim(lease) == [late]
    await store.run(queue_order.advance, thorough=True)
    assert await claim(lease) == [early]


async def test_a_task_that_is_given_back_can_be_claimed_however_far_the_queue_is(
    store: Store, lease: Lease, other: Lease
) -> None:
    accepted = await world.accept(store)
    assert await claim(lease) == [accepted.id]
    for _ in range(3):
        await store.run(queue_order.advance, thorough=False)
    await lease.run(claims.release, lease.id)
    assert await claim(other) == [accepted.id]
    cancelled = await world.accept(store, not_before=NOON + timedelta(hours=1), attempt=1)
    await store.run(tasks.request_cancel, cancelled.id)
    assert await claim(other) == [cancelled.id]


async def test_a_task_of_the_version_before_is_claimed_by_topic(store: Store, lease: Lease) -> None:
    accepted = await world.accept(store)
    await store.run(lambda tx: tx.execute(sa.update(schema.tasks).values(partition=None)))
    assert await claim(lease, topics=topic.parse(["server.*"])) == [accepted.id]


async def test_what_waits_behind_others_is_found_by_topic_and_priority(store: Store, lease: Lease) -> None:
    for number in range(60):
        await world.accept(store, type="image.create", project_id=f"p{number % 30}")
    mine = [
        (await world.accept(store, type="server.create", project_id=f"p{number}")).id for number in range(30)
    ]
    low = (await world.accept(store, type="server.delete", priority=Priority.LOW)).id
    high = (await world.accept(store, type="server.delete", priority=Priority.HIGH)).id
    served = topic.parse(["server.*"])
    assert await claim(lease, topics=served, limit=1) == [high]
    assert set(await claim(lease, topics=served, limit=30)) == set(mine)
    assert await claim(lease, topics=served) == [low]
