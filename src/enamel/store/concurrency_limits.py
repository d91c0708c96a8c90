"""The room that limits leave: which waiting tasks may be claimed, counted over all workers.

Workers that have limits claim one after the other: each counts what the one before has taken.
"""

from collections import Counter

import sqlalchemy as sa

from enamel.model.limits import Limits
from enamel.model.task import State, Task
from enamel.model.topic import Topics
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
            by = (tasks.c.type, tasks.c.cloud, tasks.c.project_id)
            running = sa.select(*by, sa.func.count().label("number")).where(tasks.c.state == State.RUNNING)
            for row in tx.rows(running.group_by(*by)):
                self._count(row["type"], row["cloud"], row["project_id"], row["number"])

    def take(self, task: Task) -> bool:
        """Count a task as running, if there is room for it."""
        if any(
            self._free(kind, name) <= 0 for kind, name in self._keys(task.type, task.cloud, task.project_id)
        ):
            return False
        self._count(task.type, task.cloud, task.project_id, 1)
        return True

    def open(self) -> sa.ColumnElement[bool]:
        """Return the condition that there is room for a task."""
        full = [key for key in self._taken if self._free(*key) <= 0]
        full += [("type", name) for name, most in self._limits.types.items() if most <= 0]
        full += [("cloud", name) for name, most in self._limits.clouds.items() if most <= 0]
        columns = {"cloud": tasks.c.cloud, "project": tasks.c.project_id}
        return sa.and_(
            sa.true(),
            *(
                sa.not_(like(name)) if kind == "type" else columns[kind] != name
                for kind, name in sorted(set(full))
            ),
        )

    def _keys(self, type: str, cloud: str, project: str) -> list[tuple[str, str]]:
        """Return the limits that a task counts against."""
        keys = [("type", pattern) for pattern, family in self._families.items() if family.serve(type)]
        keys += [("cloud", cloud)] if cloud in self._limits.clouds else []
        return keys + ([("project", project)] if self._limits.project is not None else [])

    def _count(self, type: str, cloud: str, project: str, number: int) -> None:
        for key in self._keys(type, cloud, project):
            self._taken[key] += number

    def _free(self, kind: str, name: str) -> int:
        most = {
            "type": self._limits.types.get(name, 0),
            "cloud": self._limits.clouds.get(name, 0),
            "project": self._limits.project or 0,
        }
        return most[kind] - self._taken[(kind, name)]


def like(pattern: str) -> sa.ColumnElement[bool]:
    """Return the condition that a task's type fits a pattern."""
    if pattern == "*":
        return sa.true()
    if pattern.endswith("*"):
        return tasks.c.type.startswith(pattern[:-1], autoescape=True)
    return tasks.c.type == pattern
