"""What happens at a time: reverts after a `ttl`, tasks that begin later, and who goes first."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from enamel.model import task
from enamel.model.errors import Forbidden, Invalid, WrongState
from enamel.model.task import Task
from enamel.store import schema
from enamel.store.clock import SteadyClock
from enamel.store.transaction import Tx
from tests.flows import world as worlds
from tests.flows.after import After
from tests.flows.test_launch import WEB, went_well
from tests.flows.world import QUICK, World


async def scheduled(world: World, id: str) -> Task:
    """Return the revert that waits for its time."""
    (found,) = [one for one in await world.children(id) if one.type == "task.revert"]
    return found


async def due(world: World, id: str) -> None:
    """Let the time of a waiting task come."""
    await world.store.run(_let_come, id)


def _let_come(tx: Tx, id: str) -> None:
    waiting = schema.tasks.c.id == id, schema.tasks.c.state == task.State.WAITING
    tx.execute(sa.update(schema.tasks).where(*waiting).values(not_before=tx.now - timedelta(seconds=1)))


async def late(world: World, id: str) -> None:
    """Let a waiting task have been due two hours ago, and its time, which began then, be over."""
    await world.store.run(_be_late, id)


def _be_late(tx: Tx, id: str) -> None:
    known = schema.tasks.c.id == id
    long_ago = tx.now - timedelta(hours=2)
    times = {"created_at": long_ago, "not_before": long_ago, "deadline": long_ago + timedelta(hours=1)}
    tx.execute(sa.update(schema.tasks).where(known).values(times))


async def lived(world: World, *, ttl: str = "1h") -> tuple[After, Task]:
    """Launch a server for some time."""
    after = went_well(await world.run({**WEB, "ttl": ttl, "public_address": True}))
    return after, await scheduled(world, after.task.id)


async def test_after_its_time_all_is_taken_away(world: World) -> None:
    after, later = await lived(world)
    assert later.state is task.State.WAITING and later.not_before is not None
    assert later.not_before - after.task.created_at == timedelta(hours=1)
    world.accepted.append(later.id)
    await due(world, later.id)
    reverted = await world.end(later.id)
    assert reverted.state is task.State.COMPLETED and reverted.count() == {}
    with pytest.raises(WrongState, match=later.id):
        await world.revert(after)
    await world.check()


async def test_a_ttl_whose_time_came_while_no_worker_ran_is_carried_out(world: World) -> None:
    _, later = await lived(world)
    world.accepted.append(later.id)
    await world.stop()
    await late(world, later.id)
    world.start()
    reverted = await world.end(later.id)
    assert (reverted.state, reverted.count()) == (task.State.COMPLETED, {}), reverted.task.error
    await world.check()


async def test_a_launch_that_waited_for_a_worker_has_all_its_time(world: World) -> None:
    await world.stop()
    accepted = await world.accept({**WEB, "timeout": "1h"})
    await late(world, accepted.id)
    world.start()
    after = went_well(await world.end(accepted.id))
    assert after.task.deadline is not None and after.task.started_at is not None
    assert after.task.deadline - after.task.started_at == timedelta(hours=1)
    await world.check()


async def test_the_time_in_which_no_worker_has_a_task_does_not_count(world: World) -> None:
    slow = {"service": "compute", "method": "POST", "path": "/v2.1/servers"}
    world.fault(slow, {"status": 503})
    accepted = await world.accept({**WEB, "timeout": "1h"})
    await world.until(accepted.id, "item.retrying")
    await world.stop()
    world.sandbox.faults.clear()
    await world.store.run(_age, accepted.id)
    world.start()
    went_well(await world.end(accepted.id))
    await world.check()


def _age(tx: Tx, id: str) -> None:
    """Let a task that a worker has given back have been given back two hours ago."""
    known, hours = schema.tasks.c.id == id, timedelta(hours=2)
    [row] = tx.rows(sa.select(schema.tasks).where(known))
    assert row["state"] is task.State.WAITING and row["released_at"] is not None
    names = ("created_at", "started_at", "deadline", "released_at")
    tx.execute(sa.update(schema.tasks).where(known).values({name: row[name] - hours for name in names}))


async def test_a_ttl_that_is_cancelled_keeps_the_servers(world: World) -> None:
    after, later = await lived(world)
    await world.cancel(later.id)
    assert (await world.get(later.id)).state is task.State.ABORTED
    assert world.there()["server"] == after.cloud["server"]
    assert (await world.revert(after)).count() == {}
    await world.check()


async def test_a_revert_before_its_time(world: World) -> None:
    after, later = await lived(world)
    assert (await world.revert(after)).count() == {}
    assert (await world.get(later.id)).state is task.State.ABORTED
    await world.check()


async def test_a_short_time_to_live(world: World) -> None:
    after, later = await lived(world, ttl="1s")
    world.accepted.append(later.id)
    reverted = await world.end(later.id)
    assert reverted.state is task.State.COMPLETED and reverted.count() == {}
    assert after.task.id == later.parent
    await world.check()


async def test_a_launch_that_is_still_under_way_when_its_time_is_over(world: World) -> None:
    world.fault({"service": "compute", "method": "POST", "path": "/v2.1/servers"}, {"status": 503})
    running = await world.accept({**WEB, "ttl": "1h", "volumes": [{"size_gb": 1}]})
    await world.until(running.id, "item.retrying")
    later = await scheduled(world, running.id)
    await due(world, later.id)
    assert (await world.end(later.id)).state is task.State.COMPLETED
    ended = await world.end(running.id)
    assert ended.state is task.State.ABORTED and ended.count() == {}
    world.sandbox.faults.clear()
    await world.check()


async def test_a_worker_dies_while_it_waits_for_the_launch(world: World) -> None:
    after, later = await lived(world)
    await world.stop()
    await due(world, later.id)
    world.start()
    await world.until(later.id, "task.accepted")
    await world.crash()
    assert (await world.end(later.id)).count() == {}
    world.accepted.append(later.id)
    assert after.task.state is task.State.COMPLETED
    await world.check()


async def test_a_task_that_was_forgotten_leaves_its_servers(world: World) -> None:
    after, later = await lived(world)
    await world.forget(after.task.id)
    await due(world, later.id)
    assert (await world.end(later.id)).state is task.State.COMPLETED
    assert world.there()["server"] == after.cloud["server"]


async def test_a_launch_begins_at_its_time(world: World) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    accepted = await world.accept({**WEB, "not_before": tomorrow.isoformat(), "ttl": "1h", "timeout": "10m"})
    assert accepted.not_before == tomorrow and accepted.deadline == tomorrow + timedelta(minutes=10)
    later = await scheduled(world, accepted.id)
    assert later.not_before == tomorrow + timedelta(hours=1)
    went_well(await world.run({**WEB, "name": "other"}))
    assert (await world.get(accepted.id)).state is task.State.WAITING
    await due(world, accepted.id)
    went_well(await world.end(accepted.id))
    await world.cancel(later.id)
    await world.check()


async def test_a_launch_that_waits_for_its_time_is_cancelled(world: World) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    accepted = await world.accept({**WEB, "not_before": tomorrow.isoformat()})
    await world.cancel(accepted.id)
    assert (await world.end(accepted.id)).count() == {}
    await world.check()


async def test_a_time_that_is_past_is_now(world: World) -> None:
    went_well(await world.run({**WEB, "not_before": "2020-02-02T02:02:02+02:00"}))
    await world.check()


@pytest.mark.parametrize(
    "time", ["soon", "2026-01-31T12:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"]
)
async def test_what_is_no_time_to_begin(world: World, time: str) -> None:
    with pytest.raises(Invalid) as refused:
        await world.accept({**WEB, "not_before": time})
    assert [one.pointer for one in refused.value.faults] == ["/not_before"]


@pytest.mark.parametrize("field", ["ttl", "timeout"])
@pytest.mark.parametrize("text", ["999999999d", "4", "-1h", "1y"])
async def test_what_is_no_duration(world: World, field: str, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        await world.accept({**WEB, field: text})
    assert [one.pointer for one in refused.value.faults] == [f"/{field}"]


async def test_high_priority_is_for_operators(world: World) -> None:
    with pytest.raises(Forbidden, match="role admin"):
        await world.accept({**WEB, "priority": "HIGH"})
    world.caller = msgspec.structs.replace(world.caller, roles=("admin", "member"))
    after = went_well(await world.run({**WEB, "priority": "HIGH"}))
    assert after.task.priority is task.Priority.HIGH
    await world.check()


SLOW = msgspec.structs.replace(QUICK, boot_seconds=(1.0, 1.0))
HOUR = timedelta(hours=1)


class SetClock:
    """A clock that somebody sets."""

    def __init__(self) -> None:
        self.by = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.by


@pytest.mark.parametrize("hours", [2, -2])
async def test_a_running_launch_survives_a_database_whose_clock_is_set(
    tmp_path: Path, database: Path, hours: int
) -> None:
    clock = SetClock()
    async with worlds.opened(tmp_path, settings=SLOW, template=database, clock=clock) as world:
        running = await world.accept({**WEB, "timeout": "30m"})
        await world.until(running.id, "item.started", item="server-boot-web")
        clock.by = hours * HOUR
        went_well(await world.end(running.id))
        await world.check()


@pytest.mark.parametrize("hours", [2, -2])
async def test_launches_and_times_to_live_survive_a_machine_whose_clock_is_set(
    tmp_path: Path, database: Path, hours: int
) -> None:
    clock = SetClock()
    steady = SteadyClock(wall=clock)
    async with worlds.opened(tmp_path, settings=SLOW, template=database, clock=steady) as world:
        running = await world.accept({**WEB, "name": "runs", "ttl": "1h", "timeout": "30m"})
        await world.until(running.id, "item.started", item="server-boot-runs")
        soon = (steady() + timedelta(seconds=1)).isoformat()
        waiting = await world.accept({**WEB, "name": "waits", "not_before": soon, "timeout": "30m"})
        clock.by = hours * HOUR
        went_well(await world.end(running.id))
        went_well(await world.end(waiting.id))
        later = await scheduled(world, running.id)
        assert later.state is task.State.WAITING
        assert [line["event"] for line in world.logs].count("clock.jumped") == 1
        await world.check()
