"""Tasks in the store: what goes in comes out, and only to those who may see it."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from enamel.model import item, task, task_key
from enamel.model.credential import LOCAL, Credential
from enamel.model.errors import NotFound, TaskCancelled, WrongState
from enamel.model.problem import Problem
from enamel.model.task import Made, Priority, Progress, Result, ServerEntry, State
from enamel.model.task_key import TaskKey
from enamel.store import claims, events, items, reservations, schema, task_index, tasks
from enamel.store.engine import Store
from enamel.store.lease import Lease
from tests.store import world
from tests.store.world import NOON

EVERYTHING: dict[str, Any] = {
    "state": State.RUNNING,
    "reverting": True,
    "cancel_requested": True,
    "progress": Progress(done=3, total=8),
    "started_at": NOON + timedelta(microseconds=1),
    "ended_at": NOON + timedelta(days=400),
    "priority": Priority.HIGH,
    "not_before": NOON - timedelta(days=1),
    "deadline": NOON + timedelta(hours=1),
    "request": {"name": "wéb 🎉", "count": 3, "nested": {"list": [1, 2.5, None, True]}},
    "plan": {"steps": ["a" * 100_000]},
    "servers": (ServerEntry(hostname="web-1", id="s-1", launched_at=NOON, fixed_addresses=("10.0.0.3",)),),
    "result": Result(made={"server": (Made(kind="server", id="s-1"),)}, data={"image": "i-1"}),
    "error": Problem(code="enamel.cloud.error", title="It failed.", detail="It failed."),
    "calls": 12,
    "credential": Credential(kind="application_credential", reference="local:9"),
    "worker": "w-1",
    "attempt": 2,
    "parent": "t-0",
    "reserves": {"cores": 4},
    "secrets": ("local:1",),
    "groups": {"web-1": 1},
}


async def test_a_task_comes_back_as_it_was(store: Store) -> None:
    accepted = await world.accept(store, **EVERYTHING)
    assert await store.read(tasks.get, accepted.id, project_id="project-1") == accepted
    assert accepted.events == 1


async def test_items_come_back_in_the_order_of_the_plan(store: Store) -> None:
    accepted = await world.accept(store, steps=("network", "port-1", "boot-web-1", "address-1"))
    found = await store.read(items.list, accepted.id)
    assert [step.name for step in found] == ["network", "port-1", "boot-web-1", "address-1"]
    assert found[0] == world.an_item(accepted, "network")


@pytest.mark.parametrize("function", [tasks.get, tasks.request_cancel, tasks.forget])
async def test_another_projects_task_is_not_there(store: Store, function: object) -> None:
    accepted = await world.accept(store)
    with pytest.raises(NotFound, match=accepted.id):
        await store.run(function, accepted.id, project_id="project-2")  # type: ignore[arg-type]


async def test_lists_the_newest_first_in_pages(store: Store) -> None:
    accepted = sorted([(await world.accept(store)).id for _ in range(5)], reverse=True)
    first = await store.read(tasks.list, project_id="project-1", limit=2)
    second = await store.read(tasks.list, project_id="project-1", marker=first[-1].id, limit=2)
    assert [found.id for found in (*first, *second)] == accepted[:4]
    assert await store.read(tasks.list, project_id="project-2") == ()


async def test_lists_by_what_tasks_are_about(store: Store) -> None:
    boot = await world.accept(store, servers=(ServerEntry(hostname="web", id="s-1"),))
    revert = await world.accept(
        store, type="task.revert", parent=boot.id, created_at=NOON + timedelta(hours=1), plan={"big": True}
    )
    by = [
        {"type": "task.revert"},
        {"parent": boot.id},
        {"since": NOON + timedelta(minutes=1)},
        {"states": [State.WAITING], "type": "task.revert"},
    ]
    for filters in by:
        assert [found.id for found in await store.read(tasks.list, **filters)] == [revert.id]  # type: ignore[arg-type]
    assert [found.id for found in await store.read(tasks.list, server="s-1")] == [boot.id]
    assert await store.read(tasks.list, states=task.ENDED) == ()
    assert (await store.read(tasks.list, type="task.revert"))[0].plan == {}


async def test_names_are_taken_within_one_project_of_one_cloud(store: Store) -> None:
    accepted = await world.accept(store, servers=(ServerEntry(hostname="web"), ServerEntry(hostname="db")))
    await store.run(task_index.add, task_key.hostnames(accepted))
    taken: dict[str, Any] = {"project_id": "project-1", "cloud": "lab", "names": ["web", "db", "new"]}
    assert await store.read(tasks.reserved_names, **taken) == {"web", "db"}
    assert await store.read(tasks.reserved_names, **{**taken, "project_id": "project-2"}) == frozenset()
    assert await store.read(tasks.reserved_names, **{**taken, "cloud": "south"}) == frozenset()
    assert await store.read(tasks.list, server="web") == ()
    await store.run(tasks.request_cancel, accepted.id)
    assert await store.read(tasks.reserved_names, **taken) == frozenset()


async def test_a_host_name_like_a_server_id_is_no_server(store: Store) -> None:
    named = await world.accept(store, servers=(ServerEntry(hostname="s-1"),))
    await store.run(task_index.add, task_key.hostnames(named))
    made = await world.accept(store, servers=(ServerEntry(hostname="web", id="s-1"),))
    assert [found.id for found in await store.read(tasks.list, server="s-1")] == [made.id]


async def test_what_the_version_before_wrote_is_found(store: Store) -> None:
    accepted = await world.accept(store)
    pairs = [{"task": accepted.id, "server": key} for key in ("s-1", "name:web")]
    await store.run(lambda tx: tx.insert_new(schema.task_servers, pairs))
    assert [found.id for found in await store.read(tasks.list, server="s-1")] == [accepted.id]
    names = await store.read(tasks.reserved_names, project_id="project-1", cloud="lab", names=["web"])
    assert names == {"web"}


async def test_a_scheduled_revert_acts_on_the_authority_of_the_task_that_it_reverts(store: Store) -> None:
    handed_in = Credential(kind="application_credential", reference="local:1")
    first = await world.accept(store)
    revert = await world.accept(
        store, type="task.revert", parent=first.id, not_before=NOON + timedelta(days=1)
    )
    assert revert.credential == LOCAL
    again = await world.accept(store, parent=first.id, credential=handed_in)
    await store.run(tasks.hand_on, revert.id, to=again)
    handed_on = await store.read(tasks.get, revert.id)
    assert (handed_on.parent, handed_on.credential) == (again.id, handed_in)


async def test_a_task_keeps_its_credential_from_worker_to_worker(store: Store, lease: Lease) -> None:
    handed_in = Credential(kind="application_credential", reference="local:1")
    accepted = await world.accept(store, credential=handed_in)
    for _ in range(2):
        ((claimed, _),) = await lease.run(claims.claim, lease.id, limit=1)
        assert claimed.credential == handed_in
        await lease.run(claims.release, lease.id)
    assert (await store.read(tasks.get, accepted.id)).credential == handed_in


async def test_cancelling_a_task_that_nobody_had_ends_it_at_once(store: Store) -> None:
    accepted = await world.accept(store, steps=("port-1", "boot-web-1"), reserves={"cores": 2})
    answer = await store.run(tasks.request_cancel, accepted.id)
    found = await store.read(tasks.get, accepted.id)
    assert answer == found
    assert found.state is State.ABORTED and found.cancel_requested and found.ended_at == NOON
    assert found.error is not None and found.error.code == TaskCancelled.code
    assert found.reserves == {}
    told = await store.read(events.list, accepted.id)
    assert [(event.seq, event.type) for event in told] == [(1, "task.accepted"), (2, "task.aborted")]
    assert found.events == 2
    assert {step.state for step in await store.read(items.list, accepted.id)} == {item.State.ABORTED}


async def test_cancelling_a_running_task_asks_its_worker(store: Store, lease: Lease) -> None:
    accepted = await world.accept(store)
    await lease.run(claims.claim, lease.id, limit=1)
    for _ in range(2):
        asked = await store.run(tasks.request_cancel, accepted.id)
        assert asked.state is State.RUNNING and asked.cancel_requested
    assert await lease.renew() == {accepted.id}
    assert await lease.run(claims.cancelled, lease.id) == {accepted.id}
    assert len(await store.read(events.list, accepted.id)) == 1


async def test_cancelling_a_task_that_may_have_made_things_leaves_it_for_a_worker(
    store: Store, lease: Lease
) -> None:
    accepted = await world.accept(store)
    await lease.run(claims.claim, lease.id, limit=1)
    await lease.run(claims.postpone, lease.id, accepted.id, rest=timedelta(hours=1))
    await store.run(tasks.request_cancel, accepted.id)
    ((claimed, _),) = await lease.run(claims.claim, lease.id, limit=1)
    assert claimed.id == accepted.id and claimed.cancel_requested


async def test_an_ended_task_cannot_be_cancelled_and_a_living_one_not_forgotten(store: Store) -> None:
    accepted = await world.accept(store)
    with pytest.raises(WrongState, match="WAITING") as refused:
        await store.run(tasks.forget, accepted.id)
    assert refused.value.data["possible"] == ["ABORTED", "COMPLETED", "TIMED_OUT"]
    await store.run(tasks.request_cancel, accepted.id)
    with pytest.raises(WrongState, match="ABORTED") as refused:
        await store.run(tasks.request_cancel, accepted.id)
    assert refused.value.data["state"] == "ABORTED"


async def test_forgetting_a_task_leaves_nothing_of_it(store: Store) -> None:
    accepted = await world.accept(store, servers=(ServerEntry(hostname="web", id="s-1"),))
    await store.run(tasks.request_cancel, accepted.id)
    assert (await store.run(tasks.forget, accepted.id)).id == accepted.id
    with pytest.raises(NotFound):
        await store.read(tasks.get, accepted.id)
    assert await store.read(items.list, accepted.id) == ()
    assert await store.read(events.list, accepted.id) == ()
    assert await store.read(tasks.list, server="s-1") == ()


async def test_reserved_counts_what_unfinished_tasks_are_about_to_take(store: Store) -> None:
    await world.accept(store, reserves={"cores": 4, "instances": 2})
    await world.accept(store, reserves={"cores": 1, "floatingip": 1}, created_at=NOON + timedelta(seconds=9))
    await world.accept(store, reserves={"cores": 64}, cloud="elsewhere")
    await world.accept(store, reserves={"cores": 64}, project_id="project-2")
    over = await world.accept(store, reserves={"cores": 64})
    await store.run(tasks.request_cancel, over.id)
    mine: dict[str, Any] = {"project_id": "project-1", "cloud": "lab"}
    assert await store.read(reservations.reserved, **mine) == {"cores": 5, "instances": 2, "floatingip": 1}


@pytest.mark.parametrize(
    ("before", "after"),
    [(before, after) for before in State for after in State if after not in {before, *task.MOVES[before]}],
)
async def test_a_move_that_there_is_not_is_refused(store: Store, before: State, after: State) -> None:
    accepted = await world.accept(store, state=before)
    with pytest.raises(task.IllegalMove, match=f"{before.value} to {after.value}"):
        await store.run(tasks.save, [msgspec.structs.replace(accepted, state=after)])
    assert (await store.read(tasks.get, accepted.id)).state is before
    if after in task.ENDED:
        with pytest.raises(task.IllegalMove):
            await store.run(tasks.end, accepted, state=after, error=TaskCancelled())


async def test_events_are_read_in_order_after_a_number(store: Store) -> None:
    accepted = await world.accept(store)
    more = [world.an_event(accepted, seq, data={"n": seq}) for seq in range(2, 8)]
    await store.run(events.insert, reversed(more))
    found = await store.read(events.list, accepted.id, after=3, limit=3)
    assert found == tuple(more[2:5])


ADDRESS = task_key.Taken(task_key.Kind.ADDRESS, "9d5f3b1e-5f0e-4b8a-9a57-0c6a1f2b3c4d")


def taking(new: task.Task, *things: task_key.Taken) -> frozenset[TaskKey]:
    return task_key.taken(things, task=new.id, project_id=new.project_id, cloud=new.cloud)


async def test_of_many_who_take_the_same_at_once_one_gets_it(store: Store, url: str) -> None:
    many = [await world.accept(store) for _ in range(8)]
    stores = [Store(url) for _ in many]
    others = await asyncio.gather(
        *(
            own.run(task_index.take, taking(new, ADDRESS, task_key.fixed_address("net", f"fd00::{number}")))
            for number, (own, new) in enumerate(zip(stores, many, strict=True))
        )
    )
    for own in stores:
        await own.close()
    (winner,) = [new for new, other in zip(many, others, strict=True) if other is None]
    assert {other.task for other in others if other is not None} == {winner.id}
    # Taking it twice, as a transaction that is repeated does, is no conflict; and it is free when the task has ended.
    assert await store.run(task_index.take, taking(winner, ADDRESS)) is None
    loser = next(new for new in many if new is not winner)
    await store.run(tasks.request_cancel, winner.id)
    assert await store.run(task_index.take, taking(loser, ADDRESS)) is None


async def test_what_is_taken_is_known_by_its_uuid_or_by_its_cloud(store: Store) -> None:
    first = await world.accept(store, cloud="north")
    number = task_key.Taken(task_key.Kind.ADDRESS, "12")
    fixed = task_key.fixed_address(ADDRESS.key, "FD00:0::1")
    assert await store.run(task_index.take, taking(first, ADDRESS, number, fixed)) is None
    same = await world.accept(store, cloud="north-by-another-name", project_id="project-2")
    for thing in (ADDRESS, task_key.fixed_address(ADDRESS.key, "fd00::1")):
        other = await store.read(task_index.holder, taking(same, thing))
        assert other is not None and (other.task, other.project_id) == (first.id, "project-1")
    assert await store.read(task_index.holder, taking(same, number)) is None
    assert await store.read(tasks.list, server=ADDRESS.key) == ()
