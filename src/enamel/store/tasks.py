"""Tasks in the store: accept, read, list, cancel, forget."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from enamel.model import problem, task, task_key
from enamel.model.errors import EnamelError, NotFound, TaskCancelled, WrongState
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import State, Task
from enamel.store import events, items, queue_order, rows, secrets, task_index, webhooks
from enamel.store.schema import metadata, tasks
from enamel.store.transaction import Tx

_OPEN = tasks.c.state.in_([State.WAITING, State.RUNNING])
_BELONGINGS = tuple(table for table in metadata.sorted_tables if "task" in table.c)
"""The tables whose rows belong to tasks."""
LISTED = tuple(column for column in tasks.c if column.name not in {"plan", "turn"})
"""The columns that lists of tasks read: all but the plan."""


def insert(tx: Tx, accepted: Task, steps: Sequence[Item], first: Event) -> Task:
    """Store a new task with its items and its first event; return it as it is stored."""
    accepted = msgspec.structs.replace(accepted, events=first.seq)
    row = {**rows.owned(accepted), **rows.fixed(accepted), "turn": queue_order.turn(tx, accepted)}
    tx.insert_new(tasks, [row])
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
    query = sa.select(*LISTED).order_by(tasks.c.id.desc()).limit(limit)
    filters = {"project_id": project_id, "cloud": cloud, "type": type, "parent": parent}
    query = query.where(*(tasks.c[name] == value for name, value in filters.items() if value is not None))
    if states is not None:
        query = query.where(tasks.c.state.in_(states))
    if server is not None:
        about = task_index.lookup(task_key.Kind.SERVER, [server])
        query = query.join(about, about.c.task == tasks.c.id)
    if since is not None:
        query = query.where(tasks.c.created_at >= since)
    if marker is not None:
        query = query.where(tasks.c.id < marker)
    return tuple(map(rows.task_of, tx.rows(query)))


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
    tx.execute(
        sa.update(tasks).where(tasks.c.id == id).values(plan=plan, plan_version=version, total=len(steps))
    )
    items.insert(tx, steps)
    return get(tx, id)


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
    return ended


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
    ids = [known.id for known in ended]
    webhooks.let_go_of(tx, ids)
    for table in _BELONGINGS:
        tx.execute(sa.delete(table).where(table.c.task.in_(ids)))
    tx.execute(sa.delete(tasks).where(tasks.c.id.in_(ids)))


def reserved(
    tx: Tx, *, project_id: str, cloud: str, since: datetime | None = None, but: str | None = None
) -> dict[str, int]:
    """Return how much of each quota of a cloud a project's unfinished tasks have reserved.

    Args:
        tx: The transaction.
        project_id: The project.
        cloud: The cloud.
        since: Count only tasks that were accepted after this.
        but: A task to leave out: the one that asks.

    """
    # A thousand launches of a project reserve the same few things: the database counts them.
    query = sa.select(tasks.c.reserves, sa.func.count().label("times")).where(
        tasks.c.project_id == project_id, tasks.c.cloud == cloud, _OPEN, tasks.c.reserves.is_not(None)
    )
    if since is not None:
        query = query.where(tasks.c.created_at > since)
    if but is not None:
        query = query.where(tasks.c.id != but)
    total: Counter[str] = Counter()
    for row in tx.rows(query.group_by(tasks.c.reserves)):
        total.update({kind: number * row["times"] for kind, number in row["reserves"].items()})
    return dict(total)


def unfinished(tx: Tx, *, project_id: str, cloud: str) -> tuple[Task, ...]:
    """Return a project's unfinished tasks on a cloud that have reserved something, without their plans."""
    query = sa.select(*LISTED).where(
        tasks.c.project_id == project_id, tasks.c.cloud == cloud, _OPEN, tasks.c.reserves.is_not(None)
    )
    return tuple(map(rows.task_of, tx.rows(query)))


def reserved_names(tx: Tx, *, project_id: str, cloud: str, names: Collection[str]) -> frozenset[str]:
    """Return those of the names that a project's unfinished tasks have reserved for servers on a cloud."""
    about = task_index.lookup(task_key.Kind.HOSTNAME, names)
    query = (
        sa.select(about.c.key)
        .join(tasks, tasks.c.id == about.c.task)
        .where(tasks.c.project_id == project_id, tasks.c.cloud == cloud, _OPEN)
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
