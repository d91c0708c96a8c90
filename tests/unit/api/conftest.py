"""A service on a free port of loopback, and a client for it."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from msgspec import Struct

from enamel.api import app, serve
from enamel.store import engine, migrations
from tests.unit.api import fakes


class Reply(Struct, frozen=True):
    """What came back."""

    status: int
    headers: Any
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def errors(self) -> list[dict[str, Any]]:
        return self.body["errors"]


class Web:
    """A client of a running service."""

    def __init__(self, url: str, services: fakes.Services, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.services = services
        self.session = session

    async def call(self, method: str, path: str, /, **options: Any) -> Reply:
        async with self.session.request(method, self.url + path, **options) as response:
            return Reply(response.status, response.headers, await response.text())

    async def get(self, path: str, **options: Any) -> Reply:
        return await self.call("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Reply:
        return await self.call("POST", path, **options)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "empty.db"
    made = sa.create_engine(f"sqlite:///{path}")
    migrations.upgrade(made)
    made.dispose()
    return path


@pytest.fixture
async def services(tmp_path: Path, empty_database: Path) -> AsyncIterator[fakes.Services]:
    shutil.copy(empty_database, tmp_path / "enamel.db")
    store = engine.Store(f"sqlite:///{tmp_path / 'enamel.db'}")
    yield fakes.Services(store)
    await store.close()


@pytest.fixture
async def web(services: fakes.Services) -> AsyncIterator[Web]:
    async with (
        serve.running(app.application(services), host="127.0.0.1", port=0) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Web(url, services, session)
