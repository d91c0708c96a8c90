"""A service on a free port of loopback, and a client for it."""

import inspect
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import sqlalchemy as sa
from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

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


class Switch:
    """The application of the test that runs: one web server serves them all."""

    def __init__(self) -> None:
        self.inside: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.inside is not None
        await self.inside(scope, receive, send)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/unit/api/" in item.path.as_posix() and inspect.iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "empty.db"
    made = sa.create_engine(f"sqlite:///{path}")
    migrations.upgrade(made)
    made.dispose()
    return path


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def served() -> AsyncIterator[tuple[str, Switch, aiohttp.ClientSession]]:
    switch = Switch()
    async with (
        serve.running(switch, listener=serve.listen("127.0.0.1", 0)) as url,
        aiohttp.ClientSession() as session,
    ):
        yield url, switch, session


@pytest_asyncio.fixture(loop_scope="session")
async def services(tmp_path: Path, empty_database: Path) -> AsyncIterator[fakes.Services]:
    shutil.copy(empty_database, tmp_path / "enamel.db")
    store = engine.Store(f"sqlite:///{tmp_path / 'enamel.db'}")
    yield fakes.Services(store, keys=tmp_path / "keys")
    await store.close()


@pytest_asyncio.fixture(loop_scope="session")
async def web(services: fakes.Services, served: tuple[str, Switch, aiohttp.ClientSession]) -> Web:
    url, switch, session = served
    switch.inside = app.application(services)
    return Web(url, services, session)
