"""The encoding of a database: what cannot hold every character is refused, with what to do about it."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from enamel.model.errors import ServiceError
from enamel.store import dialects, migrations
from tests.store.world import LEASE

OTHER = "enamel_other"


def opened(url: str, database: str) -> sa.Engine:
    named = sa.make_url(url).set(database=database).render_as_string(hide_password=False)
    return dialects.connect(named, idle_after=LEASE)


@pytest.fixture
def administrator(url: str) -> Iterator[sa.Connection]:
    """A connection that creates databases; the one that a test has created goes."""
    if url.startswith("sqlite"):
        pytest.skip("SQLite holds every character")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {OTHER}")
        yield connection
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {OTHER}")
    engine.dispose()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_JP"])
def test_a_database_of_postgresql_that_is_not_utf8_is_refused(
    url: str, administrator: sa.Connection, encoding: str
) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("MariaDB's tables have a character set of their own")
    administrator.exec_driver_sql(
        f"CREATE DATABASE {OTHER} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
    )
    engine = opened(url, OTHER)
    for use in (migrations.upgrade, migrations.check, migrations.history):
        with pytest.raises(ServiceError, match=f"has the encoding {encoding}; Enamel needs UTF8") as refused:
            use(engine)
        assert "CREATE DATABASE enamel ENCODING 'UTF8'" in refused.value.advice
    engine.dispose()


@pytest.mark.parametrize("used", ["latin1", "utf8mb3"])
def test_tables_of_mariadb_that_are_not_utf8mb4_are_refused(
    url: str, administrator: sa.Connection, used: str
) -> None:
    if not url.startswith("mariadb"):
        pytest.skip("tables of PostgreSQL have no encoding of their own")
    administrator.exec_driver_sql(f"CREATE DATABASE {OTHER} CHARACTER SET {used}")
    engine = opened(url, OTHER)
    # Our own tables are as they should be, whatever the database's default.
    migrations.upgrade(engine)
    migrations.check(engine)
    administrator.exec_driver_sql(f"ALTER TABLE {OTHER}.items CONVERT TO CHARACTER SET {used}")
    for use in (migrations.upgrade, migrations.check, migrations.history):
        with pytest.raises(ServiceError, match=rf"not in utf8mb4: items \({used}\)") as refused:
            use(engine)
        assert "CONVERT TO CHARACTER SET utf8mb4" in refused.value.advice
    engine.dispose()
