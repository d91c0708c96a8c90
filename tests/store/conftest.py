"""One store for every test of it, on each database there is."""

import shutil
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from enamel.store import dialects, migrations, schema
from enamel.store.engine import Store
from enamel.store.lease import Lease
from tests.store import databases
from tests.store.world import LEASE, Clock


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with an empty schema, made once and copied."""
    path = tmp_path_factory.mktemp("store") / "template.db"
    engine = dialects.connect(f"sqlite:///{path}", idle_after=LEASE)
    migrations.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="session", params=databases.PARAMETERS)
def prepare(request: pytest.FixtureRequest, template: Path) -> Callable[[Path], str]:
    """Return what gives a test an empty database, and returns its URL."""
    if request.param == "sqlite":

        def copied(directory: Path) -> str:
            shutil.copy(template, directory / "enamel.db")
            return f"sqlite:///{directory / 'enamel.db'}"

        return copied
    url = databases.url(request.param)
    engine = dialects.connect(url, idle_after=LEASE)
    with engine.begin() as connection:
        schema.metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
    migrations.upgrade(engine)
    engine.dispose()

    def cleared(_directory: Path) -> str:
        engine = dialects.connect(url, idle_after=LEASE)
        with engine.begin() as connection:
            for table in schema.metadata.sorted_tables:
                connection.execute(table.delete())
        engine.dispose()
        return url

    return cleared


@pytest.fixture
def url(prepare: Callable[[Path], str], tmp_path: Path) -> str:
    return prepare(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[Store]:
    """A store whose time stands still until the test moves it."""
    opened = Store(url, clock=clock, timeout=timedelta(seconds=30))
    yield opened
    await opened.close()


@pytest.fixture
async def lease(store: Store) -> Lease:
    """The lease of a living worker."""
    taken = Lease(store, name="worker-1", length=LEASE)
    await taken.take()
    return taken


@pytest.fixture
async def other(store: Store) -> Lease:
    """The lease of another living worker."""
    taken = Lease(store, name="worker-2", length=LEASE)
    await taken.take()
    return taken
