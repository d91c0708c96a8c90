"""The writer: many to a commit, each for itself, and a database that goes away and comes back."""

import asyncio
import contextlib
import sqlite3
import threading
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from enamel.model.errors import StoreUnavailable
from enamel.model.task import State
from enamel.store import claims, dialects, events, items, schema, tasks
from enamel.store.engine import Store
from enamel.store.journal import Journal
from enamel.store.lease import Lease
from enamel.store.transaction import Tx
from enamel.store.writer import Write, Writer
from tests.store import databases, world


class Weather:
    """Decides how a writer's commits go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.down = False
        self.lose_acknowledgement = False
        self.conflicts = 0
        self.commits: list[int] = []
        commit = Writer._commit

        def under_weather(writer: Writer, batch: list[Write], *, repeated: bool) -> Any:
            if self.down:
                raise sa.exc.OperationalError("BEGIN", {}, Exception("gone"), connection_invalidated=True)
            if self.conflicts:
                self.conflicts -= 1
                busy = sqlite3.OperationalError("database is locked")
                busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise sa.exc.OperationalError("BEGIN", {}, busy)
            outcomes = commit(writer, batch, repeated=repeated)
            self.commits.append(len(batch))
            if self.lose_acknowledgement:
                self.lose_acknowledgement = False
                raise sa.exc.OperationalError("COMMIT", {}, Exception("gone"), connection_invalidated=True)
            return outcomes

        monkeypatch.setattr(Writer, "_commit", under_weather)


@pytest.fixture
def weather(monkeypatch: pytest.MonkeyPatch) -> Weather:
    return Weather(monkeypatch)


async def test_all_that_wait_share_a_commit(store: Store, weather: Weather) -> None:
    accepted = await world.accept(store)
    weather.commits.clear()
    weather.down = True
    writes = [
        asyncio.create_task(store.run(events.insert, [world.an_event(accepted, seq)])) for seq in range(2, 52)
    ]
    await asyncio.sleep(0.05)
    weather.down = False
    await asyncio.gather(*writes)
    assert sum(weather.commits) == 50 and len(weather.commits) <= 3
    assert len(await store.read(events.list, accepted.id)) == 51


async def test_a_function_that_fails_spoils_no_other(store: Store) -> None:
    accepted = await world.accept(store)

    def poison(tx: Tx) -> None:
        events.insert(tx, [world.an_event(accepted, 99)])
        raise ValueError("poison")

    def doubled(tx: Tx) -> None:
        twin = {"id": "w", "name": "twin", "started_at": world.NOON, "expires_at": world.NOON}
        tx.execute(sa.insert(schema.workers), [twin, twin])

    good = [store.run(events.insert, [world.an_event(accepted, seq)]) for seq in (2, 3, 4)]
    outcomes = await asyncio.gather(
        good[0], store.run(poison), good[1], store.run(doubled), good[2], return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        ValueError,
        type(None),
        sa.exc.IntegrityError,
        type(None),
    ]
    assert [event.seq for event in await store.read(events.list, accepted.id)] == [1, 2, 3, 4]


async def test_returns_what_the_function_returns(store: Store) -> None:
    def add(tx: Tx, one: int, *, two: int) -> int:
        return one + two

    assert await store.run(add, 1, two=2) == 3
    assert await store.read(add, 1, two=2) == 3


async def test_a_worker_waits_for_a_database_that_is_away(
    store: Store, lease: Lease, weather: Weather
) -> None:
    accepted = await world.accept(store)
    weather.down = True
    save = Journal(lease).save(None, [], [world.an_event(accepted, 2)])
    claim = asyncio.create_task(lease.run(claims.claim, lease.id, limit=1))
    await asyncio.sleep(0.2)
    assert not save.done() and not claim.done()
    weather.down = False
    await save
    assert len(await claim) == 1


async def test_a_caller_does_not_wait_for_ever(url: str, weather: Weather) -> None:
    store = Store(url, timeout=timedelta(milliseconds=50))
    try:
        weather.down = True
        new = world.a_task()
        with pytest.raises(StoreUnavailable):
            await store.run(tasks.insert, new, [], world.an_event(new, 1))
        weather.down = False
    finally:
        await store.close()
    # What its caller has given up is not written later behind their back.
    patient = Store(url)
    assert await patient.read(tasks.list) == ()
    await patient.close()


async def test_closing_ends_what_an_outage_holds_up(url: str, weather: Weather) -> None:
    store = Store(url)
    weather.down = True
    held_up = asyncio.create_task(store.run(tasks.list))
    await asyncio.sleep(0.05)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await held_up
    with pytest.raises(StoreUnavailable):
        await store.run(tasks.list)


async def test_closing_writes_what_still_waits(url: str) -> None:
    store = Store(url)
    accepted = [world.a_task() for _ in range(20)]
    writes = [
        asyncio.create_task(store.run(tasks.insert, new, [], world.an_event(new, 1))) for new in accepted
    ]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*writes)
    again = Store(url)
    assert len(await again.read(tasks.list)) == 20
    await again.close()


async def test_a_conflict_is_tried_again(store: Store, weather: Weather) -> None:
    weather.conflicts = 2
    accepted = await world.accept(store)
    assert (await store.read(tasks.get, accepted.id)).id == accepted.id


async def test_a_lost_acknowledgement_repeats_without_harm(
    store: Store, lease: Lease, weather: Weather
) -> None:
    weather.lose_acknowledgement = True
    accepted = await world.accept(store, state=State.RUNNING)
    assert len(await store.read(events.list, accepted.id)) == 1
    weather.lose_acknowledgement = True
    step = world.done(world.an_item(accepted))
    await Journal(lease).save(world.ended(accepted), [step], [world.an_event(accepted, 2, "task.completed")])
    assert weather.commits[-2:] == [1, 1]
    assert await store.read(items.list, accepted.id) == (step,)
    assert len(await store.read(events.list, accepted.id)) == 2


async def test_a_repeated_transaction_finds_the_states_that_it_has_written(
    store: Store, lease: Lease, weather: Weather
) -> None:
    accepted = await world.accept(store, state=State.RUNNING)
    reverting = msgspec.structs.replace(accepted, reverting=True)
    journal = Journal(lease)
    lost: list[Tx] = []

    def lose_the_first(tx: Tx) -> None:
        weather.lose_acknowledgement = not lost
        lost.append(tx)

    # What comes while the first write is held up shares a commit; the two saves cannot share a statement.
    weather.down = True
    first = asyncio.create_task(store.run(tasks.list))
    await asyncio.sleep(0.05)
    before = journal.save(reverting)
    between = asyncio.create_task(lease.run(lose_the_first))
    await asyncio.sleep(0)
    after = journal.save(world.ended(accepted))
    weather.down = False
    await asyncio.gather(first, before, between, after)
    assert [tx.repeated for tx in lost] == [False, True]
    assert (await store.read(tasks.get, accepted.id)).state is State.COMPLETED


async def test_a_claim_whose_answer_was_lost_shows_as_held(
    store: Store, lease: Lease, weather: Weather
) -> None:
    accepted = await world.accept(store)
    weather.lose_acknowledgement = True
    assert await lease.run(claims.claim, lease.id, limit=1) == ()
    assert await lease.run(claims.held, lease.id) == {accepted.id}


async def test_a_server_that_is_no_longer_the_primary_is_left(url: str, store: Store, lease: Lease) -> None:
    if url.startswith("sqlite"):
        pytest.skip("SQLite has no cluster")
    if databases.is_pooled(url):
        pytest.skip("a pooler would give the connections that are read-only to others")
    accepted = await world.accept(store)
    read_only = (
        "SET default_transaction_read_only = on"
        if url.startswith("postgresql")
        else "SET SESSION TRANSACTION READ ONLY"
    )
    # The connections that there are lead to a server that takes nothing any more; new ones lead to another.
    with contextlib.ExitStack() as stack:
        for _ in range(store.engine.pool.checkedin()):  # type: ignore[attr-defined]  # every pool but the base has it
            stack.enter_context(store.engine.connect()).exec_driver_sql(read_only).connection.commit()
    await Journal(lease).save(None, [], [world.an_event(accepted, 2)])
    assert len(await store.read(events.list, accepted.id)) == 2


async def test_a_loop_that_is_gone_is_not_told(store: Store) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    store._writer.put(Write(lambda tx: None, future=future))
    assert await store.run(lambda tx: 1) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("no"), None),
        (sa.exc.TimeoutError(), dialects.Trouble.OUTAGE),
        (sa.exc.IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE")), None),
        (sa.exc.OperationalError("SELECT", {}, Exception(2003, "refused")), dialects.Trouble.OUTAGE),
        (sa.exc.OperationalError("SELECT", {}, Exception(1047, "not yet prepared")), dialects.Trouble.OUTAGE),
        (sa.exc.OperationalError("SELECT", {}, Exception(1213, "deadlock")), dialects.Trouble.CONFLICT),
        (sa.exc.OperationalError("SELECT", {}, Exception(1054, "unknown column")), None),
        (sa.exc.OperationalError("SELECT", {}, Exception("refused")), dialects.Trouble.OUTAGE),
        (sa.exc.ProgrammingError("SELECT", {}, Exception("syntax")), None),
    ],
)
def test_tells_an_outage_from_a_fault(error: Exception, kind: dialects.Trouble | None) -> None:
    assert dialects.trouble(error) is kind


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("40P01", dialects.Trouble.CONFLICT),
        ("40001", dialects.Trouble.CONFLICT),
        ("57P01", dialects.Trouble.OUTAGE),
        ("08006", dialects.Trouble.OUTAGE),
        ("53300", dialects.Trouble.OUTAGE),
        ("25006", dialects.Trouble.OUTAGE),
        ("42P01", None),
        ("23505", None),
    ],
)
def test_reads_the_states_of_postgresql(state: str, kind: dialects.Trouble | None) -> None:
    original = Exception("it failed")
    original.sqlstate = state  # type: ignore[attr-defined]
    assert dialects.trouble(sa.exc.OperationalError("SELECT", {}, original)) is kind


async def test_a_renewal_does_not_wait_behind_what_is_written(store: Store, lease: Lease) -> None:
    order: list[str] = []
    started = threading.Event()

    def hold(_tx: Tx) -> None:
        started.set()
        threading.Event().wait(0.1)

    held = asyncio.create_task(store.run(hold))
    await asyncio.to_thread(started.wait)
    late = [asyncio.create_task(store.run(lambda _tx: order.append("write"))) for _ in range(3)]
    await asyncio.sleep(0)
    await store.run_urgent(lambda _tx: order.append("renewal"), lease.id)
    await asyncio.gather(held, *late)
    assert order == ["renewal", "write", "write", "write"]
