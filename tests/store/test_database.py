"""The database server: what cannot be worked on is refused in words that name the setting."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from enamel.model.errors import ServiceError
from enamel.store import database, dialects, migrations
from tests.store.world import LEASE


def test_these_databases_are_new_enough(url: str) -> None:
    engine = dialects.connect(url, idle_after=LEASE)
    database.check(engine)
    with engine.connect() as connection:
        product, version = database.identify(connection)
    engine.dispose()
    assert product in {"SQLite", "PostgreSQL", "MariaDB", "MySQL"} and version > (1,)


def test_a_server_that_is_gone_is_noticed_soon(url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("SQLite is no server")
    engine = dialects.connect(url, idle_after=LEASE)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        number = driver.pgconn.socket if url.startswith("postgresql") else driver._sock.fileno()
        with socket.socket(fileno=os.dup(number)) as used:
            assert used.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert used.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
            assert used.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
    engine.dispose()


@pytest.mark.parametrize("product", ["SQLite", "PostgreSQL", "MariaDB", "MySQL"])
def test_an_old_server_is_refused(monkeypatch: pytest.MonkeyPatch, product: str, tmp_path: Path) -> None:
    engine = dialects.connect(f"sqlite:///{tmp_path / 'x.db'}", idle_after=LEASE)
    monkeypatch.setattr(database, "identify", lambda _connection: (product, (3, 1)))
    with pytest.raises(ServiceError, match=rf"\[store\] url is {product} 3\.1; Enamel needs") as refused:
        migrations.check(engine)
    engine.dispose()
    assert f"Upgrade {product}" in refused.value.advice


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ("10.11.14-MariaDB-0+deb12u2", ("MariaDB", (10, 11, 14))),
        ("5.5.5-10.4.2-MariaDB", ("MariaDB", (10, 4, 2))),
        ("8.0.36", ("MySQL", (8, 0, 36))),
        ("8.4.0-log", ("MySQL", (8, 4, 0))),
    ],
)
def test_mariadb_and_mysql_are_told_apart(told: str, known: tuple[str, tuple[int, ...]]) -> None:
    class Connection:
        dialect = sa.create_engine("mysql+pymysql://h/d").dialect

        def exec_driver_sql(self, _statement: str) -> "Connection":
            return self

        def scalar_one(self) -> str:
            return told

    assert database.identify(Connection()) == known  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@127.0.0.1:1/enamel",
        "mariadb://me:hunter2@127.0.0.1:1/enamel",
        "sqlite:////nowhere/at/all/enamel.db",
    ],
)
def test_a_database_that_is_away_is_named_without_its_password(url: str) -> None:
    engine = dialects.connect(url, idle_after=LEASE)
    for use in (migrations.check, migrations.upgrade, migrations.history):
        with pytest.raises(
            ServiceError, match=r"The database of \[store\] url, .* cannot be used"
        ) as refused:
            use(engine)
        assert "hunter2" not in f"{refused.value}{refused.value.advice}"
        assert "[store] url" in refused.value.advice
    engine.dispose()


def test_a_wrong_password_and_a_missing_database_are_named(url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("SQLite has neither")
    parsed = sa.make_url(url)
    for wrong in (parsed.set(database="missing"), parsed.set(username="nobody", password="x")):
        engine = dialects.connect(wrong.render_as_string(hide_password=False), idle_after=LEASE)
        with pytest.raises(ServiceError, match=r"missing|nobody"):
            database.check(engine)
        engine.dispose()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "oracle://h/d", "postgresql+asyncpg://h/d", "mysql+mysqldb://h/d"]
)
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ServiceError, match=r"\[store\] url") as refused:
        dialects.connect(url, idle_after=LEASE)
    assert "postgresql+psycopg://" in refused.value.advice


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2:x@h:hunter2/d",
        "postgresql://me:top@hunter2@h/d",
        "mariadb://me:top@hunter2/x@h/d",
    ],
)
def test_a_password_with_a_meaning_of_its_own_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ServiceError, match=r"\[store\] url") as refused:
        database.check(dialects.connect(url, idle_after=LEASE))
    assert "hunter2" not in f"{refused.value}{refused.value.advice}"
    assert "%40" in refused.value.advice


def test_a_url_is_spelled_as_everybody_reads_it() -> None:
    spelled = dialects.spelled("postgresql://me:a#b/c@h:5432/d?sslmode=require")
    assert spelled == "postgresql+psycopg://me:a%23b%2Fc@h:5432/d?sslmode=require"


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [("postgresql://h/d", "psycopg", "postgres"), ("mysql://h/d", "pymysql", "mysql")],
)
def test_a_missing_driver_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, url: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ServiceError, match=package) as refused:
        dialects.connect(url, idle_after=LEASE)
    assert f"enamel[{extra}]" in refused.value.advice
