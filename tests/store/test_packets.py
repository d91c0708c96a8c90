"""Statements that are larger than a database accepts: batches are divided, and one record alone is refused by name."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from enamel.model.errors import StoreRefused
from enamel.model.event import Event
from enamel.model.task import Task
from enamel.store import bulk, events, items, packets, tasks
from enamel.store.engine import Store
from enamel.store.journal import Journal
from enamel.store.lease import Lease
from tests.store import world
from tests.store.world import LEASE

PACKET = 1 << 20


@pytest.fixture
def small(url: str) -> Iterator[str]:
    """Return the URL of a server that accepts no more than 1 MiB at a time, where servers have such a limit."""
    if not url.startswith("mariadb"):
        yield url
        return
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        before = connection.exec_driver_sql("SELECT @@GLOBAL.max_allowed_packet").scalar_one()
        connection.exec_driver_sql(f"SET GLOBAL max_allowed_packet = {PACKET}")
    yield url
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET GLOBAL max_allowed_packet = {before}")
    engine.dispose()


@pytest.fixture
async def store(small: str) -> AsyncIterator[Store]:
    opened = Store(small)
    yield opened
    await opened.close()


@pytest.fixture
async def lease(store: Store) -> Lease:
    taken = Lease(store, name="worker-1", length=LEASE * 20)
    await taken.take()
    return taken


def noise(size: int) -> str:
    """Return a text that nothing can make shorter by much."""
    return random.Random(size).randbytes(size * 3 // 4).hex()[:size]


def large(of: Task, seq: int, size: int) -> Event:
    return world.an_event(of, seq, data={"text": noise(size)})


async def test_many_records_of_a_batch_are_written_in_parts(store: Store, lease: Lease) -> None:
    known = await world.accept(store)
    journal = Journal(lease)
    saves = [journal.save(None, [], [large(known, seq, 9_000 + seq)]) for seq in range(2, 402)]
    await asyncio.gather(*saves)
    assert [event.seq for event in await store.read(events.list, known.id)] == list(range(1, 402))


async def test_a_launch_of_three_hundred_servers_is_accepted_and_read(store: Store) -> None:
    nodes = [
        {"name": f"boot-web-{number}", "kind": "server.boot", "inputs": {"path": '"C:\\web"' * 100}}
        for number in range(2_000)
    ]
    plan = {"version": 1, "nodes": nodes}
    assert len(msgspec.json.encode(plan)) > PACKET
    names = tuple(node["name"] for node in nodes)
    known = await world.accept(store, steps=names, plan=plan)  # type: ignore[arg-type]
    assert (await store.read(tasks.get, known.id)).plan == plan
    assert tuple(step.name for step in await store.read(items.list, known.id)) == names


async def test_a_record_that_is_too_large_alone_is_refused_by_name_and_spoils_no_other(
    small: str, store: Store, lease: Lease
) -> None:
    first, second = await world.accept(store), await world.accept(store)
    journal = Journal(lease)
    refused = journal.save(None, [], [large(first, 2, 3 * PACKET)])
    fine = [journal.save(None, [], [large(second, seq, 1000)]) for seq in (2, 3)]
    outcomes: list[Any] = await asyncio.gather(refused, *fine, return_exceptions=True)
    assert outcomes[1:] == [None, None]
    assert len(await store.read(events.list, second.id)) == 3
    if small.startswith("mariadb"):
        assert isinstance(outcomes[0], StoreRefused)
        assert f"max_allowed_packet is {PACKET:,} bytes" in outcomes[0].detail
        assert "max_allowed_packet" in outcomes[0].advice
    else:
        assert outcomes[0] is None and len(await store.read(events.list, first.id)) == 2


async def test_a_batch_that_ends_the_connection_is_divided_until_the_culprit_is_alone(
    small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not small.startswith("mariadb"):
        pytest.skip("only MariaDB and MySQL end the connection of a statement that is too large")
    # A proxy in between may accept less than the server says.
    monkeypatch.setattr(packets, "remember", lambda _record, _size: None)
    store = Store(small)
    try:
        lease = Lease(store, name="worker-1", length=LEASE * 20)
        await lease.take()
        first, second = await world.accept(store), await world.accept(store)
        journal = Journal(lease)
        saves = [journal.save(None, [], [large(second, seq, 1000)]) for seq in (2, 3, 4)]
        saves += [journal.save(None, [], [large(first, 2, 3 * PACKET)])]
        saves += [journal.save(None, [], [large(second, seq, 1000)]) for seq in (5, 6, 7)]
        outcomes = await asyncio.gather(*saves, return_exceptions=True)
        assert isinstance(outcomes.pop(3), StoreRefused) and outcomes == [None] * 6
        assert [event.seq for event in await store.read(events.list, second.id)] == list(range(1, 8))
        assert store.outage is None
    finally:
        await store.close()


@pytest.mark.parametrize("room", [1, 100, 1000])
def test_documents_hold_no_more_than_there_is_room_for(room: int) -> None:
    rows = [{"text": '"' * (number % 60)} for number in range(200)]
    documents = list(bulk.documents(rows, room=room))
    assert [row for document in documents for row in msgspec.json.decode(document)] == rows
    for document in documents:
        alone = len(msgspec.json.decode(document)) == 1
        assert alone or packets.escaped(document.encode()) <= room + 2
