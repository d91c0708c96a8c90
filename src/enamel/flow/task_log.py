"""The log of a task: the events of its timeline as log lines, under the same names."""

import logging
from typing import Any

import structlog

from enamel import telemetry
from enamel.model.errors import TaskCancelled
from enamel.model.event import FINAL, Event
from enamel.model.task import State, Task

log = structlog.get_logger(__name__)

LEVELS = {
    "task.claimed": logging.INFO,
    "task.resumed": logging.INFO,
    "task.cancelling": logging.INFO,
    "task.reverting": logging.INFO,
    "item.retrying": logging.INFO,
    "item.failed": logging.WARNING,
    "server.failed": logging.INFO,
    "server.moved_on": logging.INFO,
    "group.failed": logging.INFO,
    "group.moved_on": logging.INFO,
}
"""The level of each type of event; all others are for debugging."""


def write(task: Task, event: Event) -> None:
    """Log an event of a task that a worker carries out; `ended` logs the last one."""
    if event.type in FINAL:
        return
    fields = {"task": task.id, "request_id": task.request_id}
    if event.item is not None:
        fields["step"] = event.item
    if event.type.startswith("task."):
        fields |= _origin(task)
    log.log(LEVELS.get(event.type, logging.DEBUG), event.type, **{**event.data, **fields})


def ended(task: Task) -> None:
    """Log and count a task that has ended, whether a worker has carried it out or not."""
    telemetry.TASKS.labels(type=task.type, state=task.state.value).inc()
    fields: dict[str, Any] = {"task": task.id, "request_id": task.request_id, **_origin(task)}
    fields["calls"] = task.calls
    if task.ended_at is not None:
        seconds = max(0.0, (task.ended_at - task.created_at).total_seconds())
        telemetry.TASK_SECONDS.labels(type=task.type).observe(seconds)
        fields["seconds"] = round(seconds, 1)
    if (error := task.error) is not None:
        fields |= {"code": error.code, "detail": error.detail, "step": error.step, "left": len(error.left)}
    wanted = task.state is State.COMPLETED or (error is not None and error.code == TaskCancelled.code)
    event = f"task.{task.state.value.lower()}"
    log.log(logging.INFO if wanted else logging.WARNING, event, **fields)


def _origin(task: Task) -> dict[str, str]:
    return {"type": task.type, "project": task.project_id, "user": task.created_by}
