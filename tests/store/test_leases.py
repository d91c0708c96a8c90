"""Leases: who is alive, who takes over from the dead, and what a zombie can do: nothing."""

import asyncio
import threading
import time
from datetime import timedelta

import pytest

from enamel.model import item
from enamel.model.errors import LeaseLost
from enamel.model.task import State
from enamel.store import claims, events, heartbeat, items, tasks, workers
from enamel.store.engine import Store
from enamel.store.journal import Journal
from enamel.store.lease import Lease
from enamel.store.transaction import Tx
from tests.store import world
from tests.store.world import LEASE, Clock


async def test_the_dead_are_reaped_and_the_living_are_not(
    store: Store, lease: Lease, other: Lease, clock: Clock
) -> None:
    accepted = await world.accept(store, steps=("port-1", "boot-web-1", "address-1"))
    ((claimed, (port, boot, _)),) = await lease.run(claims.claim, lease.id, limit=1)
    await Journal(lease).save(claimed, [world.done(port), world.running(boot)], [])
    clock.tick(4)
    await other.renew()
    assert (await other.run(workers.reap, but=other.id)).workers == frozenset()
    clock.tick(4)
    reaped = await other.run(workers.reap, but=other.id)
    assert reaped.workers == {lease.id} and reaped.tasks == {accepted.id: "server.create"}
    found = await store.read(tasks.get, accepted.id)
    assert found.state is State.WAITING and found.worker is None
    states = [(step.state, step.uncertain) for step in await store.read(items.list, accepted.id)]
    assert states == [
        (item.State.COMPLETED, False),
        (item.State.RUNNING, True),
        (item.State.WAITING, False),
    ]


async def test_a_worker_does_not_reap_itself(lease: Lease, clock: Clock) -> None:
    clock.tick(60)
    assert (await lease.run(workers.reap, but=lease.id)).workers == frozenset()
    assert await lease.renew() == frozenset()


async def test_one_that_is_alone_takes_over_at_once(store: Store, lease: Lease, other: Lease) -> None:
    await world.accept(store)
    await lease.run(claims.claim, lease.id, limit=1)
    reaped = await other.run(workers.reap, but=other.id, everyone=True)
    assert reaped.workers == {lease.id} and len(reaped.tasks) == 1


async def test_a_zombie_writes_nothing(store: Store, lease: Lease, other: Lease, clock: Clock) -> None:
    accepted = await world.accept(store)
    ((claimed, (boot,)),) = await lease.run(claims.claim, lease.id, limit=1)
    clock.tick(60)
    await other.renew()
    await other.run(workers.reap, but=other.id)
    await other.run(claims.claim, other.id, limit=1)
    before = await store.read(tasks.get, accepted.id)

    journal = Journal(lease)
    zombies = [
        journal.save(world.ended(claimed), [world.done(boot)], [world.an_event(claimed, 2)]) for _ in range(3)
    ]
    for save in zombies:
        with pytest.raises(LeaseLost):
            await save
    assert lease.over.is_set() and not lease.alive()
    for refused in (lease.renew(), lease.run(claims.claim, lease.id, limit=1), journal.save(claimed)):
        with pytest.raises(LeaseLost):
            await refused
    assert await store.read(tasks.get, accepted.id) == before
    assert await store.read(items.list, accepted.id) == (boot,)
    assert len(await store.read(events.list, accepted.id)) == 1


async def test_a_zombie_in_a_crowd_spoils_nobody_elses_writing(
    store: Store, lease: Lease, other: Lease, clock: Clock
) -> None:
    accepted = await world.accept(store)
    clock.tick(60)
    await other.renew()
    await other.run(workers.reap, but=other.id)
    await other.run(claims.claim, other.id, limit=1)
    zombie = Journal(lease).save(None, [], [world.an_event(accepted, 2, "item.failed")])
    alive = Journal(other).save(None, [], [world.an_event(accepted, 2, "item.completed")])
    await alive
    with pytest.raises(LeaseLost):
        await zombie
    assert [event.type for event in await store.read(events.list, accepted.id)][-1] == "item.completed"


async def test_leaving_sends_everything_back(store: Store, lease: Lease, other: Lease) -> None:
    accepted = await world.accept(store)
    await lease.run(claims.claim, lease.id, limit=1)
    assert await lease.leave() == {accepted.id: "server.create"}
    assert not lease.alive()
    assert len(await other.run(claims.claim, other.id, limit=1)) == 1


async def test_a_worker_stops_starting_things_by_its_own_clock(store: Store) -> None:
    time = [100.0]
    lease = Lease(store, name="frozen", length=LEASE, clock=lambda: time[0])
    assert not lease.alive()
    await lease.take()
    assert lease.alive()
    time[0] += LEASE.total_seconds()
    assert not lease.alive()
    await lease.renew()
    assert lease.alive()


async def test_a_lease_that_is_taken_anew_is_another_worker(store: Store, lease: Lease) -> None:
    first = lease.id
    await lease.leave()
    with pytest.raises(LeaseLost):
        await lease.renew()
    await lease.take()
    assert lease.id != first and lease.alive()


async def test_leases_run_by_the_databases_own_clock(url: str) -> None:
    store = Store(url)
    try:
        gone = Lease(store, name="gone", length=timedelta(seconds=-1))
        here = Lease(store, name="here", length=timedelta(minutes=1))
        await gone.take()
        await here.take()
        assert (await here.run(workers.reap, but=here.id)).workers == {gone.id}
    finally:
        await store.close()


async def test_a_long_batch_does_not_cost_the_lease(url: str) -> None:
    busy, others = (Store(url, timeout=timedelta(seconds=60)) for _ in range(2))
    worker = Lease(busy, name="busy", length=timedelta(seconds=1))
    await worker.take()
    beating = heartbeat.of(worker, lost=lambda: None)

    def long(_tx: Tx) -> None:
        time.sleep(3)

    try:
        writing = asyncio.create_task(worker.run(long))
        while not writing.done():
            # Whoever reaps on SQLite waits for the batch: there is one lock.
            if busy.engine.dialect.name != "sqlite":
                assert (await others.run(workers.reap)).workers == frozenset()
            await asyncio.sleep(0.2)
            assert worker.alive()
        await writing
    finally:
        beating.stop()
        await busy.close()
        await others.close()


async def test_a_worker_whose_loop_hangs_is_reaped(store: Store, clock: Clock) -> None:
    times = [0.0]
    worker = Lease(store, name="hanging", length=timedelta(seconds=0.2), clock=lambda: times[0])
    await worker.take()
    beating = heartbeat.of(worker, lost=lambda: None)
    times[0] = 1000.0
    await asyncio.to_thread(beating.join)
    assert not worker.alive()


async def test_the_heart_of_a_reaped_worker_tells_so(store: Store, other: Lease, clock: Clock) -> None:
    lost = threading.Event()
    worker = Lease(store, name="reaped", length=timedelta(seconds=0.2))
    await worker.take()
    clock.tick(60)
    assert (await other.run(workers.reap, but=other.id)).workers == {worker.id}
    beating = heartbeat.of(worker, lost=lost.set)
    if store.engine.dialect.name == "sqlite":
        beating.stop()
    await asyncio.to_thread(beating.join)
    assert lost.is_set() == (store.engine.dialect.name != "sqlite")


async def test_nothing_is_written_under_a_lease_that_ends_in_the_same_commit(
    store: Store, lease: Lease
) -> None:
    accepted = await world.accept(store)
    gate = threading.Event()
    held_up = asyncio.create_task(store.run(lambda _tx: gate.wait(10)))
    await asyncio.sleep(0)
    reaping = asyncio.create_task(store.run(workers.reap, everyone=True))
    await asyncio.sleep(0)
    claiming = asyncio.create_task(lease.run(claims.claim, lease.id, limit=1))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(held_up, reaping)
    with pytest.raises(LeaseLost):
        await claiming
    assert (await store.read(tasks.get, accepted.id)).state is State.WAITING
