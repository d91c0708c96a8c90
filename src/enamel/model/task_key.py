"""Task keys: by what tasks are found again beside their id, such as the servers that they are about."""

import enum

from msgspec import Struct

from enamel.model.task import Task


class Kind(enum.Enum):
    """What a key is."""

    SERVER = "server"
    """The id of a server that the task makes or changes."""
    HOSTNAME = "hostname"
    """A host name that the task is going to give to a server."""


class TaskKey(Struct, frozen=True, kw_only=True):
    """One resource that one task is about."""

    project_id: str
    kind: Kind
    key: str
    task: str


def servers(task: Task) -> frozenset[TaskKey]:
    """Return the keys for the servers of a task that have an id."""
    return _keys(task, Kind.SERVER, {server.id for server in task.servers if server.id})


def hostnames(task: Task) -> frozenset[TaskKey]:
    """Return the keys for the host names of the servers that a task is going to make."""
    return _keys(task, Kind.HOSTNAME, {server.hostname for server in task.servers if server.id is None})


def _keys(task: Task, kind: Kind, keys: set[str]) -> frozenset[TaskKey]:
    return frozenset(TaskKey(project_id=task.project_id, kind=kind, key=key, task=task.id) for key in keys)
