"""The owners of what carries marks: what the store knows of the tasks, and of those that have taken them up."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from enamel.model import task
from enamel.model.task import Task
from enamel.store import rows
from enamel.store.schema import tasks
from enamel.store.tasks import LISTED
from enamel.store.transaction import Tx

AT_ONCE = 500
"""The most ids in one query."""


class Family(Struct, frozen=True, kw_only=True):
    """A task, and the tasks that have restarted or reverted it, and those that have restarted or reverted these."""

    members: tuple[Task, ...]

    @property
    def alive(self) -> bool:
        """Tell whether one of them is at work, or is about to be."""
        # A revert that waits for its time, as a `ttl` has it, does nothing yet.
        return any(
            member.state not in task.ENDED and (member.not_before is None or member.attempt > 0)
            for member in self.members
        )

    @property
    def reverted(self) -> bool:
        """Tell whether all that they have made was to go again."""
        return any(
            member.type == "task.revert" and member.state is task.State.COMPLETED for member in self.members
        )

    @property
    def failed_to_undo(self) -> bool:
        """Tell whether a revert has left something behind."""
        return any(member.error is not None and member.error.left for member in self.members)

    @property
    def made(self) -> frozenset[str]:
        """Return the ids of what they count among what they have made."""
        things = (
            thing for member in self.members for of_kind in member.result.made.values() for thing in of_kind
        )
        return frozenset(thing.id for thing in things)


def of(tx: Tx, ids: Collection[str]) -> dict[str, Family]:
    """Return what is known of tasks, of whichever project; those that are unknown are left out."""
    roots = _where(tx, tasks.c.id, sorted(ids))
    children: dict[str, list[Task]] = {}
    newest = [member.id for member in roots]
    while newest:
        offspring = _where(tx, tasks.c.parent, newest)
        children |= {id: [] for id in newest}
        for member in offspring:
            if member.parent is not None:
                children[member.parent].append(member)
        newest = [member.id for member in offspring if member.id not in children]
    return {member.id: Family(members=tuple(_line(member, children))) for member in roots}


def _line(first: Task, children: Mapping[str, Sequence[Task]]) -> Iterator[Task]:
    """Yield a task and all that have taken it up, and those."""
    yield first
    for child in children.get(first.id, ()):
        yield from _line(child, children)


def _where(tx: Tx, column: sa.Column[Any], values: Sequence[str]) -> list[Task]:
    family: list[Task] = []
    for start in range(0, len(values), AT_ONCE):
        query = sa.select(*LISTED).where(column.in_(values[start : start + AT_ONCE]))
        family += map(rows.task_of, tx.rows(query))
    return family
