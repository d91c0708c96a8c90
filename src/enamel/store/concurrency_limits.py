"""The room that limits leave: which waiting tasks may be claimed, counted over all workers.

Workers that have limits claim one after the other: each counts what the one before has taken.
"""

import sys
from collections import Counter

import sqlalchemy as sa

from enamel.model.limits import Limits
from enamel.model.task import State
from enamel.model.topic import Topics
from enamel.store import lanes
from enamel.store.lanes import Lane
from enamel.store.schema import locks, tasks
from enamel.store.transaction import Tx

_CLAIMS = "claims"


class ConcurrencyLimits:
    """What is free under limits while one transaction claims tasks."""

    def __init__(self, tx: Tx, limits: Limits) -> None:
        """Count what is running, and keep others from claiming until the end of the transaction."""
        self._limits = limits
        self._families = {pattern: Topics(only=(pattern,)) for pattern in limits.types}
        self._taken: Counter[tuple[str, str]] = Counter()
        if limits:
            tx.insert_new(locks, [{"name": _CLAIMS}])
            tx.rows(sa.select(locks).where(locks.c.name == _CLAIMS).with_for_update())
            for lane, number in _running(tx):
                self._count(lane, number)

    def take(self, lane: Lane) -> bool:
        """Count a task of a lane as running, if there is room for it."""
        if self.room(lane) <= 0:
            return False
        self._count(lane, 1)
        return True

    def room(self, lane: Lane) -> int:
        """Return for how many more tasks of a lane there is room."""
        return min((self._free(*key) for key in self._keys(lane)), default=sys.maxsize)

    def _keys(self, lane: Lane) -> list[tuple[str, str]]:
        """Return the limits that the tasks of a lane count against."""
        keys = [("type", pattern) for pattern, family in self._families.items() if family.serve(lane.type)]
        keys += [("cloud", lane.cloud)] if lane.cloud in self._limits.clouds else []
        return keys + ([("project", lane.project_id)] if self._limits.project is not None else [])

    def _count(self, lane: Lane, number: int) -> None:
        for key in self._keys(lane):
            self._taken[key] += number

    def _free(self, kind: str, name: str) -> int:
        most = {
            "type": self._limits.types.get(name, 0),
            "cloud": self._limits.clouds.get(name, 0),
            "project": self._limits.project or 0,
        }
        return most[kind] - self._taken[(kind, name)]


def _running(tx: Tx) -> list[tuple[Lane, int]]:
    """Return how many tasks of each lane run."""
    running = tasks.c.state == State.RUNNING
    number = sa.func.count().label("number")
    by_lane = sa.select(tasks.c.lane, number).where(running, tasks.c.lane.is_not(None)).group_by(tasks.c.lane)
    known = [(lanes.read(row["lane"]), row["number"]) for row in tx.rows(by_lane)]
    # The version before claims tasks without one.
    fields = [tasks.c[name] for name in Lane.__struct_fields__]
    others = sa.select(*fields, number).where(running, tasks.c.lane.is_(None)).group_by(*fields)
    return known + [
        (Lane(**{name: row[name] for name in Lane.__struct_fields__}), row["number"])
        for row in tx.rows(others)
    ]
