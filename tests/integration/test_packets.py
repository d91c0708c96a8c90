"""A MariaDB that accepts no more than 1 MiB at a time: a launch of 300 servers is accepted, carried out and read."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
import sqlalchemy as sa

from enamel import bootstrap
from enamel.conf import settings
from enamel.store import schema
from tests.flows.world import QUICK
from tests.integration.services.mariadb import MariaDB

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
SERVERS = 300
ROOMY = msgspec.structs.replace(
    QUICK,
    quotas=dict.fromkeys(
        ("instances", "cores", "ram", "volumes", "gigabytes", "port", "floatingip", "server_group_members"),
        10**7,
    ),
)


@pytest.fixture
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database of a server of its own."""
    with MariaDB(tmp_path_factory.mktemp("packets")).running() as database:
        engine = sa.create_engine(database.url)
        with engine.connect() as connection:
            connection.exec_driver_sql("SET GLOBAL max_allowed_packet = 1048576")
        engine.dispose()
        yield database.url


async def test_a_launch_of_300_servers(url: str, tmp_path: Path) -> None:
    file = tmp_path / "enamel.conf"
    file.write_text(f"[store]\nurl = {url}\n")
    body = {
        "name": "web",
        "template": "cirros",
        "type": "m1.tiny",
        "count": SERVERS,
        "volumes": [{"size_gb": 1}, {"size_gb": 2}],
    }
    told = settings.up({}, files=[file], data=tmp_path / "data", port=0, sandbox=True)
    async with (
        bootstrap.up(told, sandbox=ROOMY) as enamel,
        aiohttp.ClientSession(enamel.url) as web,
    ):
        async with web.post("/servers", json=body) as accepted:
            assert accepted.status == 202, await accepted.text()
            task = (await accepted.json())["id"]
        state = "WAITING"
        while state in {"WAITING", "RUNNING"}:
            await asyncio.sleep(1)
            async with web.get(f"/tasks/{task}") as shown:
                assert shown.status == 200, await shown.text()
                known = await shown.json()
                state = known["state"]
        assert state == "COMPLETED", known["error"]
        assert [entry["state"] for entry in known["servers"]] == ["READY"] * SERVERS
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        plan = sa.select(sa.func.length(sa.cast(schema.tasks.c.plan, sa.LargeBinary)))
        assert connection.execute(plan).scalar_one() < 1 << 20
    engine.dispose()
