"""Migrations: a database gets the schema of this version, and a wrong one is told apart."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from enamel.model.errors import SchemaMismatch, ServiceError
from enamel.store import dialects, migrations, schema
from tests.store.world import LEASE


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    opened = dialects.connect(url, idle_after=LEASE)
    yield opened
    opened.dispose()


def test_migrations_make_the_schema_of_the_code(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


def test_upgrading_twice_changes_nothing(engine: sa.Engine) -> None:
    migrations.upgrade(engine)
    migrations.check(engine)


@pytest.mark.parametrize("at", [None, "expand_0001"])
def test_an_upgrade_that_broke_off_is_taken_up_again(engine: sa.Engine, at: str | None) -> None:
    # MariaDB keeps what was made when an upgrade is killed before it is noted.
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM alembic_version"))
        if at:
            connection.execute(sa.text("INSERT INTO alembic_version VALUES (:at)"), {"at": at})
        connection.execute(sa.text("DROP TABLE sightings"))
        index = next(one for one in schema.tasks.indexes if one.name == "tasks_by_end")
        index.drop(connection)
    migrations.upgrade(engine)
    migrations.check(engine)
    test_migrations_make_the_schema_of_the_code(engine)


def test_a_database_that_is_another_services_is_refused(tmp_path: Path) -> None:
    engine = dialects.connect(f"sqlite:///{tmp_path / 'other.db'}", idle_after=LEASE)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE tasks (id VARCHAR(36), owner VARCHAR(64))"))
    with pytest.raises(ServiceError, match=r"\[store\] url has a table 'tasks' that is not Enamel's"):
        migrations.upgrade(engine)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["tasks"]
    engine.dispose()


def test_a_newer_schema_is_refused(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        head = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'expand_9999'"))
    try:
        with pytest.raises(SchemaMismatch, match=r"newer version.*expand_9999"):
            migrations.check(engine)
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = :head"), {"head": head})


def test_an_empty_database_names_the_command(tmp_path: Path) -> None:
    engine = dialects.connect(f"sqlite:///{tmp_path / 'new.db'}", idle_after=LEASE)
    with pytest.raises(SchemaMismatch, match="empty") as refused:
        migrations.check(engine)
    assert "enamel db upgrade" in refused.value.advice
    migrations.upgrade(engine)
    migrations.check(engine)
    engine.dispose()
