"""What exists already and unfinished tasks have taken: no two of them take the same."""

from collections.abc import Collection
from typing import Any

from enamel.commands.command import Planned
from enamel.commands.facts import Facts
from enamel.flow import plan as plans
from enamel.model import task_key
from enamel.model.errors import WrongState
from enamel.model.task_key import Kind, TaskKey
from enamel.store import task_index
from enamel.store.transaction import Tx

_WORDS = {
    Kind.ADDRESS: "Address",
    Kind.PORT: "Port",
    Kind.VOLUME: "Volume",
    Kind.FIXED_ADDRESS: "Fixed address",
}


def keys(planned: Planned, facts: Facts, *, task: str, project_id: str) -> frozenset[TaskKey]:
    """Return the keys of what a planned task takes of what exists already."""
    # Several servers may have such a volume.
    shared = {disk.id for disk in facts.volumes if disk.multiattach}
    things = plans.taken(planned.plan, besides={step.name for step in planned.kept})
    return task_key.taken(
        (thing for thing in things if thing.kind is not Kind.VOLUME or thing.key not in shared),
        task=task,
        project_id=project_id,
        cloud=facts.cloud,
    )


def conflict(tx: Tx, keys: Collection[TaskKey]) -> WrongState | None:
    """Return the error of a task that needs what another one has reserved, or None."""
    return _error(keys, task_index.holder(tx, keys)) if keys else None


def take(tx: Tx, keys: Collection[TaskKey]) -> None:
    """Reserve what a new task takes.

    Raises:
        WrongState: Another unfinished task has reserved it.
    """
    error = _error(keys, task_index.take(tx, keys)) if keys else None
    if error is not None:
        raise error


def _error(keys: Collection[TaskKey], other: TaskKey | None) -> WrongState | None:
    if other is None:
        return None
    # Two projects may share a network; tasks of others are nobody's business.
    known = any(key.project_id == other.project_id for key in keys)
    by = f"task {other.task}" if known else "a task of another project"
    facts: dict[str, Any] = {"task": other.task} if known else {}
    return WrongState(
        f"{_WORDS[other.kind]} {other.key} is reserved by {by}, which has not ended.",
        remedy="Wait until that task has ended, or use another one.",
        **facts,
    )
