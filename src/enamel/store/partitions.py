"""The partitions of the queue: the tasks that are alike in all that decides who may carry them out, and when.

A partition is a priority, a version of plans, a type, a project and a cloud, as one text. An index has the waiting tasks of each
partition in their order, so whoever may not claim the tasks of some partitions passes over these with one step for each partition, however
many tasks wait there.
"""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from msgspec import Struct

from enamel.model.task import RANK, Priority, State, Task
from enamel.store.schema import tasks
from enamel.store.transaction import Tx

_AT_ONCE = 1000


class Partition(Struct, frozen=True, kw_only=True):
    """A partition."""

    priority: Priority
    plan_version: int | None
    """None for plans from before they had versions."""
    type: str
    project_id: str
    cloud: str

    @property
    def text(self) -> str:
        """Return the text that is stored."""
        parts = (self.plan_version or 0, self.type, self.project_id, self.cloud)
        return f"{RANK[self.priority]}|{'|'.join(map(str, parts))}"


def of(task: Task) -> Partition:
    """Return the partition of a task."""
    return Partition(
        priority=task.priority,
        plan_version=task.plan.get("version"),
        type=task.type,
        project_id=task.project_id,
        cloud=task.cloud,
    )


def read(text: str) -> Partition:
    """Return the partition that a text stands for."""
    rank, version, type, project, cloud = text.split("|", 4)
    priority = next(priority for priority, known in RANK.items() if known == int(rank))
    return Partition(
        priority=priority, plan_version=int(version) or None, type=type, project_id=project, cloud=cloud
    )


def waiting(tx: Tx, priority: Priority, *, since: int) -> dict[Partition, int]:
    """Return the partitions of a priority in which tasks wait, each with its first turn, in the order of these.

    Args:
        tx: The transaction.
        priority: The priority.
        since: The turn from which on tasks can wait.

    """
    build = _grouped if tx.dialect in {"mysql", "mariadb"} else _stepped
    query = build(f"{RANK[priority]}|", f"{RANK[priority]}}}", since)
    heads = [(row["head"], row["partition"]) for row in tx.rows(query) if row["head"] is not None]
    return {read(partition): head for head, partition in sorted(heads)}


def _grouped(begin: str, end: str, since: int) -> sa.Select[tuple[str, int]]:
    """Return the query for partitions and their first turns, as MariaDB answers it with one step for each partition."""
    own = (
        tasks.c.state == State.WAITING,
        tasks.c.partition > begin,
        tasks.c.partition < end,
        tasks.c.turn >= since,
    )
    head = sa.func.min(tasks.c.turn).label("head")
    return sa.select(tasks.c.partition, head).where(*own).group_by(tasks.c.state, tasks.c.partition)


def _stepped(begin: str, end: str, since: int) -> sa.Select[tuple[str, int]]:
    """Return the same query for databases that need each step spelled out."""
    least = sa.select(sa.func.min(tasks.c.partition)).where(
        tasks.c.state == State.WAITING, tasks.c.partition < end
    )
    begun = sa.select(least.where(tasks.c.partition > begin).scalar_subquery().label("partition"))
    partitions = begun.cte("partitions", recursive=True)
    following = (
        least.where(tasks.c.partition > partitions.c.partition).correlate(partitions).scalar_subquery()
    )
    partitions = partitions.union_all(sa.select(following).where(partitions.c.partition.is_not(None)))
    head = sa.select(sa.func.min(tasks.c.turn)).where(
        tasks.c.state == State.WAITING, tasks.c.partition == partitions.c.partition, tasks.c.turn >= since
    )
    columns = (partitions.c.partition, head.correlate(partitions).scalar_subquery().label("head"))
    return sa.select(*columns).where(partitions.c.partition.is_not(None))


def first(tx: Tx, places: Sequence[tuple[Partition, int, int]], *, but: Iterable[str]) -> list[str]:
    """Return the ids of the first tasks of some partitions of one priority, in the order of the queue.

    Args:
        tx: The transaction.
        places: The partitions, each with its first turn, and how many of its tasks at most.
        but: Ids to leave out.

    """
    columns = (tasks.c.id, tasks.c.turn, tasks.c.created_at)
    others = tasks.c.id.not_in(sorted(but))
    each = [
        sa.select(*columns)
        .where(
            tasks.c.state == State.WAITING, tasks.c.partition == partition.text, tasks.c.turn >= head, others
        )
        .order_by(tasks.c.turn, tasks.c.created_at)
        .limit(limit)
        .subquery()
        for partition, head, limit in places
    ]
    rows = tx.rows(sa.union_all(*map(sa.select, each))) if each else ()
    return [row["id"] for row in sorted(rows, key=lambda row: (row["turn"], row["created_at"], row["id"]))]


def sort_in(tx: Tx) -> None:
    """Give a partition to waiting tasks that a process of the version before has accepted."""
    fields = [tasks.c[name] for name in Partition.__struct_fields__]
    query = sa.select(tasks.c.id, *fields).where(tasks.c.state == State.WAITING, tasks.c.partition.is_(None))
    for row in tx.rows(query.limit(_AT_ONCE).with_for_update(skip_locked=True)):
        partition = Partition(**{name: row[name] for name in Partition.__struct_fields__})
        tx.execute(sa.update(tasks).where(tasks.c.id == row["id"]).values(partition=partition.text))
