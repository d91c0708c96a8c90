"""The event: one line of a task's timeline."""

from datetime import datetime
from typing import Any

from msgspec import Struct

TYPES: dict[str, str] = {
    "task.accepted": "The task was validated and stored.",
    "task.claimed": "A worker took the task.",
    "task.resumed": "Another worker took the task over, after the first one died or handed it over.",
    "task.cancelling": "The task was told to stop; it undoes what it has made.",
    "task.reverting": "The task undoes what it has made.",
    "task.completed": "Everything that was asked for is there.",
    "task.aborted": "The task failed or was cancelled.",
    "task.timed_out": "The task did not end within its time.",
    "item.started": "A step began.",
    "item.progress": "A step tells how far it is.",
    "item.retrying": "A step failed and will be tried again.",
    "item.completed": "A step is done.",
    "item.failed": "A step failed for good.",
    "item.reverted": "What a step had made is gone again.",
    "server.addressed": "A server has a public address.",
    "server.active": "The cloud calls a server ACTIVE.",
    "server.reachable": "A server answers as `ready_when` asked.",
    "server.failed": "A server could not be made.",
    "server.moved_on": "A server is tried in its next placement.",
}
"""Every type of event and what it means."""


class Event(Struct, frozen=True, kw_only=True):
    """One line of a task's timeline."""

    task: str
    seq: int
    """Numbered from 1, without gaps."""
    time: datetime
    type: str
    item: str | None = None
    """The step it tells of."""
    data: dict[str, Any] = {}
