"""The journal: what a worker writes of its tasks."""

import asyncio
import time
from typing import Any

import msgspec
import prometheus_client
import sqlalchemy as sa
from structlog.testing import capture_logs

from enamel.model import item
from enamel.model.problem import Problem
from enamel.model.task import Progress, ServerEntry, State, Task
from enamel.store import claims, events, items, tasks
from enamel.store.engine import Store
from enamel.store.journal import Journal
from enamel.store.lease import Lease
from tests.store import world
from tests.store.world import NOON


async def claimed(store: Store, lease: Lease, **fields: Any) -> Task:
    await world.accept(store, **fields)
    ((found, _),) = await lease.run(claims.claim, lease.id, limit=1)
    return found


async def test_what_is_saved_comes_back(store: Store, lease: Lease) -> None:
    found = await claimed(store, lease, plan={"steps": 1}, request={"name": "web"})
    step = world.an_item(
        found,
        group="web-1",
        state=item.State.TIMED_OUT,
        uncertain=True,
        attempt=3,
        started_at=NOON,
        ended_at=NOON,
        outputs={"id": "s-1", "addresses": ["10.0.0.3"]},
        error=Problem(code="enamel.cloud.error", title="It failed.", detail="It failed."),
        calls=(item.Call(method="POST", service="compute", path="/servers", status=0, ms=1.25, at=NOON),),
        note="It took the slow way.",
    )
    after = msgspec.structs.replace(found, progress=Progress(done=1, total=2), calls=7, events=2)
    event = world.an_event(found, 2, item=step.name, data={"why": "é"})
    await Journal(lease).save(after, [step], [event])
    assert await store.read(tasks.get, found.id) == after
    assert await store.read(items.list, found.id) == (step,)
    assert (await store.read(events.list, found.id))[-1] == event


async def test_the_last_version_counts_and_all_is_in_order(store: Store, lease: Lease) -> None:
    found = await claimed(store, lease)
    journal = Journal(lease)
    for seq in range(2, 52):
        journal.save(
            msgspec.structs.replace(found, calls=seq),
            [world.an_item(found, attempt=seq)],
            [world.an_event(found, seq)],
        )
    await journal.save(world.ended(msgspec.structs.replace(found, calls=52)))
    assert (await store.read(tasks.get, found.id)).calls == 52
    assert (await store.read(items.list, found.id))[0].attempt == 51
    assert [event.seq for event in await store.read(events.list, found.id)] == list(range(1, 52))


async def test_the_owner_does_not_overwrite_what_others_say(store: Store, lease: Lease) -> None:
    found = await claimed(store, lease)
    await store.run(tasks.request_cancel, found.id)
    await Journal(lease).save(msgspec.structs.replace(found, calls=3))
    after = await store.read(tasks.get, found.id)
    assert after.cancel_requested and after.calls == 3


async def test_saving_twice_is_saving_once(store: Store, lease: Lease) -> None:
    found = await claimed(store, lease)
    journal = Journal(lease)
    step, event = world.done(world.an_item(found)), world.an_event(found, 2)
    for _ in range(2):
        await journal.save(found, [step], [event])
    assert await store.read(items.list, found.id) == (step,)
    assert len(await store.read(events.list, found.id)) == 2


async def test_a_step_that_came_later_follows_the_plan(store: Store, lease: Lease) -> None:
    found = await claimed(store, lease, steps=("zulu", "alpha"))
    await Journal(lease).save(None, [world.an_item(found, "added")])
    assert [step.name for step in await store.read(items.list, found.id)] == ["zulu", "alpha", "added"]


async def test_one_that_cannot_be_written_spoils_no_other(store: Store, lease: Lease) -> None:
    found, other = await claimed(store, lease), await claimed(store, lease)
    journal = Journal(lease)
    saves = [journal.save(None, [], [world.an_event(found, 2)])]
    saves.append(journal.save(None, [], [world.an_event(found, 3, data={"bad": object()})]))
    saves.append(journal.save(None, [], [world.an_event(other, 2)]))
    outcomes = await asyncio.gather(*saves, return_exceptions=True)
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, True, False]
    assert [event.seq for event in await store.read(events.list, found.id)] == [1, 2]
    assert [event.seq for event in await store.read(events.list, other.id)] == [1, 2]


async def test_a_task_is_found_by_its_servers_as_they_come(store: Store, lease: Lease) -> None:
    found = await claimed(store, lease)
    journal = Journal(lease)
    one, two = ServerEntry(hostname="a", id="s-1"), ServerEntry(hostname="b", id="s-2")
    await journal.save(msgspec.structs.replace(found, servers=(one, ServerEntry(hostname="b"))))
    await journal.save(msgspec.structs.replace(found, servers=(one, two)))
    await journal.save(msgspec.structs.replace(found, servers=(one, two), state=State.COMPLETED))
    for id in ("s-1", "s-2"):
        assert [known.id for known in await store.read(tasks.list, server=id)] == [found.id]


async def test_followers_are_told_after_the_commit(store: Store, lease: Lease) -> None:
    found = await claimed(store, lease)
    told: list[str] = []
    journal = Journal(lease, changed=told.append)
    await journal.save(found)
    assert told == []
    await journal.save(None, [], [world.an_event(found, 2)])
    assert told == [found.id]


async def test_nobody_need_await_a_save(store: Store, lease: Lease) -> None:
    await lease.leave()
    Journal(lease).save(world.a_task())
    await asyncio.sleep(0)


async def test_hundreds_of_flows_write_side_by_side(store: Store, lease: Lease) -> None:
    steps = tuple(f"step-{n}" for n in range(5))
    for _ in range(50):
        await world.accept(store, steps=steps)
    journal = Journal(lease)

    async def flow(found: Task, todo: tuple[item.Item, ...]) -> None:
        seq = found.events
        for step in todo:
            seq += 1
            await journal.save(None, [world.running(step)], [world.an_event(found, seq, item=step.name)])
            seq += 1
            journal.save(
                None, [world.done(step)], [world.an_event(found, seq, "item.completed", item=step.name)]
            )
        await journal.save(world.ended(found), [], [world.an_event(found, seq + 1, "task.completed")])

    got = await lease.run(claims.claim, lease.id, limit=100)
    await asyncio.gather(*(flow(found, todo) for found, todo in got))
    for found, _ in got:
        assert (await store.read(tasks.get, found.id)).state is State.COMPLETED
        assert {step.state for step in await store.read(items.list, found.id)} == {item.State.COMPLETED}
        numbers = [event.seq for event in await store.read(events.list, found.id)]
        assert numbers == list(range(1, 13))


async def test_steps_are_counted_as_they_end(store: Store, lease: Lease) -> None:
    found = await claimed(store, lease)
    step = world.done(world.an_item(found, kind="test.counted"))

    def count(outcome: str) -> float:
        labels = {"kind": "test.counted", "outcome": outcome}
        return prometheus_client.REGISTRY.get_sample_value("enamel_steps_total", labels) or 0.0

    before = count("completed")
    events = [world.an_event(found, 2), world.an_event(found, 3, "item.completed", item=step.name)]
    await Journal(lease).save(None, [step], events)
    assert count("completed") == before + 1 and count("failed") == 0


def refused_by_the_database(of: Task, name: str = "boot-web-1") -> item.Item:
    """Return an item that no database can hold: its note is missing."""
    return world.an_item(of, name, state=item.State.RUNNING, note=None)


async def test_what_the_database_refuses_is_told_and_ends_the_tasks_later_writes(
    store: Store, lease: Lease
) -> None:
    found, other = await claimed(store, lease), await claimed(store, lease)
    journal = Journal(lease)
    with capture_logs() as logs:
        refused = [
            journal.save(None, [refused_by_the_database(found)], [world.an_event(found, 2)]),
            journal.save(None, [], [world.an_event(found, 3)]),
            journal.save(world.ended(found), [], [world.an_event(found, 4, "task.completed")]),
        ]
        fine = journal.save(world.ended(other), [], [world.an_event(other, 2, "task.completed")])
        outcomes = await asyncio.gather(*refused, fine, return_exceptions=True)
    assert [isinstance(outcome, sa.exc.DBAPIError) for outcome in outcomes] == [True, True, True, False]
    assert (await store.read(tasks.get, found.id)).state is State.RUNNING
    assert [event.seq for event in await store.read(events.list, found.id)] == [1]
    assert (await store.read(tasks.get, other.id)).state is State.COMPLETED
    told = [line for line in logs if line["event"] == "journal.refused"]
    assert len(told) == 3 and {line["task"] for line in told} == {found.id}


async def test_a_write_that_was_queued_before_its_refusal_was_known_is_not_carried_out(
    store: Store, lease: Lease
) -> None:
    found = await claimed(store, lease)
    journal = Journal(lease)
    first = journal.save(None, [refused_by_the_database(found)])
    # Its commit is over, and this loop has not heard of it yet.
    while not journal._series[found.id].refused:
        time.sleep(0.01)  # noqa: ASYNC251
    later = journal.save(world.ended(found), [], [world.an_event(found, 2, "task.completed")])
    outcomes = await asyncio.gather(first, later, return_exceptions=True)
    assert all(isinstance(outcome, sa.exc.DBAPIError) for outcome in outcomes)
    assert (await store.read(tasks.get, found.id)).state is State.RUNNING
    # Whoever takes the task up again, from what is stored, writes as usual.
    await journal.save(world.ended(found), [], [world.an_event(found, 2, "task.completed")])
    assert (await store.read(tasks.get, found.id)).state is State.COMPLETED


async def test_texts_that_no_database_can_hold_are_cleaned(store: Store, lease: Lease) -> None:
    found = await claimed(store, lease)
    strange = "a\0b\ud800c"
    step = world.an_item(
        found, note=strange, outputs={strange: strange}, error=Problem(code="c", title="t", detail=strange)
    )
    await Journal(lease).save(None, [step], [world.an_event(found, 2, data={"detail": strange})])
    (after,) = await store.read(items.list, found.id)
    assert after.error is not None
    assert {after.note, after.outputs["a\ufffdb\ufffdc"], after.error.detail} == {"a\ufffdb\ufffdc"}
    assert (await store.read(events.list, found.id))[-1].data == {"detail": "a\ufffdb\ufffdc"}
