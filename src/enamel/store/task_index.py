"""The task index: which tasks of a project are about a resource.

The kinds of keys, and what may be added to them, are in `enamel.model.task_key`.

Until the next release drops it, the table `task_servers` is written and read as well: during an upgrade, processes of the
version before know no other.
"""

from collections.abc import Collection, Iterable

import sqlalchemy as sa

from enamel.model.task_key import Kind, TaskKey
from enamel.store.columns import aside
from enamel.store.schema import task_index, task_servers
from enamel.store.transaction import Tx

_HOSTNAME = "name:"
"""The prefix of host names in `task_servers`."""


def add(tx: Tx, keys: Iterable[TaskKey]) -> None:
    """Store keys of tasks; those that are stored already stay."""
    keys = tuple(keys)
    tx.insert_new(
        task_index,
        [{"kind": key.kind, "key": key.key, "project_id": key.project_id, "task": key.task} for key in keys],
    )
    tx.insert_new(task_servers, [{"server": _before(key.kind, key.key), "task": key.task} for key in keys])


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
