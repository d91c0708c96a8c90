"""Commands: how a request for one is answered, with its preview or with its task."""

from collections.abc import Mapping
from typing import Any

from enamel.api import headers
from enamel.api.request import Request, Response
from enamel.api.resources import task_body
from enamel.api.route import OnCloud
from enamel.model import task
from enamel.service.tasks.idempotency import Accepted
from enamel.service.tasks.submit import Outcome, Preview

RESPONSES: dict[int, tuple[Any, ...]] = {200: (task_body.Task, task_body.Preview), 202: (task_body.Task,)}
"""The statuses of success of a command, each with the types that its body may have."""
_ACCEPTED = {"Retry-After": "1"}
"""The first poll of a task that was accepted is useful after a second."""


class DryRun(OnCloud, frozen=True, kw_only=True):
    """Whether to do it or only to preview it."""

    dry_run: bool = False
    """Return the plan and write nothing."""


class Deletion(DryRun, frozen=True, kw_only=True):
    """How something is deleted."""

    timeout: str | None = None
    """Time after which the task fails, such as `90s` or `30m`; an hour by default."""


async def submit(request: Request, name: str, *, params: Mapping[str, str] = {}) -> Response:
    """Submit a command: accept it, or preview it if the query says so."""
    timeout = getattr(request.query, "timeout", None)
    params = params if timeout is None else {**params, "timeout": timeout}
    outcome = await request.services.submit.command(
        request.ctx, name, request.body, params=params, **options(request)
    )
    return await answered(request, outcome)


def options(request: Request) -> dict[str, Any]:
    """Return what a request says about how its command is carried out, as arguments of a use case."""
    return {
        "cloud": request.cloud,
        "dry_run": getattr(request.query, "dry_run", False),
        "idempotency_key": headers.idempotency_key(request.headers),
    }


async def answered(request: Request, outcome: Outcome) -> Response:
    """Return the preview of a command, or its task: 202, or 200 if the caller waits for its end and it comes in time."""
    if isinstance(outcome, Preview):
        return Response(body=task_body.preview(outcome, here=request.path))
    return await settled(request, outcome)


async def settled(request: Request, accepted: Accepted) -> Response:
    """Return a task: 202, or 200 if the caller waits for its end and it comes in time."""
    current = accepted.task
    sent = {"Location": f"/tasks/{current.id}"}
    if accepted.replayed:
        sent["Idempotent-Replayed"] = "true"
    timeout = headers.preferred_wait(request.headers)
    if timeout is not None:
        sent["Preference-Applied"] = f"wait={timeout.seconds}"
        current = await request.while_here(
            request.services.follow.wait(request.ctx, current.id, timeout=timeout)
        )
        if current.state in task.ENDED:
            return Response(body=task_body.of(current, request.ctx), headers=sent)
    return Response(status=202, body=task_body.of(current, request.ctx), headers=sent | _ACCEPTED)
