"""What looks for orphans have found is remembered, and what is known of the tasks behind marks."""

from datetime import timedelta
from typing import Any

import msgspec

from enamel.model import ids, task
from enamel.model.orphan import Kind, Suspect, Why
from enamel.model.problem import Problem
from enamel.store import owners, sightings, tasks
from enamel.store.engine import Store
from tests.store.world import Clock, a_task

HERE: dict[str, Any] = {"cloud": "north", "project_id": "p" * 32}
EVERY = frozenset(Kind)


def suspect(id: str, why: Why = Why.UNUSED, kind: Kind = Kind.PORT) -> Suspect:
    return Suspect(kind=kind, id=id, name=id, why=why)


async def test_a_sighting_keeps_its_first_look(store: Store, clock: Clock) -> None:
    first = await store.run(sightings.note, [suspect("a")], kinds=EVERY, **HERE)
    began = first.sightings[Kind.PORT, "a"]
    assert (began.looks, began.first, began.last) == (1, first.now, first.now)
    clock.tick(timedelta(minutes=5).total_seconds())
    again = await store.run(sightings.note, [suspect("a"), suspect("b")], kinds=EVERY, **HERE)
    one = again.sightings[Kind.PORT, "a"]
    assert (one.looks, one.first, one.last) == (2, began.first, again.now)
    assert again.sightings[Kind.PORT, "b"].looks == 1
    assert (await store.read(sightings.all, **HERE)).sightings == again.sightings


async def test_what_a_look_does_not_find_is_forgotten(store: Store) -> None:
    group = suspect("g", kind=Kind.SECURITY_GROUP)
    await store.run(sightings.note, [suspect("a"), suspect("b"), group], kinds=EVERY, **HERE)
    await store.run(sightings.note, [suspect("a")], kinds={Kind.PORT}, cloud="south", project_id="p" * 32)
    left = await store.run(sightings.note, [suspect("b")], kinds={Kind.PORT}, **HERE)
    assert set(left.sightings) == {(Kind.PORT, "b"), (Kind.SECURITY_GROUP, "g")}
    again = await store.run(sightings.note, [suspect("a")], kinds={Kind.PORT}, **HERE)
    assert again.sightings[Kind.PORT, "a"].looks == 1


async def test_another_suspicion_begins_anew(store: Store) -> None:
    await store.run(sightings.note, [suspect("a")], kinds=EVERY, **HERE)
    other = await store.run(sightings.note, [suspect("a", Why.REVERTED)], kinds=EVERY, **HERE)
    assert other.sightings[Kind.PORT, "a"].looks == 1


async def test_a_look_long_ago_counts_for_nothing(store: Store, clock: Clock) -> None:
    await store.run(sightings.note, [suspect("a")], kinds=EVERY, **HERE)
    clock.tick(timedelta(days=31).total_seconds())
    assert (await store.read(sightings.all, **HERE)).sightings == {}
    late = await store.run(sightings.note, [suspect("a")], kinds=EVERY, **HERE)
    assert late.sightings[Kind.PORT, "a"].looks == 1


MADE = task.Result(made={"port": (task.Made(kind="port", id="p-1"),)})


async def add(store: Store, **rest: Any) -> str:
    made = a_task(**{"state": task.State.ABORTED, **rest})
    await store.run(tasks.save, [made])
    return made.id


async def test_a_task_is_known_with_those_that_have_taken_it_up(store: Store) -> None:
    failed = await add(store, result=MADE)
    restarted = await add(store, type="task.restart", parent=failed, state=task.State.RUNNING)
    strange = ids.new_id()
    found = await store.read(owners.of, [failed, restarted, strange])
    assert set(found) == {failed, restarted}
    assert [one.id for one in found[failed].members] == [failed, restarted]
    assert found[failed].alive and not found[failed].reverted and found[failed].made == {"p-1"}
    await add(store, type="task.revert", parent=restarted, state=task.State.COMPLETED)
    ended = msgspec.structs.replace(found[restarted].members[0], state=task.State.ABORTED)
    await store.run(tasks.save, [ended])
    assert (await store.read(owners.of, [failed]))[failed].reverted
    assert not (await store.read(owners.of, [failed]))[failed].alive


async def test_a_revert_that_waits_for_its_time_does_nothing_yet(store: Store, clock: Clock) -> None:
    done = await add(store, state=task.State.COMPLETED, result=MADE)
    await add(
        store,
        type="task.revert",
        parent=done,
        state=task.State.WAITING,
        not_before=clock() + timedelta(hours=1),
    )
    assert not (await store.read(owners.of, [done]))[done].alive


async def test_a_way_back_that_was_not_walked_to_its_end_is_known(store: Store) -> None:
    left = Problem(
        code="enamel.task.failed", title="It failed.", detail="It failed.", left=("Port p-1 is still there.",)
    )
    failed = await add(store, error=left)
    assert (await store.read(owners.of, [failed]))[failed].failed_to_undo
