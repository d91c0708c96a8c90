"""A store that can be read and not written: callers and the health check get the reason, nothing is lost, and work continues when it can be written again."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from enamel.model.errors import StoreUnavailable
from enamel.service.process.health import Health, Verdict
from enamel.service.process.health_checks import StoreCheck
from enamel.store import events, schema, tasks, workers
from enamel.store.engine import Store
from enamel.store.journal import Journal
from enamel.store.lease import Lease
from enamel.store.transaction import Tx
from tests.store import databases, world
from tests.store.world import LEASE

Cause = tuple[Callable[[Store, str], AbstractContextManager[None]], str]
SETTINGS = {
    "postgresql": ("ALTER ROLE CURRENT_USER SET default_transaction_read_only = {}", "on", "off"),
    "mariadb": ("SET GLOBAL tx_read_only = {}", "1", "0"),
}


@contextmanager
def read_only(store: Store, url: str) -> Iterator[None]:
    """Let the database take no writes any more, as a replica does."""
    if url.startswith("sqlite"):

        def refuse(connection: object, *_: object) -> None:
            connection.execute("PRAGMA query_only = ON")  # type: ignore[attr-defined]

        def allow(connection: object, *_: object) -> None:
            connection.execute("PRAGMA query_only = OFF")  # type: ignore[attr-defined]

        sa.event.listen(store.engine, "checkout", refuse)
        yield
        sa.event.remove(store.engine, "checkout", refuse)
        sa.event.listen(store.engine, "checkout", allow)
        return
    statement, on, off = SETTINGS[url.partition("+")[0]]
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement.format(on))
        # Connections that there are go on as before; the next ones lead to what takes nothing.
        store.engine.dispose()
        try:
            yield
        finally:
            # The administrator's own session could write all the time.
            connection.exec_driver_sql(statement.format(off))
    engine.dispose()


@contextmanager
def full(store: Store, url: str) -> Iterator[None]:
    """Let the disk be full."""
    if not url.startswith("sqlite"):
        pytest.skip("only SQLite can be told that its disk is full")

    def limit(connection: object, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # type: ignore[attr-defined]

    def lift(connection: object, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1000000")  # type: ignore[attr-defined]

    sa.event.listen(store.engine, "checkout", limit)
    yield
    sa.event.remove(store.engine, "checkout", limit)
    sa.event.listen(store.engine, "checkout", lift)


@pytest.fixture(
    params=[(read_only, "It is read-only."), (full, "Its disk is full.")], ids=["read-only", "full"]
)
def trouble(request: pytest.FixtureRequest) -> Cause:
    found: Cause = request.param
    return found


async def large(store: Store) -> None:
    """Write more than fits into the pages that there are."""
    new = world.a_task(request={"text": "x" * 100_000})
    await store.run(tasks.insert, new, [], world.an_event(new, 1))


async def test_health_and_callers_hear_why_and_everything_goes_on_afterwards(
    url: str, trouble: Cause
) -> None:
    if databases.is_pooled(url):
        pytest.skip("a pooler keeps connections that can be written")
    cause, words = trouble
    store = Store(url, timeout=timedelta(seconds=2))
    lease = Lease(store, name="worker-1", length=LEASE * 100)
    await lease.take()
    known = await world.accept(store)
    health = Health({"store": StoreCheck(store)})
    assert [finding.status for finding in await health.check()] == [Verdict.OK]
    with cause(store, url):
        waiting = Journal(lease).save(None, [], [world.an_event(known, 2, data={"text": "x" * 100_000})])
        with pytest.raises(StoreUnavailable, match=words) as refused:
            await large(store)
        assert refused.value.status == 503
        # What was proven a moment ago is not proven again.
        await asyncio.sleep(1)
        (finding,) = await health.check()
        assert finding.status is Verdict.FAILED and words in finding.detail
        assert (await store.read(tasks.get, known.id)).id == known.id
        assert not waiting.done()
    await waiting
    await large(store)
    while (await health.check())[0].status is not Verdict.OK:
        await asyncio.sleep(0.05)
    assert store.outage is None
    assert [event.seq for event in await store.read(events.list, known.id)] == [1, 2]
    await store.close()


async def test_all_who_ask_at_once_hear_of_one_proof(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    proofs: list[Tx] = []
    prove = workers.prove
    monkeypatch.setattr(workers, "prove", lambda tx: (proofs.append(tx), prove(tx))[1])
    health = Health({"store": StoreCheck(store)})
    found = await asyncio.gather(*(health.check() for _ in range(5)))
    assert [finding.status for (finding,) in found] == [Verdict.OK] * 5
    assert len(proofs) == 1


async def test_a_proof_that_the_store_can_be_written_leaves_nothing(store: Store) -> None:
    await store.run(workers.prove)
    assert (
        await store.read(lambda tx: tx.scalar(sa.select(sa.func.count()).select_from(workers.workers))) == 0
    )


async def test_a_deadlock_inside_a_savepoint_is_tried_again(url: str, store: Store) -> None:
    if url.startswith("sqlite"):
        pytest.skip("SQLite has one writer at a time")
    first, second = await world.accept(store), await world.accept(store)
    ours, theirs = threading.Event(), threading.Event()
    tries: list[int] = []

    def touch(tx: Tx, id: str) -> None:
        tx.execute(
            sa.update(schema.tasks).where(schema.tasks.c.id == id).values(calls=schema.tasks.c.calls + 1)
        )

    def cross(tx: Tx) -> None:
        tries.append(1)
        touch(tx, first.id)
        ours.set()
        theirs.wait(5)
        touch(tx, second.id)

    def other() -> None:
        # It has written more, so that the database ends the store's transaction and not this one.
        with store.engine.connect() as connection, connection.begin():
            tx = Tx(connection)
            touch(tx, second.id)
            events.insert(tx, [world.an_event(second, seq) for seq in range(2, 200)])
            ours.wait(5)
            theirs.set()
            touch(tx, first.id)

    crossing = asyncio.create_task(store.run(cross))
    with contextlib.suppress(sa.exc.OperationalError):
        await asyncio.to_thread(other)
    await crossing
    assert (await store.read(tasks.get, first.id)).calls >= 1
    assert len(tries) >= 1
