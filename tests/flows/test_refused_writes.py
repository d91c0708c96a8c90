"""Writes that the database refuses: the task is postponed and taken up again, and nothing of it is lost or leaked."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from enamel.model import item, task
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import World

LAUNCH = {**WEB, "public_address": True}


@contextmanager
def refusing(world: World, table: str, when: str) -> Iterator[None]:
    """Have the database refuse rows, by a rule of its own."""
    engine = sa.create_engine(f"sqlite:///{world.database}")
    names = [f"refuse_{event}" for event in ("insert", "update")]
    with engine.begin() as connection:
        for name, event in zip(names, ("INSERT", "UPDATE"), strict=True):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {when} "
                "BEGIN SELECT RAISE(ABORT, 'no room for this row'); END"
            )
    try:
        yield
    finally:
        with engine.begin() as connection:
            for name in names:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        engine.dispose()


async def refused(world: World) -> None:
    """Wait until the worker has postponed a task for it."""
    async with asyncio.timeout(60):
        while not any(line["event"] == "task.postponed" for line in world.logs):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("table", "when"),
    [
        ("items", "NEW.kind = 'server.boot' AND NEW.state = 'COMPLETED'"),
        ("items", "NEW.action = 'NETWORKING' AND NEW.state = 'COMPLETED'"),
        ("items", "NEW.kind = 'server.boot' AND NEW.state = 'RUNNING'"),
        ("events", "NEW.type = 'item.completed'"),
        ("events", "NEW.type = 'task.completed'"),
        ("tasks", "NEW.state = 'COMPLETED'"),
    ],
)
async def test_a_launch_whose_progress_is_refused_is_taken_up_again(
    world: World, table: str, when: str
) -> None:
    with refusing(world, table, when):
        accepted = await world.accept(LAUNCH)
        await refused(world)
        assert (await world.get(accepted.id)).state not in task.ENDED
    after = went_well(await world.end(accepted.id))
    assert {step.state for step in after.items} == {item.State.COMPLETED}
    assert after.count() == {"server": 1, "port": 1, "address": 1}
    assert any(line["event"] == "journal.refused" for line in world.logs)
    await world.check()
    assert (await world.revert(after)).count() == {}
    await world.check(deleted=True)
