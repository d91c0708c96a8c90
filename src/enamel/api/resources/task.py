"""The routes of tasks."""

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta

from enamel.api import collection, command, headers, links, stream
from enamel.api.collection import Limit
from enamel.api.request import Request, Response
from enamel.api.resources import task_body
from enamel.api.route import CLOUD_ERRORS, Cloud, OnCloud, Route
from enamel.model import errors, event, item, restart, task
from enamel.service.tasks import read, webhooks
from enamel.service.tasks.idempotency import Accepted

_HEX = "[0-9a-fA-F]"
_UUID = "-?".join(f"{_HEX}{{{length}}}" for length in (8, 4, 4, 4, 12))
_UUID_7 = "-?".join((f"{_HEX}{{8}}", f"{_HEX}{{4}}", f"7{_HEX}{{3}}", f"{_HEX}{{4}}", f"{_HEX}{{12}}"))
Marker = Annotated[
    str, Meta(pattern=f"^{_UUID}$", extra={"expected": "the id of the last entry that was seen"})
]
# A task that was forgotten meanwhile still has its place in the list, so it is not looked up: the version of its UUID,
# by which tasks sort, distinguishes its id from that of anything else.
TaskMarker = Annotated[
    str, Meta(pattern=f"^{_UUID_7}$", extra={"expected": "the id of the last task that was seen"})
]


class OfTask(OnCloud, frozen=True, kw_only=True):
    """Which task is meant."""

    cloud: Cloud | None = None
    """The cloud that the task is on; any if not set."""


class TaskFilter(OfTask, frozen=True, kw_only=True):
    """Which tasks to list."""

    limit: Limit = 20
    """How many at most."""
    marker: TaskMarker | None = None
    """The last id of the previous page."""
    since: datetime | None = None
    """Accepted at this time or later."""
    state: tuple[task.State, ...] = ()
    """In any of these states; those that have not ended if neither this nor `all` is set."""
    type: str | None = None
    """Of this command."""
    server: str | None = None
    """About the server with this id."""
    all: bool = False
    """Also those that have ended."""


class Wait(OfTask, frozen=True, kw_only=True):
    """How long to wait for the end."""

    wait: Annotated[int, Meta(ge=0, le=60)] = 0
    """Seconds after which the task is shown as it is."""


class After(OfTask, frozen=True, kw_only=True):
    """Where the timeline continues."""

    after: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    """The number of the last event that was received."""
    limit: Limit = 1000
    """How many at most, in a list."""


class ItemFilter(OfTask, frozen=True, kw_only=True):
    """Which of a task's items to list."""

    limit: Limit = 1000
    """How many at most."""
    marker: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    """The last name of the previous page."""
    since: datetime | None = None
    """Begun or ended at this time or later."""
    state: tuple[item.State, ...] = ()
    """In any of these states."""


async def list_tasks(request: Request) -> Response:
    """List the project's tasks."""
    query: TaskFilter = request.query
    matching = read.Filter(
        since=query.since, states=query.state, all=query.all, type=query.type, server=query.server
    )
    page = await request.services.tasks.list(request.ctx, matching=matching, **collection.window(request))
    own = collection.page_links(request, page, schema="tasks", key=lambda task: task.id)
    tasks = tuple(task_body.of(record, request.ctx) for record in page.entries)
    return Response(body=task_body.Tasks(tasks=tasks, links=own))


async def get_task(request: Request) -> Response:
    """Show a task; after its end, if the caller waits for that."""
    id, cloud, services = request.params["id"], request.cloud, request.services
    seconds = request.query.wait
    timeout = timedelta(seconds=seconds) if seconds else headers.preferred_wait(request.headers)
    if not timeout:
        return Response(
            body=task_body.of(await services.tasks.get(request.ctx, id, cloud=cloud), request.ctx)
        )
    waiting = services.follow.wait(request.ctx, id, timeout=timeout, cloud=cloud)
    return Response(body=task_body.of(await request.while_here(waiting), request.ctx))


async def get_items(request: Request) -> Response:
    """List the items of a task, in the order of its plan."""
    id, query = request.params["id"], request.query
    page = await request.services.tasks.items(
        request.ctx,
        id,
        matching=read.ItemFilter(since=query.since, states=query.state),
        **collection.window(request),
    )
    own = collection.page_links(
        request, page, schema="task_items", key=lambda item: item.name, task=f"/tasks/{id}"
    )
    return Response(body=task_body.Items(items=tuple(page.entries), links=own))


async def get_events(request: Request) -> Response:
    """Show the events of a task, as a list or as a live stream."""
    id, cloud, services = request.params["id"], request.cloud, request.services
    seen = headers.last_event(request.headers)
    after = seen if seen is not None else request.query.after or 0
    if stream.MEDIA_TYPE in request.headers.get("accept", "").lower():
        current = await services.tasks.get(request.ctx, id, cloud=cloud)
        if current.state in task.ENDED and after >= current.events:
            # The only answer after which a browser does not reconnect.
            return Response(status=204)
        frames = stream.frames(services.follow.events(request.ctx, id, after=after, cloud=cloud))
        return Response(stream=frames, media_type=stream.MEDIA_TYPE, headers={"Cache-Control": "no-store"})
    page = await services.tasks.events(request.ctx, id, after=after, limit=request.query.limit, cloud=cloud)
    onward = links.onward(request.path, after=page.entries[-1].seq) if page.more else None
    own = links.of(request.path, schema="events", next=onward, task=f"/tasks/{id}")
    return Response(body=task_body.Events(events=tuple(map(event.shown, page.entries)), links=own))


async def get_plan(request: Request) -> Response:
    """Show the graph of a task's steps."""
    id = request.params["id"]
    plan = await request.services.tasks.plan(request.ctx, id, cloud=request.cloud)
    return Response(body=task_body.plan(plan, here=f"/tasks/{id}"))


async def cancel_task(request: Request) -> Response:
    """Cancel a task, and show it."""
    accepted = await request.services.cancel.cancel(
        request.ctx,
        request.params["id"],
        cloud=request.cloud,
        idempotency_key=headers.idempotency_key(request.headers),
    )
    return await command.settled(request, accepted)


async def revert_task(request: Request) -> Response:
    """Undo what a task has made, with a new task."""
    return await command.submit(request, "task.revert", params=_params(request))


async def restart_task(request: Request) -> Response:
    """Take up a task that failed, with a new task."""
    return await command.submit(request, "task.restart", params=_params(request))


async def replay_notifications(request: Request) -> Response:
    """Send a task's events to its webhooks again, and show the task."""
    return _changed(
        request,
        await request.services.webhooks.replay(
            request.ctx,
            request.params["id"],
            request.body,
            cloud=request.cloud,
            idempotency_key=headers.idempotency_key(request.headers),
        ),
    )


async def change_secret(request: Request) -> Response:
    """Sign what a webhook is sent with a new secret, and show the task."""
    return _changed(
        request,
        await request.services.webhooks.change_secret(
            request.ctx,
            request.params["id"],
            request.body,
            cloud=request.cloud,
            idempotency_key=headers.idempotency_key(request.headers),
        ),
    )


async def forget_task(request: Request) -> Response:
    """Delete the record of an ended task."""
    await request.services.cancel.forget(request.ctx, request.params["id"], cloud=request.cloud)
    return Response(status=204)


def _params(request: Request) -> dict[str, str]:
    return {"task": read.task_id(request.params["id"])}


def _changed(request: Request, accepted: Accepted) -> Response:
    replayed = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    return Response(body=task_body.of(accepted.task, request.ctx), headers=replayed)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/tasks",
        name="list_tasks",
        relation="tasks",
        handler=list_tasks,
        summary="List the tasks of the project; by default those that have not ended.",
        query=TaskFilter,
        responses={200: (task_body.Tasks,)},
        rules=("enamel:task:list",),
    ),
    Route(
        method="GET",
        path="/tasks/{id}",
        name="get_task",
        relation="task",
        handler=get_task,
        summary="Show a task; with `wait`, after its end.",
        query=Wait,
        responses={200: (task_body.Task,), 304: ()},
        errors=(errors.NotFound,),
        rules=("enamel:task:get",),
    ),
    Route(
        method="DELETE",
        path="/tasks/{id}",
        name="forget_task",
        relation="task",
        handler=forget_task,
        summary="Delete the record of a task that has ended; what it made stays.",
        query=OnCloud,
        responses={204: ()},
        errors=(errors.NotFound, errors.WrongState),
        rules=("enamel:task:forget",),
    ),
    Route(
        method="GET",
        path="/tasks/{id}/items",
        name="get_items",
        relation="items",
        handler=get_items,
        summary="List the steps of a task with their attempts, times and API calls.",
        query=ItemFilter,
        responses={200: (task_body.Items,)},
        errors=(errors.NotFound,),
        rules=("enamel:task:get",),
    ),
    Route(
        method="GET",
        path="/tasks/{id}/events",
        name="get_events",
        relation="events",
        handler=get_events,
        summary="Show a task's timeline, as a list or live.",
        query=After,
        responses={200: (task_body.Events,), 204: ()},
        errors=(errors.NotFound,),
        rules=("enamel:task:get",),
        media_types=("application/json", stream.MEDIA_TYPE),
    ),
    Route(
        method="GET",
        path="/tasks/{id}/plan",
        name="get_plan",
        relation="plan",
        handler=get_plan,
        summary="Show the graph of a task's steps.",
        query=OnCloud,
        responses={200: (task_body.TaskPlan,)},
        errors=(errors.NotFound,),
        rules=("enamel:task:get",),
    ),
    Route(
        method="POST",
        path="/tasks/{id}/cancel",
        name="cancel_task",
        relation="cancel",
        handler=cancel_task,
        summary="Cancel a task: stop it between steps and undo what it has made.",
        query=OnCloud,
        responses={200: (task_body.Task,), 202: (task_body.Task,)},
        errors=(errors.NotFound, errors.WrongState),
        rules=("enamel:task:cancel",),
    ),
    Route(
        method="POST",
        path="/tasks/{id}/revert",
        name="revert_task",
        relation="revert",
        handler=revert_task,
        summary="Undo what an ended task has made, with a new task.",
        query=command.DryRun,
        responses=command.RESPONSES,
        errors=(errors.NotFound, errors.WrongState, *CLOUD_ERRORS),
        rules=("enamel:task:revert",),
    ),
    Route(
        method="POST",
        path="/tasks/{id}/restart",
        name="restart_task",
        relation="restart",
        handler=restart_task,
        summary="Restart a task that failed, from where it failed or from a step, with a new task.",
        query=command.DryRun,
        request=restart.Restart,
        body_required=False,
        responses=command.RESPONSES,
        errors=(
            errors.NotFound,
            errors.WrongState,
            errors.NameTaken,
            errors.QuotaExceeded,
            *CLOUD_ERRORS,
        ),
        rules=("enamel:task:restart",),
    ),
    Route(
        method="POST",
        path="/tasks/{id}/notifications/replay",
        name="replay_notifications",
        relation="replay",
        handler=replay_notifications,
        summary="Send the events of a task to its webhooks again, or from where sending failed.",
        query=OnCloud,
        request=webhooks.Replay,
        body_required=False,
        responses={200: (task_body.Task,)},
        errors=(errors.NotFound,),
        rules=("enamel:task:webhooks",),
    ),
    Route(
        method="POST",
        path="/tasks/{id}/notifications/secret",
        name="change_secret",
        relation="notification_secret",
        handler=change_secret,
        summary="Sign what a webhook is sent with a new secret, and with the previous one.",
        query=OnCloud,
        request=webhooks.NewSecret,
        responses={200: (task_body.Task,)},
        errors=(errors.NotFound,),
        rules=("enamel:task:webhooks",),
    ),
)
"""The rows of the table that these handlers serve."""
