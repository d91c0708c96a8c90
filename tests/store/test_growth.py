"""Growth: what a request, a claim, a poll or a step costs does not grow with the tasks there are."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.store import growth

_FEW, _MANY = 4_000, 40_000
_FACTOR, _MORE = 2, 150
"""How much more it may cost among ten times as many: index pages lie deeper, and what is cheap varies."""
Costs = dict[str, int]


@pytest.fixture(scope="module")
def database(
    prepare: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[sa.Connection, Costs]]:
    """A database with many tasks, and what everything cost when they were few."""
    connection = growth.connected(prepare(tmp_path_factory.mktemp("growth")))
    growth.fill(connection, since=0, until=_FEW)
    few = {name: growth.cost(connection, work) for name, work in growth.HOT.items()}
    growth.fill(connection, since=_FEW, until=_MANY)
    yield connection, few
    connection.close()
    connection.engine.dispose()


@pytest.mark.parametrize("name", growth.HOT)
def test_what_is_done_all_the_time_costs_the_same_among_many_tasks(
    database: tuple[sa.Connection, Costs], name: str
) -> None:
    connection, few = database
    many = growth.cost(connection, growth.HOT[name])
    assert many <= few[name] * _FACTOR + _MORE, f"{name}: {few[name]} of {_FEW}, {many} of {_MANY}"
