"""Migrations: a database gets the schema of this version, and a wrong one is told apart."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from enamel.model.errors import SchemaMismatch
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
