"""Retention: what is old goes with all that belongs to it, and secrets go when nobody needs them any more."""

from datetime import timedelta

import msgspec
import sqlalchemy as sa

from enamel.model.task import State, Task
from enamel.model.task_key import Kind, TaskKey
from enamel.store import retention, schema, secrets, task_index, tasks
from enamel.store.engine import Store
from enamel.store.lease import Lease
from tests.store import world
from tests.store.world import Clock

DAY = timedelta(days=1)


async def over(store: Store, state: State = State.COMPLETED, **fields: object) -> Task:
    """Store a task that ended at the clock's time."""
    accepted = await world.accept(store, state=State.RUNNING, **fields)
    about = TaskKey(project_id="project-1", kind=Kind.SERVER, key="server-1", task=accepted.id)
    await store.run(task_index.add, [about])
    ended = msgspec.structs.replace(accepted, state=state, ended_at=store.clock and store.clock())
    await store.run(tasks.save, [ended])
    return ended


async def ids(store: Store) -> set[str]:
    return {found.id for found in await store.read(tasks.list)}


async def rows(store: Store, table: sa.Table) -> int:
    return int(await store.read(lambda tx: tx.scalar(sa.select(sa.func.count()).select_from(table))))


async def test_what_ended_long_ago_goes_with_all_that_belongs_to_it(store: Store, clock: Clock) -> None:
    await over(store)
    await over(store, State.ABORTED)
    clock.tick(2 * 86_400)
    young, waiting = await over(store), await world.accept(store)
    assert await store.read(retention.waiting, older_than=DAY) == 2
    assert await store.run(retention.purge, older_than=DAY) == 2
    assert await store.run(retention.purge, older_than=DAY) == 0
    assert await ids(store) == {young.id, waiting.id}
    assert await rows(store, schema.items) == await rows(store, schema.events) == 2
    assert await rows(store, schema.task_index) == await rows(store, schema.task_servers) == 1


async def test_the_oldest_go_first_and_not_all_at_once(store: Store, clock: Clock) -> None:
    first = await over(store)
    clock.tick(1)
    second = await over(store)
    clock.tick(10)
    assert await store.run(retention.purge, older_than=timedelta(0), limit=1) == 1
    assert await ids(store) == {second.id} != {first.id}


async def test_a_task_stays_while_another_builds_on_it(store: Store, clock: Clock) -> None:
    old = await over(store)
    later = await world.accept(store, type="task.revert", parent=old.id, not_before=world.NOON + 9 * DAY)
    clock.tick(2 * 86_400)
    assert await store.run(retention.purge, older_than=DAY) == 0
    await store.run(tasks.request_cancel, later.id)
    assert await store.run(retention.purge, older_than=DAY) == 1


async def test_a_lost_acknowledgement_does_no_harm(store: Store, clock: Clock) -> None:
    await over(store, secrets=("local:1",))
    clock.tick(10)

    def twice(tx: tasks.Tx) -> int:
        return retention.purge(tx, older_than=timedelta(0)) - retention.purge(tx, older_than=timedelta(0))

    assert await store.run(twice) == 1
    assert await store.read(secrets.left) == ("local:1",)


async def test_done_tasks_let_go_of_their_secrets_and_failed_ones_keep_them(store: Store) -> None:
    done = await over(store, secrets=("local:done",))
    failed = await over(store, State.ABORTED, secrets=("local:failed",))
    await over(store, State.TIMED_OUT, secrets=("local:late",))
    await world.accept(store, secrets=("local:alive",))
    assert await store.run(secrets.sweep) == ""
    assert await store.read(secrets.left) == ("local:done",)
    assert (await store.read(tasks.get, done.id)).secrets == ()
    assert (await store.read(tasks.get, failed.id)).secrets == ("local:failed",)
    await store.run(secrets.gone, ["local:done"])
    assert await store.read(secrets.left) == ()


async def test_a_failed_task_that_was_reverted_needs_no_secrets(store: Store) -> None:
    failed = await over(store, State.ABORTED, secrets=("local:1",))
    await over(store, State.ABORTED, type="task.revert", parent=failed.id, secrets=("local:1",))
    await store.run(secrets.sweep)
    assert await store.read(secrets.left) == ()
    reverted = await over(store, type="task.revert", parent=failed.id, secrets=("local:1",))
    await store.run(secrets.release, reverted)
    assert await store.read(secrets.left) == ("local:1",)


async def test_a_sweep_looks_at_a_few_tasks_at_a_time_and_finds_what_a_dead_worker_left(store: Store) -> None:
    kept = [await over(store, State.ABORTED, secrets=(f"local:{number}",)) for number in range(5)]
    await over(store, secrets=("local:spent",))
    at = await store.run(secrets.sweep, limit=4)
    assert at == sorted(task.id for task in kept)[3]
    assert await store.read(secrets.left) == ()
    assert await store.run(secrets.sweep, after=at, limit=4) == ""
    assert await store.read(secrets.left) == ("local:spent",)
    assert await store.run(secrets.sweep, limit=6) == ""


async def test_forgetting_lets_go_of_secrets_that_no_relative_needs(store: Store) -> None:
    failed = await over(store, State.ABORTED, secrets=("local:1", "local:2"))
    revert = await over(store, State.ABORTED, type="task.revert", parent=failed.id, secrets=("local:1",))
    await store.run(tasks.forget, revert.id)
    assert await store.read(secrets.left) == ()
    await store.run(tasks.forget, failed.id)
    assert set(await store.read(secrets.left)) == {"local:1", "local:2"}


async def test_the_secrets_of_a_restarted_task_are_those_of_the_restart(store: Store, lease: Lease) -> None:
    failed = await over(store, State.ABORTED, secrets=("local:1",))
    await world.accept(store, parent=failed.id, secrets=("local:1",))
    await store.run(secrets.hand_on, failed.id)
    await store.run(tasks.forget, failed.id)
    assert await store.read(secrets.left) == ()
