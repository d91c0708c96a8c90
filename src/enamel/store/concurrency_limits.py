"""The room that limits leave: which waiting tasks may be claimed, counted over all workers.

Workers that have limits claim one after the other: each counts what the one before has taken.
"""

import sys
from collections import Counter

import sqlalchemy as sa

from enamel.model.limits import Limits
from enamel.model.task import State
from enamel.model.topic import Topics
from enamel.store import partitions
from enamel.store.partitions import Partition
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
            for partition, number in _running(tx):
                self._count(partition, number)

    def take(self, partition: Partition) -> bool:
        """Count a task of a partition as running, if there is room for it."""
        if self.room(partition) <= 0:
            return False
        self._count(partition, 1)
        return True

    def room(self, partition: Partition) -> int:
        """Return for how many more tasks of a partition there is room."""
        return min((self._free(*key) for key in self._keys(partition)), default=sys.maxsize)

    def _keys(self, partition: Partition) -> list[tuple[str, str]]:
        """Return the limits that the tasks of a partition count against."""
        keys = [
            ("type", pattern) for pattern, family in self._families.items() if family.serve(partition.type)
        ]
        keys += [("cloud", partition.cloud)] if partition.cloud in self._limits.clouds else []
        return keys + ([("project", partition.project_id)] if self._limits.project is not None else [])

    def _count(self, partition: Partition, number: int) -> None:
        for key in self._keys(partition):
            self._taken[key] += number

    def _free(self, kind: str, name: str) -> int:
        most = {
            "type": self._limits.types.get(name, 0),
            "cloud": self._limits.clouds.get(name, 0),
            "project": self._limits.project or 0,
        }
        return most[kind] - self._taken[(kind, name)]


def _running(tx: Tx) -> list[tuple[Partition, int]]:
    """Return how many tasks of each partition run."""
    running = tasks.c.state == State.RUNNING
    number = sa.func.count().label("number")
    by_partition = (
        sa.select(tasks.c.partition, number)
        .where(running, tasks.c.partition.is_not(None))
        .group_by(tasks.c.partition)
    )
    known = [(partitions.read(row["partition"]), row["number"]) for row in tx.rows(by_partition)]
    # The version before claims tasks without one.
    fields = [tasks.c[name] for name in Partition.__struct_fields__]
    others = sa.select(*fields, number).where(running, tasks.c.partition.is_(None)).group_by(*fields)
    return known + [
        (Partition(**{name: row[name] for name in Partition.__struct_fields__}), row["number"])
        for row in tx.rows(others)
    ]
