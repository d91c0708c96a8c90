"""The bodies of tasks, their items, events and plans."""

from datetime import datetime
from typing import Any

from msgspec import Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.model import item, task, webhook
from enamel.model.call_context import CallContext
from enamel.model.event import CloudEvent
from enamel.model.problem import Problem
from enamel.service.tasks import shown_plan, submit


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
    """API calls made so far."""
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

    events: tuple[CloudEvent, ...]
    links: Links = field(name="_links")


class TaskPlan(shown_plan.Plan, frozen=True, kw_only=True):
    """The graph of a task's steps."""

    links: Links = field(name="_links")


class Preview(submit.Preview, frozen=True, kw_only=True):
    """What a request would do; nothing was written."""

    links: Links = field(name="_links")


FAILED = frozenset({task.State.ABORTED, task.State.TIMED_OUT})
_COPIED = [name for name in Task.__struct_fields__ if name not in {"servers", "links"}]


def of(record: task.Task, ctx: CallContext) -> Task:
    """Return the body of a task, with links to what is possible now and allowed to the caller."""
    here = f"/tasks/{record.id}"

    def allowed(name: str, target: str) -> str | None:
        return links.permitted(ctx, f"enamel:task:{name}", target)

    ended = record.state in task.ENDED
    own = links.of(
        here,
        schema="task",
        items=f"{here}/items",
        events=f"{here}/events",
        plan=f"{here}/plan",
        parent=f"/tasks/{record.parent}" if record.parent else None,
        cancel=None if ended or record.cancel_requested else allowed("cancel", f"POST {here}/cancel"),
        revert=allowed("revert", f"POST {here}/revert") if ended and record.result.made else None,
        replay=allowed("webhooks", f"POST {here}/notifications/replay") if record.notifications else None,
        restart=allowed("restart", f"POST {here}/restart") if record.state in FAILED else None,
        forget=allowed("forget", f"DELETE {here}") if ended else None,
    )
    servers = tuple(map(_server, record.servers))
    return Task(**{name: getattr(record, name) for name in _COPIED}, servers=servers, links=own)


def plan(record: shown_plan.Plan, *, here: str) -> TaskPlan:
    """Return the body of a task's plan."""
    own = links.of(f"{here}/plan", schema="task_plan", task=here, items=f"{here}/items")
    return links.added(TaskPlan, record, own)


def preview(record: submit.Preview, *, here: str) -> Preview:
    """Return the body of a preview."""
    return links.added(Preview, record, links.of(here, schema="preview"))


def _server(entry: task.ServerEntry) -> TaskServer:
    own = links.of(f"/servers/{entry.id}", schema="server") if entry.id else {}
    return links.added(TaskServer, entry, own)
