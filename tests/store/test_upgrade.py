"""Upgrades: the data of earlier versions is taken along, while their workers go on writing.

`tests/histories` holds what databases of earlier schemas held, written by the Enamel of that time: tasks that ended,
one that waits for its time, and one in the middle whose worker was killed.
"""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from enamel.model import ids, task_key
from enamel.model.errors import SchemaMismatch
from enamel.model.task import State
from enamel.store import bulk, claims, dialects, events, items, migrations, schema, tasks, workers
from enamel.store.engine import Store
from enamel.store.lease import Lease
from tests.store.world import LEASE

HISTORIES = sorted((Path(__file__).parents[1] / "histories").glob("expand_*.json"))
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(params=HISTORIES, ids=lambda path: path.stem)
def history(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def engine(prepare: Callable[[Path], str], tmp_path: Path, history: Path) -> Iterator[sa.Engine]:
    """A database with the schema and the data of an earlier version."""
    engine = dialects.connect(prepare(tmp_path), idle_after=LEASE)
    with engine.begin() as connection:
        schema.metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE alembic_version"))
    migrations.upgrade(engine, to=history.stem)
    old = sa.MetaData()
    old.reflect(engine)
    rows = _rows(history)
    with engine.begin() as connection:
        for name, found in rows.items():
            if found:
                connection.execute(
                    sa.insert(old.tables[name]), [_typed(old.tables[name], row) for row in found]
                )
    yield engine
    migrations.upgrade(engine)
    engine.dispose()


def _rows(history: Path) -> Rows:
    rows: Rows = json.loads(history.read_text())
    return rows


def _typed(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the types of a database: SQLite, which wrote it, has no booleans."""
    flags = {column.name for column in table.c if isinstance(column.type, sa.Boolean)}
    return {
        name: bool(value) if name in flags and value is not None else value for name, value in row.items()
    }


class Old:
    """A worker of the earlier version: it knows the tables as they were when it started."""

    def __init__(self, engine: sa.Engine, row: dict[str, Any]) -> None:
        self._engine = engine
        self._tables = sa.MetaData()
        self._tables.reflect(engine)
        self._row = _typed(self._tables.tables["tasks"], row)
        self._stop = threading.Event()
        self.written = 0
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                with self._engine.execution_options(**{dialects.WRITES: True}).begin() as connection:
                    self._write(connection)
            except sa.exc.DBAPIError as error:
                if dialects.trouble(error) is not dialects.Trouble.CONFLICT:
                    self.failure = error
                    return
            else:
                self.written += 1

    def _write(self, connection: sa.Connection) -> None:
        table = self._tables.tables["tasks"]
        id = ids.new_id()
        connection.execute(sa.select(self._tables.tables["workers"].c.id).with_for_update()).all()
        # As the version before did: all columns that it knows, one document for all rows.
        bulk.insert(connection, table, [{**self._row, "id": id, "events": 1, "secrets": None}])
        event = {"task": id, "seq": 1, "time": self._row["created_at"], "type": "task.accepted"}
        connection.execute(sa.insert(self._tables.tables["events"]).values(event))
        connection.execute(sa.update(table).where(table.c.id == id).values(done=table.c.done + 1))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def until_it_wrote(old: Old, more: int) -> None:
    goal = old.written + more
    while old.failure is None and old.written < goal:
        threading.Event().wait(0.01)


def test_a_database_is_upgraded_under_the_workers_of_the_version_before(
    engine: sa.Engine, history: Path
) -> None:
    rows = _rows(history)
    with pytest.raises(SchemaMismatch, match=history.stem) as refused:
        migrations.check(engine)
    assert "enamel db upgrade" in refused.value.advice
    old = Old(engine, next(row for row in rows["tasks"] if row["state"] == "COMPLETED"))
    try:
        until_it_wrote(old, 3)
        migrations.upgrade(engine)
        until_it_wrote(old, 3)
    finally:
        old.stop()
    assert old.failure is None
    migrations.check(engine)
    assert all(step.done for step in migrations.history(engine))
    with engine.connect() as connection:
        counted = connection.execute(sa.select(sa.func.count()).select_from(schema.tasks)).scalar_one()
    assert counted == len(rows["tasks"]) + old.written


def test_what_tasks_are_about_is_in_the_task_index(engine: sa.Engine, history: Path) -> None:
    rows = _rows(history)
    projects = {row["id"]: row["project_id"] for row in rows["tasks"]}
    # The host names of tasks that have ended are free.
    living = {row["id"] for row in rows["tasks"] if row["state"] in {"WAITING", "RUNNING"}}
    migrations.upgrade(engine)
    with engine.connect() as connection:
        index = connection.execute(sa.select(schema.task_index)).mappings().all()
    assert {(key["kind"], key["key"], key["project_id"], key["task"]) for key in index} == {
        (task_key.Kind.HOSTNAME, row["server"][5:], projects[row["task"]], row["task"])
        if row["server"].startswith("name:")
        else (task_key.Kind.SERVER, row["server"], projects[row["task"]], row["task"])
        for row in rows["task_servers"]
        if row["task"] in living or not row["server"].startswith("name:")
    }
    assert {key["kind"] for key in index} == {task_key.Kind.HOSTNAME, task_key.Kind.SERVER}


async def test_what_earlier_versions_began_is_taken_up(engine: sa.Engine, history: Path) -> None:
    rows = _rows(history)
    migrations.upgrade(engine)
    store = Store(engine.url.render_as_string(hide_password=False))
    try:
        lease = Lease(store, name="new", length=LEASE)
        await lease.take()
        reaped = await lease.run(workers.reap, but=lease.id, everyone=True)
        was_running = {row["id"] for row in rows["tasks"] if row["state"] == "RUNNING"}
        assert set(reaped.tasks) == was_running != set()
        claimed = await lease.run(claims.claim, lease.id, limit=100)
        assert was_running <= {found.id for found, _ in claimed}
        for found, steps in claimed:
            assert found.plan or found.type == "task.revert"
            assert all(step.uncertain for step in steps if step.state.value == "RUNNING")
        for row in rows["tasks"]:
            found = await store.read(tasks.get, row["id"])
            assert found.state in {State(row["state"]), State.RUNNING}
            assert len(await store.read(items.list, row["id"])) == row["total"]
            told = await store.read(events.list, row["id"])
            assert [event.seq for event in told] == list(range(1, len(told) + 1))
    finally:
        await store.close()
