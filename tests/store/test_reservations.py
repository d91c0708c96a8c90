"""Reservations: what running tasks are about to use up, counted off as they use it."""

from typing import Any

import sqlalchemy as sa

from enamel.model import item
from enamel.model.task import State, Task
from enamel.store import items, reservations, schema, task_index, tasks
from enamel.store.engine import Store
from enamel.store.transaction import Tx
from tests.store import world

HERE = {"project_id": "project-1", "cloud": "lab"}
NEEDS = {"servers": 2, "ports": 2, "keypairs": 1}
SHARES = {"port-1": {"ports": 1}, "port-2": {"ports": 1}, "boot": {"servers": 2}, "key": {"keypairs": 1}}


async def accept(store: Store, *, done: frozenset[str] = frozenset(), **fields: Any) -> Task:
    """Store a task that needs some quotas, step by step."""
    new = world.a_task(**{"reserves": NEEDS, **fields})
    steps = [world.an_item(new, name) for name in SHARES]
    steps = [world.done(step) if step.name in done else step for step in steps]
    first = world.an_event(new, 1, "task.accepted")
    return await store.run(tasks.insert, new, steps, first, shares=SHARES)


async def reserved(store: Store) -> dict[str, int]:
    return await store.read(reservations.reserved, **HERE)


async def test_a_step_that_has_ended_reserves_nothing_more(store: Store) -> None:
    accepted = await accept(store)
    assert await reserved(store) == NEEDS
    await store.run(items.save, [world.running(world.an_item(accepted, "port-1"))])
    assert await reserved(store) == NEEDS
    await store.run(items.save, [world.done(world.an_item(accepted, "port-1"))])
    assert await reserved(store) == {**NEEDS, "ports": 1}
    # The same write once more, because its acknowledgement was lost.
    await store.run(items.save, [world.done(world.an_item(accepted, "port-1"))])
    assert await reserved(store) == {**NEEDS, "ports": 1}
    failed = world.done(world.an_item(accepted, "boot"))
    await store.run(items.save, [failed])
    assert await reserved(store) == {"ports": 1, "keypairs": 1}


async def test_the_end_of_a_task_releases_the_rest(store: Store) -> None:
    first, second = await accept(store), await accept(store, state=State.RUNNING)
    assert await reserved(store) == {kind: 2 * number for kind, number in NEEDS.items()}
    await store.run(tasks.request_cancel, first.id)
    assert await reserved(store) == NEEDS
    await store.run(tasks.save, [world.ended(second)])
    assert await reserved(store) == {}


async def test_what_an_earlier_task_has_made_is_not_reserved_again(store: Store) -> None:
    await accept(store, done=frozenset({"port-1", "key"}))
    assert await reserved(store) == {"servers": 2, "ports": 1}


async def test_steps_that_need_more_than_the_total_do_not_exceed_it(store: Store) -> None:
    # Two servers that import the same key.
    accepted = await accept(store, reserves={"servers": 1, "ports": 5})
    assert await reserved(store) == {"servers": 1, "ports": 5}
    for name in SHARES:
        await store.run(items.save, [world.done(world.an_item(accepted, name))])
    assert await reserved(store) == {"ports": 3}


async def test_a_repeated_acceptance_counts_once(store: Store) -> None:
    accepted = await accept(store)

    def again(tx: Tx) -> None:
        tx.repeated = True
        reservations.add(tx, accepted, SHARES)

    await store.run(again)
    assert await reserved(store) == NEEDS


async def test_what_the_version_before_has_ended_is_swept(store: Store) -> None:
    over, gone, alive = [await accept(store, state=State.RUNNING) for _ in range(3)]

    def as_before(tx: Tx) -> None:
        tx.execute(sa.update(schema.tasks).where(schema.tasks.c.id == over.id).values(state=State.COMPLETED))
        tx.execute(sa.delete(schema.tasks).where(schema.tasks.c.id == gone.id))

    await store.run(as_before)
    last, looks = "", 0
    while True:
        last, looks = await store.run(tasks.sweep, after=last, limit=3), looks + 1
        if not last:
            break
    assert looks > 2
    assert await reserved(store) == NEEDS
    assert (await store.read(tasks.get, alive.id)).state is State.RUNNING


async def test_host_names_are_free_when_their_task_has_ended(store: Store) -> None:
    accepted = await accept(store, state=State.RUNNING)
    key = {"project_id": "project-1", "kind": task_index.Kind.HOSTNAME, "key": "web", "task": accepted.id}
    await store.run(task_index.add, [task_index.TaskKey(**key)])
    await store.run(tasks.save, [world.ended(accepted)])
    for table in (schema.task_index, schema.task_servers):
        assert await store.read(lambda tx, table=table: tx.rows(sa.select(table))) == []


def test_open_states_of_items_are_those_that_reserve() -> None:
    assert {item.State.WAITING, item.State.RUNNING} == item.OPEN
