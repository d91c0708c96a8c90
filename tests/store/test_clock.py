"""Clocks that somebody sets: what goes by them goes on evenly, and the jump is logged."""

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from enamel.store.clock import SteadyClock, StoreClock
from enamel.store.engine import Store
from tests.store.world import NOON


class Machine:
    """A machine whose clock is set by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.set_by = timedelta(0)

    def elapsed(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds) + self.set_by


@pytest.mark.parametrize("hours", [2, -2, 24 * 365])
def test_a_clock_that_is_set_is_followed_slowly_and_told_once(hours: int) -> None:
    machine = Machine()
    steady = SteadyClock(wall=machine.wall, elapsed=machine.elapsed)
    before = steady()
    machine.seconds += 10
    with capture_logs() as calm:
        assert steady() - before == timedelta(seconds=10)
    machine.set_by = timedelta(hours=hours)
    read = [before]
    with capture_logs() as logs:
        for _ in range(100):
            machine.seconds += 1
            read.append(steady())
    assert read == sorted(read)
    assert abs(read[-1] - before - timedelta(seconds=110)) <= timedelta(seconds=5)
    assert calm == [] and [line["event"] for line in logs] == ["clock.jumped"]
    assert logs[0]["clock"] == "machine" and abs(logs[0]["seconds"] - hours * 3600) < 1


def test_a_small_difference_is_made_up_for() -> None:
    machine = Machine()
    steady = SteadyClock(wall=machine.wall, elapsed=machine.elapsed)
    machine.set_by = timedelta(seconds=1)
    with capture_logs() as logs:
        for _ in range(60):
            machine.seconds += 1
            steady()
    assert steady() == machine.wall() and logs == []


def test_the_databases_clock_is_carried_on_and_its_jumps_are_told() -> None:
    machine = Machine()
    clock = StoreClock(before=machine.wall, elapsed=machine.elapsed)
    assert clock() == machine.wall()
    database = NOON - timedelta(days=1)
    clock.learn(database, asked_at=machine.seconds)
    machine.set_by = timedelta(hours=2)
    machine.seconds += 10
    assert clock() == database + timedelta(seconds=10)
    with capture_logs() as logs:
        clock.learn(database + timedelta(hours=3), asked_at=machine.seconds)
        # An answer that was long on its way says nothing.
        clock.learn(database, asked_at=machine.seconds - 60)
    assert clock() == database + timedelta(hours=3)
    assert [(line["event"], line["clock"]) for line in logs] == [("clock.jumped", "database")]


async def test_a_store_tells_the_time_of_its_database(store: Store) -> None:
    await store.read_clock()
    assert abs(store.now() - await store.read(lambda tx: tx.now)) < timedelta(minutes=1)


async def test_the_machines_clock_is_that_of_a_file(url: str) -> None:
    opened = Store(url)
    try:
        await opened.read_clock()
        assert abs(opened.now() - datetime.now(UTC)) < timedelta(minutes=1)
    finally:
        await opened.close()
