"""Followers: any number of them, of any number of tasks, cost the store a few queries."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from enamel.dispatch.local import Local as Dispatch
from enamel.model import task
from enamel.model.errors import NotFound
from enamel.service.tasks.timelines import Timelines
from enamel.store import events, migrations, tasks
from enamel.store.engine import Store
from tests.store import world

_MANY = 300


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'enamel.db'}", timeout=timedelta(seconds=60))
    await asyncio.to_thread(migrations.upgrade, opened.engine)
    yield opened
    await opened.close()


class Reads:
    """What is read, statement by statement."""

    def __init__(self, engine: sa.Engine) -> None:
        self.statements: list[tuple[str, int]] = []
        sa.event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and "enamel_now" not in statement:
            self.statements.append((statement, len(parameters)))


async def until(holds: Any) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


async def test_quiet_tasks_are_polled_in_one_query_without_their_plans(store: Store) -> None:
    ids = [(await world.accept(store, plan={"nodes": []})).id for _ in range(_MANY)]
    timelines = Timelines(store, dispatch=Dispatch(), poll_interval=timedelta(seconds=0.05))
    followed = [timelines.following(id) for id in ids]
    known = [each.__enter__() for each in followed]
    await until(lambda: all(timeline.last == 1 for timeline in known))
    reads = Reads(store.engine)
    await until(lambda: len(reads.statements) >= 5)
    for statement, parameters in reads.statements:
        assert parameters > _MANY, "each query is about all tasks"
        assert "plan" not in statement
    for each in followed:
        each.__exit__(None, None, None)


async def test_who_follows_sees_each_event_once_without_hints(store: Store) -> None:
    accepted = [await world.accept(store) for _ in range(3)]
    timelines = Timelines(store, dispatch=Dispatch(), poll_interval=timedelta(seconds=0.05))
    followed = [timelines.following(one.id) for one in accepted]
    known = [each.__enter__() for each in followed]
    for timeline in known:
        await timeline.known.wait()
    for seq in range(2, 700):
        await store.run(events.insert, [world.an_event(accepted[0], seq)])
    await store.run(events.insert, [world.an_event(accepted[1], 2)])
    await until(lambda: known[0].last == 699 and known[1].last == 2)
    assert [event.seq for event in known[0].since(1)] == [*range(2, 700)]
    assert [event.seq for event in known[1].since(1)] == [2]
    assert known[2].since(1) == () and not known[2].over
    for each in followed:
        each.__exit__(None, None, None)


async def test_a_task_that_ended_or_was_forgotten_ends_its_timeline(store: Store) -> None:
    gone, over = await world.accept(store), await world.accept(store)
    timelines = Timelines(store, dispatch=Dispatch(), poll_interval=timedelta(seconds=0.05))
    with timelines.following(gone.id) as first, timelines.following(over.id) as second:
        await first.known.wait()
        await store.run(tasks.request_cancel, over.id)
        await store.run(tasks.request_cancel, gone.id)
        await until(lambda: second.over)
        assert second.since(1)[-1].type == f"task.{task.State.ABORTED.value.lower()}"
    with timelines.following(over.id) as again:
        await until(lambda: again.over)
    await store.run(tasks.forget, gone.id)
    with timelines.following(gone.id) as third:
        await until(lambda: third.over)
        with pytest.raises(NotFound, match=gone.id):
            third.since(0)


async def test_nothing_is_polled_when_nobody_follows(store: Store) -> None:
    accepted = await world.accept(store)
    timelines = Timelines(store, dispatch=Dispatch(), poll_interval=timedelta(seconds=0.01))
    with timelines.following(accepted.id) as timeline:
        await timeline.known.wait()
    # The poll that is under way ends.
    await asyncio.sleep(0.2)
    reads = Reads(store.engine)
    await store.read(tasks.get, accepted.id)
    assert len(reads.statements) == 1
