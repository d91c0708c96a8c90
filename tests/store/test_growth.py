"""Growth: what a request, a claim, a poll or a step costs does not grow with the tasks there are."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.store import growth

pytestmark = pytest.mark.timeout(900)

_SIZES = {"sqlite": (3_000, 20_000)}
_USUAL = (4_000, 40_000)
"""The planners of servers read small tables as a whole."""
_FACTOR, _MORE = 2, 150
"""How much more it may cost among ten times as many: index pages lie deeper, and what is cheap varies."""
Costs = dict[str, int]


def sizes(connection: sa.Connection) -> tuple[int, int]:
    return _SIZES.get(connection.dialect.name, _USUAL)


@pytest.fixture(scope="module")
def database(
    prepare: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[sa.Connection, Costs]]:
    """A database with many tasks, and what everything cost when they were few."""
    connection = growth.connected(prepare(tmp_path_factory.mktemp("growth")))
    first, last = sizes(connection)
    growth.fill(connection, since=0, until=first)
    few = {name: growth.cost(connection, work) for name, work in growth.HOT.items()}
    growth.fill(connection, since=first, until=last)
    yield connection, few
    connection.close()
    connection.engine.dispose()


@pytest.mark.parametrize("name", growth.HOT)
def test_what_is_done_all_the_time_costs_the_same_among_many_tasks(
    database: tuple[sa.Connection, Costs], name: str
) -> None:
    connection, few = database
    many = growth.cost(connection, growth.HOT[name])
    first, last = sizes(connection)
    assert many <= few[name] * _FACTOR + _MORE, f"{name}: {few[name]} of {first}, {many} of {last}"
