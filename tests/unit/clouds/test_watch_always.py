"""Whatever a cloud's lists do, no waiter misses an end, and a crowd costs what one costs."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from enamel.clouds.shared.store import SharedStore
from enamel.clouds.watch import poller, snapshot
from enamel.clouds.watch import watcher as watch_watcher
from enamel.model.errors import CloudUnreachable, Gone
from tests.unit.clouds import timeless
from tests.unit.clouds.shelf import Shelf

EPOCH = datetime(2026, 11, 21, tzinfo=UTC)
TOO_LATE = 120.0
"""However bad the lists, an end is heard of within two minutes."""


@dataclass(frozen=True)
class Life:
    """When a server comes, is up, and is gone again."""

    born: float
    up: float
    gone: float | None
    skew: float
    """How far the clock is off that stamps its changes."""

    def state(self, at: float) -> str | None:
        if at < self.born or (self.gone is not None and at >= self.gone):
            return None
        return "ACTIVE" if at >= self.up else "BUILD"

    def updated(self, at: float) -> datetime:
        moments = [one for one in (self.born, self.up, self.gone) if one is not None and one <= at]
        return EPOCH + timedelta(seconds=int(max(moments) + self.skew))


@dataclass(frozen=True)
class Thing:
    id: str
    state: str


@dataclass
class Cloud:
    """A cloud that plays lives, and whose lists cannot be relied upon."""

    lives: dict[str, Life]
    skew: float = 0.0
    """How far the clock is off that says when it was asked."""
    took: float = 0.1
    faults: list[str] = field(default_factory=list)
    """What the lists do: miss one, lag, fail; then they are in order."""
    tells_changes: bool = True
    asked: int = 0
    begun: float = 0.0

    async def look(self, *, since: datetime | None, ids: Collection[str]) -> snapshot.Poll[Thing]:
        fault = self.faults[self.asked] if self.asked < len(self.faults) else ""
        self.asked += 1
        if fault == "fail":
            raise CloudUnreachable("down")
        at = self._now()
        await asyncio.sleep(self.took)
        shown = at - 7.0 if fault == "lag" else at
        seen = []
        for id, life in self.lives.items():
            if shown < life.born or (fault.startswith("miss") and fault == f"miss {id}"):
                continue
            state, updated = life.state(shown), life.updated(shown)
            if since is None and state is None:
                continue
            if since is not None and updated < since:
                continue
            value = None if state is None else Thing(id, state)
            seen.append(snapshot.Seen(id=id, updated=updated, value=value))
        return snapshot.Poll(seen=seen, at=EPOCH + timedelta(seconds=int(at + self.skew)))

    async def one(self, id: str) -> Thing:
        self.asked += 1
        state = self.lives[id].state(self._now()) if id in self.lives else None
        if state is None:
            raise Gone(id)
        return Thing(id, state)

    def kind(self, value: Thing) -> str | None:
        return "thing" if value.state == "BUILD" else None

    def leaves(self, value: Thing) -> bool:
        return False

    def _now(self) -> float:
        return timeless.now() - self.begun


seconds = st.integers(0, 90).map(float)
skews = st.sampled_from([0.0, 0.0, 0.0, 1.0, -20.0, -300.0, 300.0])


@st.composite
def lives(draw: st.DrawFn) -> Life:
    born = draw(st.sampled_from([-500.0, 0.0]))
    up = draw(seconds)
    gone = draw(st.none() | st.integers(1, 60).map(lambda after: up + after))
    return Life(born=born, up=up, gone=gone, skew=draw(skews))


@st.composite
def clouds(draw: st.DrawFn) -> Cloud:
    ids = [str(number) for number in range(draw(st.integers(1, 4)))]
    fault = st.sampled_from(["", "lag", "fail", *(f"miss {id}" for id in ids)])
    return Cloud(
        lives={id: draw(lives()) for id in ids},
        skew=draw(skews),
        took=draw(st.sampled_from([0.0, 0.1, 3.0])),
        faults=draw(st.lists(fault, max_size=12)),
        tells_changes=draw(st.booleans()),
    )


async def waited(
    watchers: list[watch_watcher.Watcher[Thing]], cloud: Cloud, *, comes: dict[str, float], crowd: int
) -> list[float]:
    """Have a crowd wait for each end of each life; return how late everybody heard of it."""
    late: list[float] = []

    async def wait(watcher: watch_watcher.Watcher[Thing], id: str) -> None:
        life = cloud.lives[id]
        await asyncio.sleep(comes[id])
        began = cloud._now()
        found = await watcher.until(id, lambda thing: thing is None or thing.state == "ACTIVE")
        end = max(life.up, began)
        if life.gone is not None and began >= life.gone:
            end = began
            # A list that lags shows what was there, to one who has seen nothing newer.
            assert found is None or "lag" in cloud.faults
        late.append(cloud._now() - end)
        if life.gone is not None:
            began = cloud._now()
            assert await watcher.until(id, lambda thing: thing is None) is None
            late.append(cloud._now() - max(life.gone, began))

    cloud.begun = timeless.now()
    async with asyncio.timeout(3_600):
        await asyncio.gather(
            *(wait(watcher, id) for id in cloud.lives for watcher in watchers for _ in range(crowd))
        )
    for watcher in watchers:
        await watcher.close()
    return late


@given(cloud=clouds(), comes=st.fixed_dictionaries({str(number): seconds for number in range(4)}))
@settings(max_examples=150, deadline=None)
def test_no_waiter_misses_an_end(cloud: Cloud, comes: dict[str, float]) -> None:
    async def story() -> list[float]:
        watcher = watch_watcher.Watcher(cloud, now=timeless.now)
        return await waited([watcher], cloud, comes=comes, crowd=1)

    assert max(timeless.run(story())) < TOO_LATE


@given(cloud=clouds(), comes=st.fixed_dictionaries({str(number): seconds for number in range(4)}))
@settings(max_examples=60, deadline=None)
def test_no_waiter_of_several_processes_misses_an_end(cloud: Cloud, comes: dict[str, float]) -> None:
    async def story() -> list[float]:
        return await waited(processes(cloud, Shelf(now=timeless.now), 3), cloud, comes=comes, crowd=1)

    assert max(timeless.run(story())) < TOO_LATE


def processes(cloud: Cloud, shelf: Shelf, number: int) -> list[watch_watcher.Watcher[Thing]]:
    async def whose() -> tuple[str, ...]:
        return ("north", "project")

    return [
        watch_watcher.Watcher(
            cloud,
            sharing=poller.Sharing(
                SharedStore(shelf, now=timeless.now), kind="things", answer=Thing, of=whose
            ),
            now=timeless.now,
        )
        for _ in range(number)
    ]


def boots(number: int) -> dict[str, Life]:
    return {str(one): Life(born=-1.0, up=20.0 + one % 7, gone=None, skew=0.0) for one in range(number)}


def cost(*, crowd: int, others: int = 0, shelf: bool = False) -> tuple[int, float]:
    """Return how many looks a launch of 50 costs, and how late the last one was heard of."""
    cloud = Cloud(lives=boots(50))

    async def story() -> list[float]:
        board = Shelf(now=timeless.now) if shelf else None
        watchers = (
            processes(cloud, board, others + 1)
            if board
            else [watch_watcher.Watcher(cloud, now=timeless.now) for _ in range(others + 1)]
        )
        return await waited(watchers, cloud, comes=dict.fromkeys(cloud.lives, 0.0), crowd=crowd)

    late = timeless.run(story())
    return cloud.asked, max(late)


def test_a_crowd_costs_what_one_costs() -> None:
    one, _ = cost(crowd=1)
    many, late = cost(crowd=200)
    assert many == one
    assert late <= 1.5


def test_what_was_learnt_makes_the_next_wait_cheaper_and_its_end_heard_of_sooner() -> None:
    cloud = Cloud(lives=boots(50))

    async def story(watcher: watch_watcher.Watcher[Thing]) -> list[float]:
        cloud.asked = 0
        late = await waited([watcher], cloud, comes=dict.fromkeys(cloud.lives, 0.0), crowd=1)
        return [*late, cloud.asked]

    async def twice() -> tuple[list[float], list[float]]:
        watcher = watch_watcher.Watcher(cloud, now=timeless.now)
        return await story(watcher), await story(watcher)

    (*slow, dear), (*quick, cheap) = timeless.run(twice())
    assert max(quick) <= 0.7 and max(quick) < max(slow)
    assert cheap < dear


def test_a_process_that_has_just_started_knows_what_others_have_learnt() -> None:
    cloud = Cloud(lives=boots(5))

    async def story() -> float:
        shelf = Shelf(now=timeless.now)
        comes = dict.fromkeys(cloud.lives, 0.0)
        await waited(processes(cloud, shelf, 1), cloud, comes=comes, crowd=1)
        await asyncio.sleep(3_600)
        return max(await waited(processes(cloud, shelf, 1), cloud, comes=comes, crowd=1))

    assert timeless.run(story()) <= 0.7


def test_processes_that_share_cost_what_one_costs() -> None:
    one, _ = cost(crowd=1)
    apart, _ = cost(crowd=1, others=3)
    together, late = cost(crowd=1, others=3, shelf=True)
    assert apart == 4 * one
    assert together <= one + 3
    assert late <= 1.5


def test_where_the_board_is_away_each_process_asks_for_itself() -> None:
    cloud = Cloud(lives=boots(5))

    async def story() -> list[float]:
        shelf = Shelf(now=timeless.now)
        shelf.away = ConnectionRefusedError("gone")
        return await waited(processes(cloud, shelf, 2), cloud, comes=dict.fromkeys(cloud.lives, 0.0), crowd=1)

    assert max(timeless.run(story())) <= 1.5
