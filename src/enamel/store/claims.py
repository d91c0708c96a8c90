"""Claims: which worker has which task.

A worker claims by priority, then in turn (see `queue_order`). The row counts; the message that woke the worker was a hint.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from enamel.model import task, topic
from enamel.model.errors import EnamelError, TaskCancelled, TaskTimedOut
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.limits import NONE, Limits
from enamel.model.task import Priority, State, Task
from enamel.store import columns, concurrency_limits, events, items, lanes, queue_order, rows, tasks
from enamel.store.columns import aside
from enamel.store.lanes import Lane
from enamel.store.schema import tasks as table
from enamel.store.transaction import Tx

_REVERT = "task.revert"


class Reader(Struct, frozen=True, kw_only=True):
    """Which tasks a worker can read."""

    plan_version: int | None = None
    """The latest version of plans that it reads; None for any."""
    unreadable: frozenset[str] = frozenset()
    """Ids of tasks that it could not read."""


ANY = Reader()
"""Every task can be read."""
_LANES_AT_ONCE = 20
"""How many lanes are read in one query."""


def claim(
    tx: Tx,
    worker: str,
    *,
    topics: topic.Topics = topic.ALL,
    limit: int,
    limits: Limits = NONE,
    reader: Reader = ANY,
) -> tuple[tuple[Task, tuple[Item, ...]], ...]:
    """Give a worker the tasks that are next, each with its items.

    Args:
        tx: The transaction.
        worker: Who claims them.
        topics: The types of tasks that it serves.
        limit: How many at most.
        limits: How many may run at a time, over all workers.
        reader: Which tasks it can read; others are left for workers of later versions.

    """
    if limit <= 0:
        return ()
    queue_order.join(tx)
    waiting = _Claim(tx, topics=topics, limits=limits, reader=reader, limit=limit).next()
    if not waiting:
        return ()
    ids = [known.id for known in waiting]
    started = sa.func.coalesce(table.c.started_at, sa.bindparam("now", tx.now, table.c.started_at.type))
    tx.execute(
        sa.update(table)
        .where(table.c.id.in_(ids), rows.may_become(State.RUNNING))
        .values(
            state=State.RUNNING,
            worker=worker,
            attempt=table.c.attempt + 1,
            started_at=started,
            deadline=_deadline(tx.now),
        )
    )
    steps = items.of_tasks(tx, ids)
    # An owner that died may have written events without the task's row.
    last = events.last(tx, ids)
    return tuple(
        (_claimed(known, worker=worker, now=tx.now, last=last.get(known.id, 0)), steps[known.id])
        for known in waiting
    )


class _Claim:
    """One claim: the tasks that are next and for the worker, locked, as many as the limits allow."""

    def __init__(self, tx: Tx, *, topics: topic.Topics, limits: Limits, reader: Reader, limit: int) -> None:
        self._tx = tx
        self._topics = topics
        self._reader = reader
        self._limit = limit
        self._left = concurrency_limits.ConcurrencyLimits(tx, limits)
        self._all = topics == topic.ALL and not limits
        self._chosen: dict[str, Task] = {}

    def next(self) -> list[Task]:
        """Return the tasks."""
        for priority, since in queue_order.begins(self._tx).items():
            if self._wanted and not (self._all and self._from_head(priority, since=since)):
                self._from_lanes(priority, since=since)
        return list(self._chosen.values())

    @property
    def _wanted(self) -> int:
        return self._limit - len(self._chosen)

    def _from_head(self, priority: Priority, *, since: int) -> bool:
        """Choose tasks from the head of the queue, and return whether all there are for the worker."""
        query = sa.select(table).where(queue_order.in_line(priority, since=since))
        head = query.order_by(*queue_order.ORDER).limit(self._wanted).with_for_update(skip_locked=True)
        tasks = [rows.task_of(row) for row in self._tx.rows(head)]
        readable = [known for known in tasks if self._reads(known.id, lanes.of(known))]
        self._chosen |= {known.id: known for known in readable}
        return len(readable) == len(tasks)

    def _from_lanes(self, priority: Priority, *, since: int) -> None:
        """Choose tasks lane by lane, past all lanes that are not for the worker."""
        waiting = lanes.waiting(self._tx, priority, since=since)
        served = [(lane, head) for lane, head in waiting.items() if self._serves(lane)]
        for start in range(0, len(served), _LANES_AT_ONCE):
            if self._wanted:
                self._from_some(served[start : start + _LANES_AT_ONCE])

    def _from_some(self, served: Sequence[tuple[Lane, int]]) -> None:
        rooms = [(lane, head, min(self._wanted, self._left.room(lane))) for lane, head in served]
        others = {*self._chosen, *self._reader.unreadable}
        ids = lanes.first(self._tx, [place for place in rooms if place[2] > 0], but=others)
        for start in range(0, len(ids), self._limit):
            portion = ids[start : start + self._limit] if self._wanted else []
            query = sa.select(table).where(table.c.id.in_(portion), aside(table.c.state) == State.WAITING)
            locked = self._tx.rows(query.with_for_update(skip_locked=True)) if portion else ()
            known = {row["id"]: rows.task_of(row) for row in locked}
            for id in portion:
                if self._wanted and id in known and self._left.take(lanes.of(known[id])):
                    self._chosen[id] = known[id]

    def _serves(self, lane: Lane) -> bool:
        return self._topics.serve(lane.type) and self._reads("", lane)

    def _reads(self, id: str, lane: Lane) -> bool:
        latest = self._reader.plan_version
        later = latest is not None and lane.plan_version is not None and lane.plan_version > latest
        return not later and id not in self._reader.unreadable


def held(tx: Tx, worker: str) -> frozenset[str]:
    """Return the ids of the tasks that a worker has."""
    return frozenset(row["id"] for row in tx.rows(sa.select(table.c.id).where(*_of(worker))))


def cancelled(tx: Tx, worker: str) -> frozenset[str]:
    """Return the ids of the worker's tasks whose end was asked for."""
    asked = sa.select(table.c.id).where(*_of(worker), table.c.cancel_requested.is_(sa.true()))
    return frozenset(row["id"] for row in tx.rows(asked))


def release(
    tx: Tx,
    worker: str,
    ids: Collection[str] | None = None,
    *,
    not_before: datetime | None = None,
    since: datetime | None = None,
) -> dict[str, str]:
    """Send tasks of a worker back to their topics, and return which, with their types.

    Their running steps become uncertain.

    Args:
        tx: The transaction.
        worker: The worker that has them.
        ids: The tasks; all of the worker's where none are named.
        not_before: When they may be claimed again.
        since: When the worker has stopped working on them; now if not given.

    """
    mine = sa.select(table.c.id, table.c.type).where(*_of(worker))
    if ids is not None:
        mine = mine.where(table.c.id.in_(ids))
    freed = {row["id"]: row["type"] for row in tx.rows(mine.order_by(table.c.id).with_for_update())}
    if freed:
        items.doubt(tx, tuple(freed))
        ids_freed = table.c.id.in_(freed)
        back = (
            sa.update(table)
            .where(ids_freed, rows.may_become(State.WAITING))
            .values(state=State.WAITING, worker=None, turn=queue_order.again(), released_at=since or tx.now)
        )
        tx.execute(back.values(not_before=not_before, turn=None) if not_before else back)
    return freed


def give_back(tx: Tx, worker: str, id: str, *, why: EnamelError) -> Task | None:
    """Send a task back to its topic whose plan its worker cannot read, as if it had not been claimed.

    Return it if that has ended it, because its end was asked for and no worker has begun it.
    """
    query = sa.select(table).where(table.c.id == id, *_of(worker)).with_for_update()
    for row in tx.rows(query):
        known = rows.task_of(row)
        number = events.last(tx, [id]).get(id, known.events) + 1
        data = {"worker": worker, "code": why.code, "detail": why.detail}
        event = Event(task=id, seq=number, time=tx.now, type="task.given_back", data=data)
        events.insert(tx, [event])
        begun = known.attempt > 1
        back = msgspec.structs.replace(
            known,
            state=State.WAITING,
            worker=None,
            attempt=known.attempt - 1,
            started_at=known.started_at if begun else None,
            deadline=known.deadline if begun else task.unclaimed_deadline(known),
            released_at=tx.now if begun else None,
            events=number,
        )
        values = {**rows.owned(back), "worker": None, "attempt": back.attempt, "deadline": back.deadline}
        tx.execute(sa.update(table).where(table.c.id == id, rows.may_become(State.WAITING)).values(values))
        if known.cancel_requested and not begun:
            return tasks.end(tx, back, state=State.ABORTED, error=TaskCancelled(f"Task {id} was cancelled."))
    return None


def settle(tx: Tx, worker: str, ids: Sequence[str]) -> list[Task | None]:
    """Return tasks that a worker has finished, without plans; one that has not ended goes back to its topic."""
    release(tx, worker, ids)
    query = sa.select(*tasks.LISTED).where(table.c.id.in_(ids))
    known = {row["id"]: rows.task_of(row) for row in tx.rows(query)}
    return [known.get(id) for id in ids]


def postpone(tx: Tx, worker: str, id: str, *, rest: timedelta) -> None:
    """Send a task back to its topic, to be claimed after a rest."""
    release(tx, worker, [id], not_before=tx.now + rest)


def fail(tx: Tx, worker: str, id: str, *, error: EnamelError) -> Task | None:
    """End a task that a worker has and cannot carry out. Return None if the worker no longer has it."""
    mine = tx.rows(sa.select(table).where(table.c.id == id, *_of(worker)).with_for_update())
    return tasks.end(tx, rows.task_of(mine[0]), state=State.ABORTED, error=error) if mine else None


def time_out(tx: Tx, *, served: topic.Topics | None = None, limit: int = 100) -> Sequence[Task]:
    """End the tasks that no worker has claimed in the time that they were given, and return them.

    A revert, for example of a `ttl`, is never too late: what it removes would stay for ever. The next worker rolls back
    a task that was claimed before.

    Args:
        tx: The transaction.
        served: The types of tasks that somebody here serves: these are begun late rather than ended.
        limit: How many at most.
    """
    late = sa.select(table).where(
        table.c.state == State.WAITING,
        table.c.deadline <= tx.now,
        table.c.attempt == 0,
        table.c.type != _REVERT,
        sa.not_(_served(served)) if served is not None else sa.true(),
    )
    overdue = [rows.task_of(row) for row in tx.rows(late.limit(limit).with_for_update(skip_locked=True))]
    return [tasks.end(tx, known, state=State.TIMED_OUT, error=_unclaimed(known)) for known in overdue]


def _claimed(known: Task, *, worker: str, now: datetime, last: int) -> Task:
    return msgspec.structs.replace(
        known,
        state=State.RUNNING,
        worker=worker,
        attempt=known.attempt + 1,
        started_at=known.started_at or now,
        deadline=task.claimed_deadline(known, now=now),
        events=max(known.events, last),
    )


def _deadline(now: datetime) -> sa.ColumnElement[datetime | None]:
    """Return the deadlines of tasks that are claimed now, as `task.claimed_deadline` has them."""
    number = sa.BigInteger()
    begin = sa.case((table.c.not_before > table.c.created_at, table.c.not_before), else_=table.c.created_at)
    since = sa.func.coalesce(table.c.released_at, begin)
    gap = sa.literal(columns.microseconds(now), number) - sa.type_coerce(since, number)
    later = sa.type_coerce(table.c.deadline, number) + sa.case((gap > 0, gap), else_=0)
    return sa.type_coerce(later, table.c.deadline.type)


def _unclaimed(known: Task) -> TaskTimedOut:
    return TaskTimedOut(
        f"No worker claimed the task before its deadline. Is one running for {known.type}?",
        remedy="Start more workers for this type of task, or give the task a larger `timeout`.",
    )


def _served(topics: topic.Topics) -> sa.ColumnElement[bool]:
    """Return the condition that a task's type is among the topics."""
    chosen = sa.or_(*map(_like, topics.only)) if topics.only else sa.true()
    return sa.and_(chosen, *(sa.not_(_like(pattern)) for pattern in topics.but))


def _like(pattern: str) -> sa.ColumnElement[bool]:
    if pattern.endswith("*"):
        return table.c.type.startswith(pattern[:-1], autoescape=True)
    return table.c.type == pattern


def _of(worker: str) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.worker == worker, table.c.state == State.RUNNING
