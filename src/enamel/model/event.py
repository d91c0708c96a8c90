"""The event: one line of a task's timeline."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from enamel.model import moment

TYPES: dict[str, str] = {
    "task.accepted": "The task was validated and stored.",
    "task.claimed": "A worker claimed the task.",
    "task.resumed": "Another worker continues the task, after the first one died or handed it over.",
    "task.given_back": "A worker gave the task back to its topic: its plan is of a later version than the worker.",
    "task.cancelling": "The task was cancelled; it undoes what it has made.",
    "task.reverting": "The task undoes what it has made.",
    "task.completed": "Everything that was requested was done.",
    "task.aborted": "The task failed or was cancelled.",
    "task.timed_out": "The task timed out.",
    "item.started": "A step began.",
    "item.progress": "A step reports its progress.",
    "item.retrying": "A step failed and will be tried again.",
    "item.completed": "A step is done.",
    "item.failed": "A step failed for good.",
    "item.reverted": "What a step had made was removed.",
    "signal.received": "A message for which a step waits has arrived.",
    "server.addressed": "A server has a public address.",
    "server.active": "A server is ACTIVE.",
    "server.reachable": "A server meets its `ready_when` condition.",
    "server.failed": "A server could not be made.",
    "server.moved_on": "A server is tried in its next placement.",
    "group.failed": "Steps that belong together failed.",
    "group.moved_on": "Steps that belong together are tried in their next placement.",
}
"""Every type of event and what it means."""


FINAL = frozenset({"task.completed", "task.aborted", "task.timed_out"})
"""The last event of a task is one of these."""


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


class CloudEvent(Struct, frozen=True, kw_only=True):
    """An event in the form of CloudEvents 1.0; `seq`, `task` and `item` are its extensions."""

    specversion: str
    id: str
    """`seq`, as text."""
    source: str
    """The path of its task."""
    type: str
    time: datetime
    datacontenttype: str
    seq: int
    """Numbered from 1, without gaps."""
    task: str
    item: str | UnsetType = UNSET
    """The step it tells of; absent if it tells of the task."""
    data: dict[str, Any] = {}


def encoded(event: Event) -> bytes:
    """Return an event as it is sent to live streams and to webhooks."""
    return msgspec.json.encode(moment.spelled(shown(event)))


def shown(event: Event) -> CloudEvent:
    """Return an event in the form that lists, live streams and webhooks have in common."""
    return CloudEvent(
        specversion="1.0",
        id=str(event.seq),
        source=f"/tasks/{event.task}",
        type=event.type,
        time=event.time,
        datacontenttype="application/json",
        seq=event.seq,
        task=event.task,
        item=event.item or UNSET,
        data=event.data,
    )
