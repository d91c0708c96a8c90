"""Whatever order things happen in: a task has one owner, ends once, and its timeline has no gaps."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from enamel.model import item, task
from enamel.model.errors import LeaseLost, WrongState
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import Priority, State, Task
from enamel.store import claims, events, items, migrations, schema, tasks, workers
from enamel.store.engine import Store
from enamel.store.journal import Journal
from enamel.store.lease import Lease
from tests.store import world
from tests.store.world import LEASE, Clock

STEPS = ("port-1", "boot-web-1")


class Hand:
    """A worker as the store sees it: what it believes it has, and its pen."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.journal = Journal(lease)
        self.has: dict[str, tuple[Task, dict[str, Item]]] = {}


class Interleavings(RuleBasedStateMachine):
    """Workers claim, work, freeze, die and are reaped in any order, while callers submit and cancel."""

    hands = Bundle("hands")

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.clock = Clock()
        self.loop = asyncio.new_event_loop()
        self.store = self.loop.run_until_complete(self.open())
        self.accepted: list[str] = []
        self.finished: dict[str, tuple[State, str]] = {}
        self.done_by: dict[tuple[str, str], list[str]] = {}

    async def open(self) -> Store:
        store = Store(f"sqlite:///{self.directory / 'enamel.db'}", clock=self.clock)
        migrations.upgrade(store.engine)
        return store

    def teardown(self) -> None:
        self.loop.run_until_complete(self.store.close())
        self.loop.close()
        shutil.rmtree(self.directory)

    @rule(priority=st.sampled_from(Priority), project=st.sampled_from(["one", "two"]))
    def submit(self, priority: Priority, project: str) -> None:
        new = world.accept(self.store, steps=STEPS, priority=priority, project_id=project)
        self.accepted.append(self.loop.run_until_complete(new).id)

    @rule(target=hands)
    def start_worker(self) -> Hand:
        lease = Lease(self.store, name="worker", length=LEASE)
        self.loop.run_until_complete(lease.take())
        return Hand(lease)

    @rule(hand=hands, limit=st.integers(1, 3))
    def claim(self, hand: Hand, limit: int) -> None:
        async def act() -> None:
            found = await hand.lease.run(claims.claim, hand.lease.id, limit=limit)
            for known, steps in found:
                hand.has[known.id] = (known, {step.name: step for step in steps})

        self.attempt(hand, act())

    @rule(hand=hands, data=st.data())
    def work(self, hand: Hand, data: st.DataObject) -> None:
        """Begin or finish the next step of one of the tasks that the worker believes to have."""
        if not hand.has:
            return
        id = data.draw(st.sampled_from(sorted(hand.has)))
        known, steps = hand.has[id]
        step = next((steps[name] for name in STEPS if steps[name].state is not item.State.COMPLETED), None)
        if step is None:
            self.attempt(hand, self.finish(hand, known))
        elif step.state is item.State.RUNNING and not step.uncertain:
            self.attempt(hand, self.write(hand, known, world.done(step), "item.completed"))
        else:
            begun = msgspec.structs.replace(world.running(step), uncertain=False)
            self.attempt(hand, self.write(hand, known, begun, "item.started"))

    async def write(self, hand: Hand, known: Task, step: Item, type: str) -> None:
        told = msgspec.structs.replace(known, events=known.events + 1)
        await hand.journal.save(None, [step], [self.event(told, type, step.name)])
        steps = hand.has[known.id][1]
        hand.has[known.id] = (told, {**steps, step.name: step})
        if step.state is item.State.COMPLETED:
            self.done_by.setdefault((known.id, step.name), []).append(hand.lease.id)

    async def finish(self, hand: Hand, known: Task) -> None:
        told = msgspec.structs.replace(world.ended(known), events=known.events + 1)
        await hand.journal.save(told, [], [self.event(told, "task.completed")])
        assert known.id not in self.finished, "a task ended twice"
        self.finished[known.id] = (State.COMPLETED, hand.lease.id)
        del hand.has[known.id]

    @staticmethod
    def event(told: Task, type: str, step: str | None = None) -> Event:
        return world.an_event(told, told.events, type, item=step)

    @rule(seconds=st.sampled_from([1, 3, 6]))
    def time_passes(self, seconds: int) -> None:
        self.clock.tick(seconds)

    @rule(hand=hands)
    def renew(self, hand: Hand) -> None:
        self.attempt(hand, hand.lease.renew())

    @rule(hand=hands)
    def reap(self, hand: Hand) -> None:
        self.attempt(hand, hand.lease.run(workers.reap, but=hand.lease.id))

    @rule(hand=consumes(hands))
    def leave(self, hand: Hand) -> None:
        self.attempt(hand, hand.lease.leave())

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if not self.accepted:
            return
        id = data.draw(st.sampled_from(self.accepted))
        try:
            asked = self.loop.run_until_complete(self.store.run(tasks.request_cancel, id))
        except WrongState:
            assert id in self.finished
            return
        if asked.state is State.ABORTED:
            self.finished[id] = (State.ABORTED, "")

    def attempt(self, hand: Hand, act: object) -> None:
        """Have a worker do something; one whose lease is gone can do nothing and knows it."""
        try:
            self.loop.run_until_complete(act)  # type: ignore[arg-type]
        except LeaseLost:
            assert hand.lease.over.is_set()
            hand.has.clear()

    @invariant()
    def every_task_is_in_order(self) -> None:
        self.loop.run_until_complete(self.check())

    async def check(self) -> None:
        alive = {row["id"] for row in await self.store.read(lambda tx: tx.rows(schema.workers.select()))}
        for id in self.accepted:
            known = await self.store.read(tasks.get, id)
            steps = await self.store.read(items.list, id)
            numbers = [event.seq for event in await self.store.read(events.list, id)]
            assert numbers == list(range(1, len(numbers) + 1))
            if known.state is State.RUNNING:
                assert known.worker in alive
            if known.state is State.WAITING:
                running = [step for step in steps if step.state is item.State.RUNNING]
                assert known.worker is None and all(step.uncertain for step in running)
            assert (known.state in task.ENDED) == (id in self.finished)
        assert all(len(by) == 1 for by in self.done_by.values()), "a step was completed twice"


Interleavings.TestCase.settings = settings(
    max_examples=int(os.environ.get("ENAMEL_TEST_MACHINES", "8")),
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestInterleavings = Interleavings.TestCase
