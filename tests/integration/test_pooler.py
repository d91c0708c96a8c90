"""Enamel behind pgbouncer in transaction mode: no statement is prepared, nothing is set for a session, and workers poll."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from enamel import bootstrap
from enamel.conf import settings
from enamel.store import dialects, migrations, schema
from tests.store import databases
from tests.store.world import LEASE

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
LAUNCHES = 12


@pytest.fixture
def url() -> Iterator[str]:
    """The URL of an empty database behind a pooler."""
    if not os.environ.get(databases.SERVERS["pgbouncer"]):
        pytest.skip(f"{databases.SERVERS['pgbouncer']} names no pgbouncer to test on")
    named = databases.url("pgbouncer")
    engine = dialects.connect(named, idle_after=LEASE)
    with engine.begin() as connection:
        schema.metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
    yield named
    engine.dispose()


def test_a_pooler_is_known_and_nothing_is_left_on_its_connections(url: str) -> None:
    engine = dialects.connect(url, idle_after=LEASE)
    assert dialects.is_pooled(engine)
    migrations.upgrade(engine)
    with engine.connect() as first, first.begin():
        assert first.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one() == "5s"
    for _ in range(40):
        with engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("SELECT 1 WHERE 1 = %s", (1,))
            prepared = connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar_one()
            assert prepared == 0
    engine.dispose()


async def test_launches_go_through(url: str, tmp_path: Path) -> None:
    file = tmp_path / "enamel.conf"
    file.write_text(f"[store]\nurl = {url}\n")
    with capture_logs() as logs:
        async with (
            bootstrap.up(settings.up({}, files=[file], data=tmp_path, port=0, sandbox=True)) as enamel,
            aiohttp.ClientSession(enamel.url) as web,
        ):

            async def launch(number: int) -> str:
                async with web.post(
                    "/servers", json={"name": f"web-{number}", "template": "cirros", "type": "m1.tiny"}
                ) as accepted:
                    assert accepted.status == 202, await accepted.text()
                    task = (await accepted.json())["id"]
                while True:
                    async with web.get(f"/tasks/{task}") as shown:
                        assert shown.status == 200, await shown.text()
                        state: str = (await shown.json())["state"]
                    if state not in {"WAITING", "RUNNING"}:
                        return state
                    await asyncio.sleep(0.1)

            states = await asyncio.gather(*map(launch, range(LAUNCHES)))
            async with web.get("/healthcheck") as health:
                assert health.status == 200 and (await health.json())["status"] == "OK"
    assert states == ["COMPLETED"] * LAUNCHES
    assert "dispatch.polls" in {line["event"] for line in logs}
    assert not [line for line in logs if line["log_level"] in {"error", "critical"}]
