"""The worker: takes tasks, tells of cancellations, hands over, and gives up at once without its lease."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from enamel.dispatch.local import Local as Dispatch
from enamel.flow.journal import JournalBroken
from enamel.model import item, topic
from enamel.model.errors import LeaseLost, PlanUnreadable, StoreRefused
from enamel.model.item import Item
from enamel.model.task import State, Task
from enamel.secrets.local import Local as Keys
from enamel.store import claims, events, items, migrations, secrets, tasks, workers
from enamel.store.engine import Store
from enamel.store.journal import Journal
from enamel.store.lease import Lease
from enamel.worker.worker import Worker
from tests.store import world

Act = Callable[[Task, Sequence[Item]], Awaitable[None]]


class Script:
    """A runner that does with each task what the test says, and by default ends it."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.act: Act = self.end
        self.ran: list[Task] = []
        self.cancelled: list[str] = []
        self.handed_over = asyncio.Event()
        self.inside = 0
        self.most_inside = 0

    async def run(self, found: Task, steps: Sequence[Item], /) -> None:
        self.ran.append(found)
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await self.act(found, steps)
        finally:
            self.inside -= 1

    def cancel(self, id: str, /) -> None:
        self.cancelled.append(id)

    def hand_over(self, _id: str, /) -> None:
        self.handed_over.set()

    async def end(self, found: Task, _steps: Sequence[Item]) -> None:
        await self.journal.save(world.ended(found))


class Shop:
    """One worker with everything it needs."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self.store = store
        self.keys = keys
        self.dispatch = Dispatch()
        self.lease = Lease(store, name="worker-1", length=timedelta(seconds=0.4))
        self.runner = Script(Journal(self.lease, changed=self.dispatch.changed))
        self.serving: asyncio.Task[None] | None = None
        self.worker = self.hire()

    def hire(
        self,
        *,
        max_tasks: int = 100,
        topics: topic.Topics = topic.ALL,
        alone: bool = False,
        retention: timedelta | None = None,
        pause: timedelta = timedelta(seconds=5),
    ) -> Worker:
        self.worker = Worker(
            self.lease,
            runner=self.runner,
            dispatch=self.dispatch,
            keys=self.keys,
            topics=topics,
            max_tasks=max_tasks,
            alone=alone,
            poll_interval=timedelta(seconds=0.05),
            graceful_shutdown_timeout=timedelta(seconds=0.3),
            retention=retention,
            pause=pause,
        )
        return self.worker

    def open(self) -> None:
        self.serving = asyncio.create_task(self.worker.serve())

    async def close(self) -> None:
        if self.serving is not None:
            self.worker.stop()
            await self.serving
            self.serving = None

    async def accept(self, **fields: object) -> Task:
        accepted = await world.accept(self.store, **fields)  # type: ignore[arg-type]
        await self.dispatch.publish(accepted.type, task=accepted.id)
        return accepted

    async def get(self, id: str) -> Task:
        return await self.store.read(tasks.get, id)

    async def until(self, *, id: str, state: State) -> Task:
        while True:
            found = await self.get(id)
            if found.state is state:
                return found
            await asyncio.sleep(0.01)


async def until(holds: Callable[[], object]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    store = Store(f"sqlite:///{tmp_path / 'enamel.db'}")
    migrations.upgrade(store.engine)
    opened = Shop(store, Keys(tmp_path / "keys"))
    async with asyncio.timeout(30):
        yield opened
        await opened.close()
        await store.close()


async def test_runs_what_is_accepted(shop: Shop) -> None:
    shop.open()
    accepted = await shop.accept(steps=("port-1", "boot-web-1"))
    ended = await shop.until(id=accepted.id, state=State.COMPLETED)
    assert ended.worker == shop.lease.id and ended.attempt == 1
    await until(lambda: shop.worker.idle)


async def test_finds_tasks_without_a_hint(shop: Shop) -> None:
    shop.open()
    accepted = await world.accept(shop.store)
    await shop.until(id=accepted.id, state=State.COMPLETED)


async def test_takes_no_more_than_its_slots(shop: Shop) -> None:
    gate = asyncio.Event()

    async def wait(found: Task, steps: Sequence[Item]) -> None:
        await gate.wait()
        await shop.runner.end(found, steps)

    shop.runner.act = wait
    shop.hire(max_tasks=3)
    accepted = [await shop.accept() for _ in range(8)]
    shop.open()
    await until(lambda: shop.runner.inside == 3)
    gate.set()
    for each in accepted:
        await shop.until(id=each.id, state=State.COMPLETED)
    assert shop.runner.most_inside == 3


async def test_leaves_other_topics_alone(shop: Shop) -> None:
    shop.hire(topics=topic.parse(["server.*", "!server.create"]))
    shop.open()
    other = await shop.accept(type="server.create")
    mine = await shop.accept(type="server.resize")
    await shop.until(id=mine.id, state=State.COMPLETED)
    assert (await shop.get(other.id)).state is State.WAITING


@pytest.mark.parametrize("hinted", [True, False])
async def test_tells_the_runner_of_a_cancellation_once(shop: Shop, hinted: bool) -> None:
    gate = asyncio.Event()

    async def wait(found: Task, steps: Sequence[Item]) -> None:
        await gate.wait()
        await shop.runner.end(found, steps)

    shop.runner.act = wait
    shop.open()
    accepted = await shop.accept()
    await until(lambda: shop.runner.inside)
    await shop.store.run(tasks.request_cancel, accepted.id)
    if hinted:
        await shop.dispatch.publish(accepted.type, task=accepted.id)
    await until(lambda: shop.runner.cancelled)
    await asyncio.sleep(0.3)
    assert shop.runner.cancelled == [accepted.id]
    gate.set()


async def test_a_task_that_was_cancelled_while_it_waited_is_told_at_once(shop: Shop) -> None:
    before = Lease(shop.store, name="before")
    await before.take()
    accepted = await world.accept(shop.store)
    await before.run(claims.claim, before.id, limit=1)
    await before.leave()
    await shop.store.run(tasks.request_cancel, accepted.id)

    async def wait(found: Task, steps: Sequence[Item]) -> None:
        await until(lambda: shop.runner.cancelled == [found.id])
        await shop.runner.end(found, steps)

    shop.runner.act = wait
    shop.open()
    await shop.until(id=accepted.id, state=State.COMPLETED)


async def test_hands_over_when_it_stops(shop: Shop) -> None:
    async def wait(found: Task, steps: Sequence[Item]) -> None:
        await shop.runner.handed_over.wait()
        await shop.runner.journal.save(msgspec.structs.replace(found, state=State.WAITING, worker=None))

    shop.runner.act = wait
    shop.open()
    accepted = await shop.accept()
    await until(lambda: shop.runner.inside)
    await shop.close()
    left = await shop.get(accepted.id)
    assert left.state is State.WAITING
    assert await shop.store.run(workers.reap, everyone=True) == workers.Reaped()


async def test_what_does_not_stop_in_time_becomes_uncertain(shop: Shop) -> None:
    async def stubborn(_found: Task, steps: Sequence[Item]) -> None:
        await shop.runner.journal.save(None, [world.running(steps[0])])
        await asyncio.Event().wait()

    shop.runner.act = stubborn
    shop.open()
    accepted = await shop.accept()
    await until(lambda: shop.runner.inside)
    await shop.close()
    assert (await shop.get(accepted.id)).state is State.WAITING
    (step,) = await shop.store.read(items.list, accepted.id)
    assert step.state is item.State.RUNNING and step.uncertain


async def test_drops_everything_without_its_lease_and_goes_on_as_a_new_worker(shop: Shop) -> None:
    outcomes: list[type[BaseException]] = []

    async def wait(found: Task, steps: Sequence[Item]) -> None:
        if found.attempt > 1:
            await shop.runner.end(found, steps)
            return
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            with pytest.raises(LeaseLost):
                await shop.runner.journal.save(world.ended(found))
            outcomes.append(asyncio.CancelledError)
            raise

    shop.runner.act = wait
    shop.open()
    accepted = await shop.accept()
    await until(lambda: shop.runner.inside)
    first = shop.lease.id
    await shop.store.run(workers.reap, everyone=True)
    ended = await shop.until(id=accepted.id, state=State.COMPLETED)
    assert outcomes == [asyncio.CancelledError]
    assert ended.attempt == 2 and ended.worker == shop.lease.id != first


async def test_a_lost_lease_shows_at_the_next_save(shop: Shop) -> None:
    async def save(found: Task, steps: Sequence[Item]) -> None:
        if found.attempt == 1:
            await shop.store.run(workers.reap, everyone=True)
        await shop.runner.end(found, steps)

    shop.runner.act = save
    shop.open()
    accepted = await shop.accept()
    assert (await shop.until(id=accepted.id, state=State.COMPLETED)).attempt == 2


async def test_takes_over_from_a_dead_worker(shop: Shop) -> None:
    dead = Lease(shop.store, name="dead", length=timedelta(seconds=0.2))
    await dead.take()
    accepted = await world.accept(shop.store)
    await dead.run(claims.claim, dead.id, limit=1)
    shop.open()
    assert (await shop.until(id=accepted.id, state=State.COMPLETED)).attempt == 2


async def test_one_that_is_alone_waits_for_no_lease(shop: Shop) -> None:
    dead = Lease(shop.store, name="dead", length=timedelta(hours=1))
    await dead.take()
    accepted = await world.accept(shop.store)
    await dead.run(claims.claim, dead.id, limit=1)
    shop.hire(alone=True)
    shop.open()
    await shop.until(id=accepted.id, state=State.COMPLETED)


async def test_gives_back_what_it_does_not_know_it_has(shop: Shop) -> None:
    shop.open()
    await until(lambda: shop.lease.alive())
    accepted = await world.accept(shop.store, not_before=world.NOON + timedelta(days=365_000))

    def lost_answer(tx: claims.Tx) -> None:
        tx.execute(
            claims.table.update()
            .where(claims.table.c.id == accepted.id)
            .values(state=State.RUNNING, worker=shop.lease.id, attempt=1, turn=0)
        )

    await shop.store.run(lost_answer)
    assert (await shop.until(id=accepted.id, state=State.COMPLETED)).attempt == 2


async def test_a_task_of_a_later_version_is_given_back_once_to_those_who_know_it(shop: Shop) -> None:
    async def puzzled(_found: Task, _steps: Sequence[Item]) -> None:
        raise PlanUnreadable("Step 'a' has the unknown kind 'b'.", newer=True)

    shop.runner.act = puzzled
    shop.open()
    accepted = await shop.accept()
    while len(told := await shop.store.read(events.list, accepted.id)) < 2:
        await asyncio.sleep(0.01)
    shop.runner.act = shop.runner.end
    known = await shop.accept()
    await shop.until(id=known.id, state=State.COMPLETED)
    assert [event.type for event in told] == ["task.accepted", "task.given_back"]
    assert [task.id for task in shop.runner.ran].count(accepted.id) == 1
    await shop.close()
    # One of the later version takes it.
    shop.hire()
    shop.open()
    assert (await shop.until(id=accepted.id, state=State.COMPLETED)).attempt == 1


async def test_a_task_that_breaks_the_runner_rests_first(shop: Shop) -> None:
    async def broken(_found: Task, _steps: Sequence[Item]) -> None:
        raise ZeroDivisionError

    shop.runner.act = broken
    shop.open()
    accepted = await shop.accept()
    await until(lambda: shop.runner.ran)
    left = await shop.until(id=accepted.id, state=State.WAITING)
    assert left.not_before is not None and left.attempt == 1


async def test_a_task_that_breaks_the_runner_again_and_again_ends(shop: Shop) -> None:
    async def broken(_found: Task, _steps: Sequence[Item]) -> None:
        raise ZeroDivisionError

    shop.runner.act = broken
    # That it was handed over often is no fault of its own.
    accepted = await world.accept(shop.store, attempt=4)
    shop.hire(pause=timedelta(seconds=0.01))
    shop.open()
    ended = await shop.until(id=accepted.id, state=State.ABORTED)
    assert ended.error is not None and "5 attempts" in ended.error.detail
    assert ended.attempt == 9


async def test_a_task_whose_writes_are_refused_again_and_again_ends_with_the_reason(shop: Shop) -> None:
    async def refused(found: Task, steps: Sequence[Item]) -> None:
        await shop.runner.journal.save(
            items=[msgspec.structs.replace(steps[0], state=item.State.RUNNING, attempt=1)]
        )
        raise JournalBroken("It was refused.") from StoreRefused(
            "The record is too large.", remedy="Raise it."
        )

    shop.runner.act = refused
    shop.hire(pause=timedelta(seconds=0.01))
    shop.open()
    accepted = await shop.accept()
    ended = await shop.until(id=accepted.id, state=State.ABORTED)
    assert ended.error is not None and ended.error.remedy is not None
    assert "in 5 attempts. The record is too large. Raise it." in ended.error.detail
    assert "Revert the task" in ended.error.remedy
    # What was under way may exist: a revert looks it up.
    (step,) = await shop.store.read(items.list, accepted.id)
    assert (step.state, step.uncertain) == (item.State.ABORTED, True)


async def test_the_secrets_of_an_ended_task_are_gone(shop: Shop) -> None:
    secret = await shop.keys.put(b"s3cret")
    shop.open()
    accepted = await shop.accept(secrets=(secret,))
    await shop.until(id=accepted.id, state=State.COMPLETED)
    # The reaper may be at it, too: whoever comes second leaves it to the first.
    await until(lambda: [path.name for path in shop.keys._directory.glob("*")] == ["key"])
    assert (await shop.get(accepted.id)).secrets == ()


async def test_secrets_that_were_left_behind_are_tidied_up(shop: Shop) -> None:
    accepted = await world.accept(shop.store, secrets=(await shop.keys.put(b"s3cret"),))
    foreign = await world.accept(shop.store, secrets=("elsewhere:1",))
    for each in (accepted, foreign):
        await shop.store.run(tasks.request_cancel, each.id)
        await shop.store.run(tasks.forget, each.id)
    assert len(await shop.store.read(secrets.left)) == 2
    shop.open()
    while await shop.store.read(secrets.left) != ("elsewhere:1",):
        await asyncio.sleep(0.01)
    assert [path.name for path in (shop.keys._directory).glob("*") if path.name != "key"] == []


async def test_a_task_that_failed_keeps_its_secrets_for_a_restart(shop: Shop) -> None:
    secret = await shop.keys.put(b"s3cret")
    accepted = await world.accept(shop.store, secrets=(secret,))
    await shop.store.run(tasks.request_cancel, accepted.id)
    shop.open()
    other = await shop.accept(secrets=(await shop.keys.put(b"another"),))
    await shop.until(id=other.id, state=State.COMPLETED)
    await until(lambda: shop.worker.idle)
    assert (await shop.get(accepted.id)).secrets == (secret,)
    assert await shop.keys.get(secret) == b"s3cret"


async def test_tasks_that_ended_long_ago_are_removed(shop: Shop) -> None:
    old = await world.accept(shop.store)
    await shop.store.run(tasks.request_cancel, old.id)
    shop.hire(retention=timedelta(0))
    shop.open()
    while await shop.store.read(tasks.list):
        await asyncio.sleep(0.01)


async def test_a_task_that_nobody_took_in_time_ends(shop: Shop) -> None:
    shop.hire(topics=topic.parse(["task.*"]))
    shop.open()
    accepted = await shop.accept(deadline=world.NOON - timedelta(days=900))
    with shop.dispatch.following(accepted.id) as bell:
        await bell.wait(timeout=5)
    await shop.until(id=accepted.id, state=State.TIMED_OUT)


async def test_a_fault_of_its_own_does_not_end_the_worker(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled, faults = claims.cancelled, [ZeroDivisionError()]

    def faulty(tx: claims.Tx, worker: str) -> frozenset[str]:
        if faults:
            raise faults.pop()
        return cancelled(tx, worker)

    monkeypatch.setattr(claims, "cancelled", faulty)
    shop.open()
    accepted = await shop.accept()
    await shop.accept()
    await shop.until(id=accepted.id, state=State.COMPLETED)
    await until(lambda: not faults)
    again = await shop.accept()
    await shop.until(id=again.id, state=State.COMPLETED)
