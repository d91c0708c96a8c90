"""The task index: which tasks of a project are about a resource.

The kinds of keys, and what may be added to them, are in `enamel.model.task_key`.

Until the next release drops it, the table `task_servers` is written and read as well: during an upgrade, processes of the
version before know no other.
"""

from collections.abc import Collection, Iterable

import sqlalchemy as sa

from enamel.model.task import State
from enamel.model.task_key import Kind, TaskKey
from enamel.store.columns import aside
from enamel.store.schema import locks, task_index, task_servers, tasks
from enamel.store.transaction import Tx

_KNOWN_BEFORE = frozenset({Kind.SERVER, Kind.HOSTNAME})
"""The kinds of keys that `task_servers` has."""
_TAKING = "taking"
"""The lock of who reserves resources."""
_HOSTNAME = "name:"
"""The prefix of host names in `task_servers`."""


def add(tx: Tx, keys: Iterable[TaskKey]) -> None:
    """Store keys of tasks; those that are stored already stay."""
    keys = tuple(keys)
    tx.insert_new(
        task_index,
        [{"kind": key.kind, "key": key.key, "project_id": key.project_id, "task": key.task} for key in keys],
    )
    tx.insert_new(
        task_servers,
        [
            {"server": _before(key.kind, key.key), "task": key.task}
            for key in keys
            if key.kind in _KNOWN_BEFORE
        ],
    )


def take(tx: Tx, keys: Collection[TaskKey]) -> TaskKey | None:
    """Reserve resources for a task, unless another unfinished one has reserved one of them: return that one's key.

    Nobody else reserves anything until the transaction ends.
    """
    tx.insert_new(locks, [{"name": _TAKING}])
    tx.rows(sa.select(locks).where(locks.c.name == _TAKING).with_for_update())
    other = holder(tx, keys)
    if other is None:
        add(tx, keys)
    return other


def holder(tx: Tx, keys: Collection[TaskKey]) -> TaskKey | None:
    """Return the key of another unfinished task that has reserved one of the resources, or None."""
    for kind in sorted({key.kind for key in keys}, key=lambda kind: kind.value):
        wanted = {key.key: key.task for key in keys if key.kind is kind}
        query = (
            sa.select(task_index)
            .join(tasks, tasks.c.id == task_index.c.task)
            .where(
                task_index.c.kind == kind,
                task_index.c.key.in_(wanted),
                tasks.c.state.in_([State.WAITING, State.RUNNING]),
            )
            .order_by(task_index.c.task)
        )
        for row in tx.rows(query):
            if row["task"] != wanted[row["key"]]:
                return TaskKey(project_id=row["project_id"], kind=kind, key=row["key"], task=row["task"])
    return None


def lookup(kind: Kind, keys: Collection[str]) -> sa.Subquery:
    """Return the rows (key, task) of the tasks of all projects that are about one of the resources.

    Whoever joins the tasks says of which project they are.
    """
    current = sa.select(task_index.c.key, task_index.c.task).where(
        task_index.c.kind == kind, task_index.c.key.in_(keys)
    )
    key: sa.ColumnElement[str] = task_servers.c.server
    if kind is Kind.HOSTNAME:
        key = sa.func.substr(task_servers.c.server, len(_HOSTNAME) + 1)
    before = sa.select(key.label("key"), task_servers.c.task).where(
        task_servers.c.server.in_([_before(kind, name) for name in keys])
    )
    return current.union(before).subquery("task_keys")


def release_names(tx: Tx, tasks: Collection[str]) -> None:
    """Remove the host names that tasks had reserved which have ended."""
    kind = aside(task_index.c.kind) == Kind.HOSTNAME
    tx.execute(sa.delete(task_index).where(task_index.c.task.in_(tasks), kind))
    names = aside(task_servers.c.server).startswith(_HOSTNAME, autoescape=True)
    tx.execute(sa.delete(task_servers).where(task_servers.c.task.in_(tasks), names))


def _before(kind: Kind, key: str) -> str:
    """Return a key as it is written in `task_servers`."""
    return f"{_HOSTNAME}{key}" if kind is Kind.HOSTNAME else key
