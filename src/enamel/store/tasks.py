"""Tasks in the store: accept, read, list, cancel, forget."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from enamel.model import ids, item, problem, task, task_key
from enamel.model.errors import EnamelError, NotFound, TaskCancelled, WrongState
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import State, Task
from enamel.store import events, items, lanes, queue_order, reservations, rows, secrets, task_index, webhooks
from enamel.store.columns import aside
from enamel.store.schema import events as events_table
from enamel.store.schema import metadata, tasks
from enamel.store.transaction import Tx

_OPEN = aside(tasks.c.state).in_([State.WAITING, State.RUNNING])
_BELONGINGS = tuple(table for table in metadata.sorted_tables if "task" in table.c)
"""The tables whose rows belong to tasks."""
_PLANNED_WITHIN = timedelta(hours=1)
LISTED = tuple(column for column in tasks.c if column.name not in {"plan", "turn", "lane"})
"""The columns that lists of tasks read: all but the plan, and what only the queue needs."""


def insert(
    tx: Tx,
    accepted: Task,
    steps: Sequence[Item],
    first: Event,
    *,
    shares: Mapping[str, Mapping[str, int]] = {},
) -> Task:
    """Store a new task with its items and its first event; return it as it is stored.

    Args:
        tx: The transaction.
        accepted: The task.
        steps: Its items.
        first: Its first event.
        shares: What each step is going to use up of what the task reserves.

    """
    accepted = msgspec.structs.replace(accepted, events=first.seq)
    place = {"turn": queue_order.turn(tx, accepted), "lane": lanes.of(accepted).text}
    tx.insert_new(tasks, [{**rows.owned(accepted), **rows.fixed(accepted), **place}])
    done = {step.name for step in steps if step.state not in item.OPEN}
    reservations.add(tx, accepted, shares, but=done)
    items.insert(tx, steps)
    events.insert(tx, [first])
    task_index.add(tx, task_key.servers(accepted))
    secrets.hold(tx, accepted)
    return accepted


def get(tx: Tx, id: str, *, project_id: str | None = None) -> Task:
    """Return a task, if it belongs to the project.

    Raises:
        NotFound: There is none, or it is another project's.

    """
    query = sa.select(tasks).where(tasks.c.id == id)
    if project_id is not None:
        query = query.where(tasks.c.project_id == project_id)
    return _only(tx, query, id)


def list(
    tx: Tx,
    *,
    project_id: str | None = None,
    cloud: str | None = None,
    states: Collection[State] | None = None,
    type: str | None = None,
    server: str | None = None,
    since: datetime | None = None,
    parent: str | None = None,
    marker: str | None = None,
    limit: int = 100,
) -> tuple[Task, ...]:
    """Return tasks, the newest first, without their plans.

    Args:
        tx: The transaction.
        project_id: The project; None for all.
        cloud: The cloud; None for all.
        states: The states they may be in; None for all.
        type: The command.
        server: The id of a server that they made or touched.
        since: The earliest time of acceptance.
        parent: The task that they revert or restart.
        marker: The id of the last task of the page before.
        limit: How many at most.

    """
    narrow = _Narrowing(project_id=project_id, cloud=cloud, type=type, parent=parent, server=server)
    page = narrow.query().order_by(tasks.c.id.desc()).limit(limit)
    if since is not None:
        # The id of a task is older than its acceptance, by what it took to plan it.
        page = page.where(tasks.c.id >= ids.earliest(since - _PLANNED_WITHIN), tasks.c.created_at >= since)
    if marker is not None:
        page = page.where(tasks.c.id < marker)
    each = [page.where(state).subquery() for state in narrow.states(states)]
    known = sa.union_all(*(sa.select(some.c.id) for some in each)).subquery()
    query = sa.select(*LISTED).where(tasks.c.id.in_(sa.select(known.c.id)))
    return tuple(map(rows.task_of, tx.rows(query.order_by(tasks.c.id.desc()).limit(limit))))


def progress(tx: Tx, ids: Collection[str]) -> dict[str, tuple[State, int]]:
    """Return the state of each of some tasks, and the number of its last event; unknown ones are left out."""
    seq = sa.select(events_table.c.seq).where(events_table.c.task == tasks.c.id)
    last = seq.order_by(events_table.c.seq.desc()).limit(1).correlate(tasks).scalar_subquery()
    query = sa.select(tasks.c.id, tasks.c.state, last.label("last")).where(tasks.c.id.in_(ids))
    return {row["id"]: (row["state"], row["last"] or 0) for row in tx.rows(query)}


class _Narrowing(Struct, frozen=True, kw_only=True):
    """The filters of a list, and which of them finds the tasks: the others only leave some of these out.

    Each index has the tasks of one project, and of one type, state or cloud, in the order of their ids.
    """

    project_id: str | None
    cloud: str | None
    type: str | None
    parent: str | None
    server: str | None

    @property
    def first(self) -> tuple[str, ...]:
        """Return the columns that find the tasks."""
        if self.parent is not None and self.server is None:
            return ("parent",)
        if self.server is not None or self.project_id is None:
            return ()
        kind = next((name for name in ("type", "cloud") if getattr(self, name) is not None), None)
        return ("project_id", kind) if kind else ("project_id",)

    def query(self) -> sa.Select[tuple[str]]:
        """Return the query for the ids, before they are put in order."""
        query = sa.select(tasks.c.id)
        for name in ("project_id", "cloud", "type", "parent"):
            value = getattr(self, name)
            if value is not None:
                query = query.where((tasks.c[name] if name in self.first else aside(tasks.c[name])) == value)
        if self.server is not None:
            about = task_index.lookup(task_key.Kind.SERVER, [self.server])
            query = query.join(about, about.c.task == tasks.c.id)
        return query

    def states(self, wanted: Collection[State] | None) -> Sequence[sa.ColumnElement[bool]]:
        """Return the conditions on the state, for a query each: in one query, an index would have to be sorted."""
        if "type" in self.first or (self.first == ("project_id",) and wanted is not None):
            return [tasks.c.state == state for state in (State if wanted is None else wanted)] or [sa.false()]
        return [sa.true() if wanted is None else aside(tasks.c.state).in_(wanted)]


def children(tx: Tx, id: str, *, lock: bool = False) -> tuple[Task, ...]:
    """Return the tasks that revert or restart a task, including scheduled ones, the newest first, without their plans.

    Args:
        tx: The transaction.
        id: The task.
        lock: Whether to lock the task, so that no other transaction adds to them.

    """
    if lock:
        tx.rows(sa.select(tasks.c.id).where(tasks.c.id == id).with_for_update())
    return list(tx, parent=id)


def hand_on(tx: Tx, id: str, *, to: Task) -> None:
    """Have a scheduled revert revert the task that took the first one up, on that task's authority."""
    waiting = sa.update(tasks).where(tasks.c.id == id, tasks.c.state == State.WAITING)
    credential = rows.fixed(to)["credential"]
    tx.execute(waiting.values(parent=to.id, request={"task": to.id}, credential=credential))


def replan(tx: Tx, id: str, *, plan: dict[str, Any], steps: Sequence[Item]) -> Task:
    """Give a task that was accepted without a plan its plan and its items, and return it."""
    version = rows.plan_version(plan)
    planned = sa.update(tasks).where(tasks.c.id == id)
    tx.execute(planned.values(plan=plan, plan_version=version, total=len(steps)))
    items.insert(tx, steps)
    known = get(tx, id)
    tx.execute(planned.values(lane=lanes.of(known).text))
    return known


def request_cancel(tx: Tx, id: str, *, project_id: str | None = None) -> Task:
    """Cancel a task and return it; one that was never claimed ends at once.

    A task that was claimed before may have made things: a worker rolls it back.

    Raises:
        NotFound: There is none, or it is another project's.
        WrongState: It has ended.

    """
    known = lock(tx, id, project_id=project_id)
    if known.state in task.ENDED:
        raise WrongState(
            f"Task {id} has ended already: it is {known.state.value}.",
            state=known.state.value,
            possible=[State.WAITING.value, State.RUNNING.value],
        )
    asked = msgspec.structs.replace(known, cancel_requested=True, not_before=None)
    queue_order.cancel(tx, id)
    if known.attempt == 0:
        return end(tx, asked, state=State.ABORTED, error=TaskCancelled(f"Task {id} was cancelled."))
    return asked


def end(tx: Tx, open: Task, *, state: State, error: EnamelError) -> Task:
    """End a task that no worker has, with its items and its last event, and return it."""
    task.check_move(open.id, open.state, after=state)
    number = events.last(tx, [open.id]).get(open.id, open.events) + 1
    ended = msgspec.structs.replace(
        open, state=state, ended_at=tx.now, error=problem.of(error), events=number, reserves={}
    )
    data = {"code": error.code, "detail": error.detail}
    last = Event(task=ended.id, seq=number, time=tx.now, type=f"task.{state.value.lower()}", data=data)
    # What was under way may have had its effect: a revert looks it up.
    items.doubt(tx, [ended.id])
    items.abort_open(tx, ended.id)
    events.insert(tx, [last])
    tx.execute(sa.update(tasks).where(tasks.c.id == ended.id).values(rows.owned(ended)))
    _let_go(tx, [ended.id])
    return ended


def _let_go(tx: Tx, ended: Sequence[str]) -> None:
    """Release what tasks had reserved: quotas and host names."""
    reservations.release(tx, ended)
    task_index.release_names(tx, ended)


def sweep(tx: Tx, *, after: str = "", limit: int = 100) -> str:
    """Release what tasks had reserved that a process of the version before has ended; look at some reservations.

    Args:
        tx: The transaction.
        after: The key of the last reservation that was looked at; empty to begin.
        limit: How many to look at.

    Returns:
        The key of the last one, to go on from; empty when all have been looked at.

    """
    last, holders = reservations.page(tx, after=after, limit=limit)
    if not holders:
        return last
    open_now = sa.select(tasks.c.id).where(tasks.c.id.in_(holders), _OPEN)
    _let_go(tx, sorted(holders - {row["id"] for row in tx.rows(open_now)}))
    return last


def forget(tx: Tx, id: str, *, project_id: str | None = None) -> Task:
    """Remove an ended task with its items and events, and return what it was; its resources stay.

    Raises:
        NotFound: There is none, or it is another project's.
        WrongState: It has not ended.

    """
    ended = lock(tx, id, project_id=project_id)
    if ended.state not in task.ENDED:
        raise WrongState(
            f"Task {id} is {ended.state.value}: cancel it, or wait until it has ended.",
            state=ended.state.value,
            possible=sorted(state.value for state in task.ENDED),
        )
    remove(tx, [ended])
    return ended


def remove(tx: Tx, ended: Sequence[Task]) -> None:
    """Remove tasks with everything that belongs to them, and release their secrets."""
    secrets.let_go(tx, ended)
    gone = [known.id for known in ended]
    reservations.release(tx, gone)
    webhooks.let_go_of(tx, gone)
    for table in _BELONGINGS:
        tx.execute(sa.delete(table).where(table.c.task.in_(gone)))
    tx.execute(sa.delete(tasks).where(tasks.c.id.in_(gone)))


def reserved_names(tx: Tx, *, project_id: str, cloud: str, names: Collection[str]) -> frozenset[str]:
    """Return those of the names that a project's unfinished tasks have reserved for servers on a cloud."""
    about = task_index.lookup(task_key.Kind.HOSTNAME, names)
    query = (
        sa.select(about.c.key)
        .join(tasks, tasks.c.id == about.c.task)
        .where(aside(tasks.c.project_id) == project_id, aside(tasks.c.cloud) == cloud, _OPEN)
    )
    return frozenset(row["key"] for row in tx.rows(query))


def save(tx: Tx, records: Sequence[Task]) -> None:
    """Write what the owner of tasks knows of them; columns that others may write meanwhile stay as they are.

    Raises:
        IllegalMove: A task cannot go from its stored state to the new one.
    """
    _check_moves(tx, {record.id: record.state for record in records})
    now = [
        {
            **rows.owned(record),
            **rows.fixed(record),
            "plan": None,
            "plan_version": None,
            "request": None,
            "turn": 0,
        }
        for record in records
    ]
    tx.upsert(tasks, now, update=rows.OWNED)
    ended = [record.id for record in records if record.state in task.ENDED]
    if ended:
        _let_go(tx, ended)


def _check_moves(tx: Tx, states: Mapping[str, State]) -> None:
    # A transaction that is repeated may find the states that it has written itself.
    if not tx.repeated:
        for row in tx.rows(sa.select(tasks.c.id, tasks.c.state).where(tasks.c.id.in_(states))):
            task.check_move(row["id"], row["state"], after=states[row["id"]])


def lock(tx: Tx, id: str, *, project_id: str | None) -> Task:
    """Return a task, and keep it as it is until the transaction ends. Raises NotFound."""
    query = sa.select(tasks).where(tasks.c.id == id).with_for_update()
    if project_id is not None:
        query = query.where(tasks.c.project_id == project_id)
    return _only(tx, query, id)


def _only(tx: Tx, query: sa.Select[Any], id: str) -> Task:
    matches = tx.rows(query)
    if not matches:
        raise NotFound(f"There is no task {id}.")
    return rows.task_of(matches[0])
