"""The rows of the table of tasks: who writes which columns, and how a row becomes a Task again."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from enamel.model import task
from enamel.model.credential import LOCAL
from enamel.model.task import Progress, State, Task
from enamel.store.columns import aside
from enamel.store.schema import tasks

OWNED = (
    tasks.c.state,
    tasks.c.reverting,
    tasks.c.done,
    tasks.c.total,
    tasks.c.started_at,
    tasks.c.ended_at,
    tasks.c.released_at,
    tasks.c.calls,
    tasks.c.events,
    tasks.c.servers,
    tasks.c.result,
    tasks.c.error,
    tasks.c.reserves,
    tasks.c.secrets,
    tasks.c.groups,
)
"""What the worker that has a task writes; the rest is written by others or never changes."""


def task_of(row: sa.RowMapping) -> Task:
    """Return the task of a row; without a plan if the query left it out."""
    return Task(
        id=row["id"],
        type=row["type"],
        action=row["action"],
        state=row["state"],
        reverting=row["reverting"],
        cancel_requested=row["cancel_requested"],
        progress=Progress(done=row["done"], total=row["total"]),
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        created_by=row["created_by"],
        project_id=row["project_id"],
        request_id=row["request_id"],
        priority=row["priority"],
        not_before=row["not_before"],
        deadline=row["deadline"],
        released_at=row["released_at"],
        cloud=row["cloud"],
        credential=row["credential"] or LOCAL,
        request=row["request"] or {},
        plan=row.get("plan") or {},
        servers=row["servers"] or (),
        result=row["result"] or task.Result(),
        error=row["error"],
        calls=row["calls"],
        worker=row["worker"],
        attempt=row["attempt"],
        parent=row["parent"],
        reserves=row["reserves"] or {},
        secrets=row["secrets"] or (),
        events=row["events"],
        groups=row["groups"] or {},
    )


def may_become(state: State) -> sa.ColumnElement[bool]:
    """Return the condition that the state of a task that is named may become another one; see `enamel.model.task.MOVES`."""
    return aside(tasks.c.state).in_([before for before, moves in task.MOVES.items() if state in moves])


def owned(known: Task) -> dict[str, Any]:
    """Return the columns that the owner writes."""
    return {
        "state": known.state,
        "reverting": known.reverting,
        "done": known.progress.done,
        "total": known.progress.total,
        "started_at": known.started_at,
        "ended_at": known.ended_at,
        "released_at": known.released_at,
        "calls": known.calls,
        "events": known.events,
        "servers": known.servers or None,
        "result": known.result,
        "error": known.error,
        "reserves": known.reserves or None,
        "secrets": known.secrets or None,
        "groups": known.groups or None,
    }


def fixed(known: Task) -> dict[str, Any]:
    """Return the columns that the owner leaves alone."""
    return {
        "id": known.id,
        "type": known.type,
        "action": known.action,
        "cancel_requested": known.cancel_requested,
        "created_at": known.created_at,
        "created_by": known.created_by,
        "project_id": known.project_id,
        "request_id": known.request_id,
        "priority": known.priority,
        "not_before": known.not_before,
        "deadline": known.deadline,
        "cloud": known.cloud,
        "credential": None if known.credential == LOCAL else known.credential,
        "worker": known.worker,
        "attempt": known.attempt,
        "parent": known.parent,
        "request": known.request,
        "plan": known.plan,
        "plan_version": plan_version(known.plan),
    }


def plan_version(plan: Mapping[str, Any]) -> int | None:
    """Return the version of a stored plan; None for plans from before versions."""
    version: int | None = plan.get("version")
    return version
