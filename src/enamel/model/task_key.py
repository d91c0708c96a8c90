"""Task keys: by what tasks are found again beside their id, such as the servers that they are about."""

import enum
import ipaddress
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from enamel.model import ids
from enamel.model.task import Task


class Kind(enum.Enum):
    """What a key is."""

    SERVER = "server"
    """The id of a server that the task makes or changes."""
    HOSTNAME = "hostname"
    """A host name that the task is going to give to a server."""
    ADDRESS = "address"
    """The id of an existing address that the task puts on a server, or gives back."""
    PORT = "port"
    """The id of an existing port that the task plugs into a server."""
    VOLUME = "volume"
    """The id of an existing volume that the task attaches to a server."""
    FIXED_ADDRESS = "fixed_address"
    """A network and the address on it that the task gives to a server."""


class Taken(NamedTuple):
    """An existing resource that a task is about to take, so that no other task may."""

    kind: Kind
    key: str


def fixed_address(network_id: str, address: str) -> Taken:
    """Return an address on a network as it is reserved; it may be written in several ways."""
    try:
        address = ipaddress.ip_address(address).compressed
    except ValueError:
        pass
    return Taken(Kind.FIXED_ADDRESS, f"{network_id} {address}")


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


def taken(things: Iterable[Taken], *, task: str, project_id: str, cloud: str) -> frozenset[TaskKey]:
    """Return the keys for the existing resources that a task takes on a cloud."""
    return frozenset(
        TaskKey(project_id=project_id, kind=thing.kind, key=_on(cloud, thing.key), task=task)
        for thing in things
    )


def _on(cloud: str, key: str) -> str:
    """Return a key for all clouds. UUIDs are one of a kind, and two entries may lead to the same cloud."""
    return key if ids.is_id(key.partition(" ")[0]) and "-" in key else f"{cloud} {key}"
