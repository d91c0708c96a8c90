"""Bulk writing: what goes in by the thousand comes out as it was, and what does not fit is refused, not cut."""

from collections.abc import Iterator

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enamel.model import item, text
from enamel.store import bulk, dialects, events, items, schema
from enamel.store.transaction import Tx
from tests.store import world
from tests.store.world import LEASE

TASK = world.a_task(id="01900000-0000-7000-8000-000000000000")
TEXT = st.text(st.characters(), max_size=60)


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    opened = dialects.connect(url, idle_after=LEASE)
    yield opened
    opened.dispose()


@given(
    notes=st.lists(st.tuples(TEXT, st.dictionaries(TEXT, TEXT, max_size=3)), min_size=1, max_size=8),
    attempt=st.integers(-(2**31), 2**31 - 1),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_out_as_it_went_in(
    engine: sa.Engine, notes: list[tuple[str, dict[str, str]]], attempt: int
) -> None:
    put = [
        world.an_item(
            TASK, f"step-{number}", note=note, outputs=outputs, attempt=attempt, uncertain=number % 2 == 0
        )
        for number, (note, outputs) in enumerate(notes)
    ]
    with engine.connect() as connection, connection.begin() as transaction:
        tx = Tx(connection)
        items.save(tx, put)
        # PostgreSQL's texts hold no NUL, and nothing that speaks UTF-8 holds half a character.
        clean = [
            msgspec.structs.replace(one, note=text.clean(one.note), outputs=text.clean_data(one.outputs))
            for one in put
        ]
        assert sorted(items.list(tx, TASK.id), key=lambda one: one.name) == clean
        transaction.rollback()


def test_rows_that_are_there_are_updated_or_left_alone(engine: sa.Engine) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        tx = Tx(connection)
        first = [world.an_item(TASK, name) for name in ("a", "b")]
        items.insert(tx, first)
        items.save(tx, [world.done(first[0]), world.an_item(TASK, "c")])
        items.insert(tx, [world.running(first[1])])
        states = {one.name: one.state for one in items.list(tx, TASK.id)}
        assert states == {"a": item.State.COMPLETED, "b": item.State.WAITING, "c": item.State.WAITING}
        transaction.rollback()


def test_more_than_one_statement_holds(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_DOCUMENT", 5000)
    many = [world.an_event(TASK, number, data={"text": "x" * 100}) for number in range(1, 301)]
    with engine.connect() as connection, connection.begin() as transaction:
        tx = Tx(connection)
        events.insert(tx, many)
        assert list(events.list(tx, TASK.id)) == many
        transaction.rollback()


@pytest.mark.parametrize("fields", [{"kind": "k" * 65}, {"group": "g" * 300}])
def test_what_is_too_long_is_refused(engine: sa.Engine, fields: dict[str, str]) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite takes texts of any length")
    with engine.connect() as connection, connection.begin() as transaction:
        with pytest.raises(sa.exc.DBAPIError):
            items.save(Tx(connection), [world.an_item(TASK, "a"), world.an_item(TASK, "b", **fields)])
        transaction.rollback()


def test_what_must_be_there_is_asked_for(engine: sa.Engine) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        with pytest.raises(sa.exc.DBAPIError):
            Tx(connection).insert_new(schema.workers, [{"id": "w", "name": None, "started_at": world.NOON}])
        transaction.rollback()
