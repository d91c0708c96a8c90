"""What tasks, their items, events and plans look like on the web."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.flow import expressions, versions
from enamel.model import item, task, webhook
from enamel.model.event import Event
from enamel.model.problem import Problem
from enamel.service.tasks import submit


class TaskServer(task.ServerEntry, frozen=True, kw_only=True):
    """What a task knows of one server that was asked for."""

    links: Links = field(name="_links", default_factory=dict)


class Task(Struct, frozen=True, kw_only=True):
    """One accepted command and all that is known of its progress."""

    id: str
    """UUIDv7, so tasks sort by creation."""
    type: str
    """The command, for example `server.create`."""
    action: str
    """The word for people: CREATE, TERMINATE …"""
    state: task.State
    reverting: bool
    """Whether it is rolling back."""
    cancel_requested: bool
    progress: task.Progress
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    created_by: str
    """The user's id."""
    project_id: str
    request_id: str
    """The request that was accepted; the cloud sees it, too."""
    priority: task.Priority
    not_before: datetime | None
    deadline: datetime | None
    cloud: str
    request: dict[str, Any]
    """The request's body, with secrets blanked."""
    servers: tuple[TaskServer, ...]
    """One entry per server asked for, in order."""
    result: task.Result
    error: Problem | None
    calls: int
    """Plumbing calls made so far."""
    worker: str | None
    attempt: int
    """How many workers have claimed it."""
    parent: str | None
    """The task that this one reverts or restarts."""
    notifications: tuple[webhook.Notification, ...]
    """How far each of its webhooks is."""
    links: Links = field(name="_links")


class Tasks(Struct, frozen=True, kw_only=True):
    """A page of tasks, the newest first."""

    tasks: tuple[Task, ...]
    links: Links = field(name="_links")


class Items(Struct, frozen=True, kw_only=True):
    """The records of a task's steps, in the order of its plan."""

    items: tuple[item.Item, ...]
    links: Links = field(name="_links")


class Events(Struct, frozen=True, kw_only=True):
    """A part of a task's timeline."""

    events: tuple[Event, ...]
    links: Links = field(name="_links")


class TaskStep(Struct, frozen=True, kw_only=True):
    """One step of a plan, and where it is."""

    name: str
    kind: str
    action: str
    after: tuple[str, ...] = ()
    """The steps that come before it."""
    group: str | None = None
    """Hostname of the server that it belongs to."""
    cloud: str | None = None
    """Where it is done, if not on the task's own cloud."""
    inputs: dict[str, Any] = {}
    """Literals and expressions; `<secret>` in the place of a secret."""
    timeout: timedelta = timedelta(minutes=5)
    """Time for one attempt."""
    state: item.State = item.State.WAITING


class TaskPlan(Struct, frozen=True, kw_only=True):
    """The graph of a task's steps."""

    nodes: tuple[TaskStep, ...]
    on_failure: str
    all_or_nothing: bool
    needs: dict[str, int]
    """What it takes of each quota."""
    calls: int
    """Plumbing calls that were foreseen."""
    notes: tuple[str, ...]
    links: Links = field(name="_links")


class Preview(submit.Preview, frozen=True, kw_only=True):
    """What a request would do; nothing was written."""

    links: Links = field(name="_links")


FAILED = frozenset({task.State.ABORTED, task.State.TIMED_OUT})
_COPIED = [name for name in Task.__struct_fields__ if name not in {"servers", "links"}]


def of(found: task.Task) -> Task:
    """Return what a task looks like."""
    here = f"/tasks/{found.id}"
    ended = found.state in task.ENDED
    own = links.of(
        here,
        schema="task",
        items=f"{here}/items",
        events=f"{here}/events",
        plan=f"{here}/plan",
        parent=f"/tasks/{found.parent}" if found.parent else None,
        cancel=None if ended or found.cancel_requested else f"POST {here}/cancel",
        revert=f"POST {here}/revert" if ended and found.result.made else None,
        replay=f"POST {here}/notifications/replay" if found.notifications else None,
        restart=f"POST {here}/restart" if found.state in FAILED else None,
        forget=f"DELETE {here}" if ended else None,
    )
    servers = tuple(map(_server, found.servers))
    return Task(**{name: getattr(found, name) for name in _COPIED}, servers=servers, links=own)


def plan(found: task.Task, items: Iterable[item.Item]) -> TaskPlan:
    """Return the graph of a task's steps with the state of each."""
    states: Mapping[str, item.State] = {one.name: one.state for one in items}
    stored = versions.upgraded(found.plan)
    nodes = tuple(
        msgspec.convert(
            node
            | {"inputs": expressions.shown(node["inputs"])}
            | {"state": states.get(node["name"], item.State.WAITING)},
            TaskStep,
        )
        for node in stored.get("nodes", ())
        # A step without an item is for a server that has not come to its cloud.
        if node["name"] in states
    )
    here = f"/tasks/{found.id}"
    return TaskPlan(
        nodes=nodes,
        on_failure=stored.get("on_failure", "rollback"),
        all_or_nothing=stored.get("all_or_nothing", False),
        needs=stored.get("needs", {}),
        calls=stored.get("calls", 0),
        notes=tuple(stored.get("notes", ())),
        links=links.of(f"{here}/plan", schema="task_plan", task=here, items=f"{here}/items"),
    )


def preview(foreseen: submit.Preview, *, here: str) -> Preview:
    """Return what a preview looks like."""
    own = links.of(here, schema="preview")
    return Preview(**{name: getattr(foreseen, name) for name in foreseen.__struct_fields__}, links=own)


def _server(entry: task.ServerEntry) -> TaskServer:
    own = links.of(f"/servers/{entry.id}", schema="server") if entry.id else {}
    return TaskServer(**{name: getattr(entry, name) for name in entry.__struct_fields__}, links=own)
