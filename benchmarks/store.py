"""How the cost of the store's queries grows: the same work among ten times as many tasks, on each database.

What is counted, and what is done, is in `tests/store/growth.py`; a test holds the ratio.
"""

import argparse
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from benchmarks.engine import databases
from enamel.store import dialects, migrations, schema
from tests.store import growth


def main(words: list[str]) -> None:
    """Measure each database and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks store", description=__doc__)
    parser.add_argument("--sizes", default="10000,100000", help="numbers of tasks (default: 10000,100000)")
    parser.add_argument("--only", help="the name of one database: SQLite, PostgreSQL or MariaDB")
    parser.add_argument("--postgresql", help="URL of a PostgreSQL database, which is emptied")
    parser.add_argument("--mariadb", help="URL of a MariaDB database, which is emptied")
    parser.add_argument("--rabbitmq", default="none", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    sizes = [int(size) for size in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        given = {"SQLite": f"sqlite:///{Path(directory) / 'enamel.db'}"}
        named = {"PostgreSQL": options.postgresql, "MariaDB": options.mariadb}
        given |= {name: url for name, url in named.items() if url}
        if len(given) == 1 and options.only != "SQLite":
            with databases(options) as started:
                measure(started, sizes, only=options.only)
        else:
            measure(given, sizes, only=options.only)


def measure(urls: dict[str, str], sizes: list[int], *, only: str | None) -> None:
    """Measure databases one after the other."""
    for name in ("SQLite", "PostgreSQL", "MariaDB"):
        if name in urls and only in {None, name}:
            Console(width=110).print(grown(name, emptied(urls[name]), sizes))


def emptied(url: str) -> sa.Connection:
    """Return a connection to a database that has Enamel's tables, and nothing in them."""
    engine = dialects.connect(url, idle_after=timedelta(minutes=5))
    with engine.begin() as connection:
        schema.metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
    migrations.upgrade(engine)
    return engine.connect()


def grown(name: str, connection: sa.Connection, sizes: list[int]) -> Table:
    """Return what everything costs at each size, and in milliseconds at the largest."""
    unit = {"SQLite": "instructions", "PostgreSQL": "pages", "MariaDB": "rows"}[name]
    table = Table("", *(f"{size:,} tasks" for size in sizes), "ratio", "ms", title=f"{name}: {unit}")
    costs: dict[str, list[int]] = {work: [] for work in growth.HOT}
    seconds: dict[str, float] = {}
    before = 0
    for size in sizes:
        growth.fill(connection, since=before, until=size)
        before = size
        for label, work in growth.HOT.items():
            costs[label].append(growth.cost(connection, work))
            began = time.perf_counter()
            with connection.begin() as transaction:
                work(growth.transaction(connection))
                transaction.rollback()
            seconds[label] = time.perf_counter() - began
    for label, numbers in costs.items():
        ratio = numbers[-1] / max(1, numbers[0])
        table.add_row(
            label, *(f"{number:,}" for number in numbers), f"{ratio:.2f}", f"{seconds[label] * 1e3:.1f}"
        )
    return table
