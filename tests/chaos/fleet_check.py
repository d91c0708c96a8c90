"""What must be so after everything that a fleet went through, as the cloud, the database and the wires tell it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

import aiohttp

from enamel.model import task
from enamel.model.task import Task
from enamel.store import events, items, tasks
from enamel.store.engine import Store
from tests.chaos.fleet import Fleet, Member, moment
from tests.flows import balance, history

SEEN_WITHIN = 0.2
"""Seconds for what was sent in time to be seen by a wire on a busy machine."""
BROKEN = ("step.broken", "task.stuck", "task.dropped", "worker.broke")
"""What is logged where Enamel itself is at fault."""


async def inventory(fleet: Fleet) -> balance.There:
    """Return what the project has on the cloud."""
    async with (
        aiohttp.ClientSession(fleet.sandbox) as http,
        http.get("/sandbox/state", params={"project": "demo"}) as answer,
    ):
        state = await answer.json()
    project_id = next(row["project_id"] for row in state["networks"] if row["name"] == "private")
    return balance.inventory(state, project_id=project_id)


async def still_open(fleet: Fleet) -> int:
    """Return how many tasks have not ended."""
    store = Store(fleet.store)
    try:
        waiting = await store.read(tasks.list, states=set(task.State) - task.ENDED, limit=10_000)
        return len(waiting)
    finally:
        await store.close()


async def half_reverted(fleet: Fleet) -> list[str]:
    """Return the ids of the tasks whose revert was cancelled on its way."""
    store = Store(fleet.store)
    try:
        return [one.id for one in balance.half_reverted(await store.read(tasks.list, limit=10_000))]
    finally:
        await store.close()


async def check(fleet: Fleet, *, accepted: Collection[str]) -> list[Task]:
    """Hold a fleet to all invariants and return all its tasks: see `check_outcome` and `check_fences`."""
    known = await check_outcome(fleet, accepted=accepted)
    check_fences(fleet)
    return known


async def check_outcome(fleet: Fleet, *, accepted: Collection[str]) -> list[Task]:
    """Hold what is left at the end to the invariants and return all tasks.

    Args:
        fleet: The fleet, with nothing going on any more.
        accepted: The tasks that were promised.
    """
    store = Store(fleet.store)
    try:
        known = list(await store.read(tasks.list, limit=100_000))
        known = [await store.read(tasks.get, one.id) for one in known]
        for found in known:
            assert found.state in task.ENDED, f"task {found.id} has not ended: it is {found.state.value}"
            history.check(
                found,
                await store.read(items.list, found.id),
                await store.read(events.list, found.id, limit=100_000),
            )
    finally:
        await store.close()
    ids = {one.id for one in known}
    assert set(accepted) <= ids, "a task was promised, and is not there"
    assert ids <= set(accepted), "there are tasks that nobody was promised: a request was accepted twice"
    there, standing = await inventory(fleet), balance.standing(known)
    strays = balance.leftovers(there, standing)
    assert not strays, f"there is what nobody accounts for: {strays}; {_told_of(strays, known)}"
    missing = balance.missing(there, standing)
    assert not missing, f"completed tasks have made what is not there: {missing}"
    said = [line for line in fleet.lines() if line["event"] in BROKEN or "Traceback" in str(line)]
    assert not said, said[:3]
    return known


def _told_of(strays: balance.There, known: Collection[Task]) -> list[str]:
    """Return what the tasks that may have made things, or were to take them away, say of themselves."""
    rows = str(strays)
    makers = {
        one.id
        for one in known
        if one.id in rows or any(thing.id in rows for made in one.result.made.values() for thing in made)
    }
    return [
        f"{one.type} {one.id} of {one.parent}: {one.state.value}, {one.attempt} claims, {one.error}"
        for one in known
        if one.id in makers or one.parent in makers
    ]


def check_fences(fleet: Fleet) -> None:
    """Hold every worker to beginning nothing after its lease was taken over."""
    reaped = {
        worker: moment(line)
        for line in fleet.lines()
        if line["event"] == "worker.reaped"
        for worker in line["workers"]
    }
    assert reaped and any(member.cloud.marks for member in fleet.members.values()), "there was nothing to see"
    for member in fleet.members.values():
        led = lives(fleet, member)
        late = begun_late(member.cloud.marks, led, reaped)
        assert not late, f"{member.name} began what was another's by then: {late}"
        late = changed_late(member.cloud.changes, led, reaped)
        assert not late, f"{member.name} went on when its tasks were another's: {late}"


def lives(fleet: Fleet, member: Member) -> list[tuple[float, str]]:
    """Return when a member of the fleet became which worker, in order."""
    return sorted(
        (moment(line), line["worker"])
        for line in fleet.lines(member.name)
        if line["event"] == "worker.started"
    )


def begun_late(
    marks: Sequence[tuple[float, str]], lives: Sequence[tuple[float, str]], reaped: Mapping[str, float]
) -> list[tuple[float, str]]:
    """Return what a member told the cloud to make for a step that it had not begun when its lease was taken over."""
    late = []
    for (start, worker), (end, _) in pairwise([*lives, (float("inf"), "")]):
        over = reaped.get(worker, float("inf"))
        told = [(at, mark) for at, mark in marks if start <= at < end]
        begun = {mark for at, mark in told if at <= over}
        late += [(at - over, mark) for at, mark in told if at > over and mark not in begun]
    return late


def changed_late(
    changes: Sequence[tuple[float, str]], lives: Sequence[tuple[float, str]], reaped: Mapping[str, float]
) -> list[tuple[float, str]]:
    """Return what a member told the cloud to change after its lease was taken over, and before it had another one."""
    late = []
    for (_, worker), (end, _) in pairwise([*lives, (float("inf"), "")]):
        over = reaped.get(worker, float("inf"))
        late += [(at - over, what) for at, what in changes if over + SEEN_WITHIN < at < end]
    return late


def summary(known: Collection[Task]) -> str:
    """Return a line on how tasks ended."""
    ends = Counter(one.state.name for one in known)
    told = ", ".join(f"{number} {name}" for name, number in sorted(ends.items()))
    return f"{len(known)} tasks: {told}; {sum(one.attempt for one in known)} claims"
