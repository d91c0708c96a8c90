"""A world for each test, held to its invariants when the test is over."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from enamel.sandbox import kernel
from enamel.store import migrations
from tests.flows import world as worlds


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, to be copied."""
    path = tmp_path_factory.mktemp("template") / "enamel.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    migrations.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def settings() -> kernel.Settings:
    """What the cloud is like; tests replace it."""
    return worlds.QUICK


@pytest.fixture
def entry() -> str:
    """Whose tasks they are; tests replace it."""
    return "sandbox"


@pytest.fixture
async def world(
    tmp_path: Path, settings: kernel.Settings, database: Path, entry: str
) -> AsyncIterator[worlds.World]:
    async with worlds.opened(tmp_path, settings=settings, template=database, entry=entry) as opened:
        yield opened
