"""The routes of what is done to a server: its actions, their history, and its tasks by their vNext names."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from enamel.api import collection, command, links
from enamel.api.collection import Limit
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.resources import task, task_body
from enamel.api.route import CLOUD_ERRORS, OnCloud, Route
from enamel.model import action, errors
from enamel.model.action import Action
from enamel.model.task import State
from enamel.service.access import policy
from enamel.service.resources import server_history

Marker = Annotated[
    str, Meta(pattern=r"^[0-9a-zA-Z-]{1,64}$", extra={"expected": "the id of the last entry that was seen"})
]


class HistoryFilter(OnCloud, frozen=True, kw_only=True):
    """Which part of a server's history to list."""

    limit: Limit = 20
    """How many at most."""
    marker: Marker | None = None
    """The last id of the previous page."""
    since: datetime | None = None
    """Begun at this time or later."""
    state: tuple[State, ...] = ()
    """In any of these states."""


class ServerTask(server_history.HistoryEntry, frozen=True, kw_only=True):
    """Something that was done to a server, by a task of this service or by others."""

    links: Links = field(name="_links")


class ServerTasks(Struct, frozen=True, kw_only=True):
    """A page of what was done to a server, the latest first."""

    tasks: tuple[ServerTask, ...]
    links: Links = field(name="_links")


async def list_server_tasks(request: Request) -> Response:
    """List what was done to a server."""
    id = request.params["id"]
    matching = server_history.Filter(since=request.query.since, states=request.query.state)
    page = await request.services.server_history.list(
        request.ctx, id, matching=matching, **collection.window(request)
    )
    own = collection.page_links(
        request, page, schema="server_tasks", key=lambda entry: entry.id, server=f"/servers/{id}"
    )
    return Response(body=ServerTasks(tasks=tuple(map(_shown, page.entries)), links=own))


async def act(request: Request) -> Response:
    """Carry out an action on a server."""
    outcome = await request.services.server_actions.act(
        request.ctx, request.params["id"], request.body, **command.options(request)
    )
    return await command.answered(request, outcome)


def _shown(record: server_history.HistoryEntry) -> ServerTask:
    is_task = record.origin is server_history.Origin.ENAMEL
    return links.added(ServerTask, record, links.of(f"/tasks/{record.id}", schema="task") if is_task else {})


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/servers/{id}/tasks",
        name="list_server_tasks",
        relation="server_tasks",
        handler=list_server_tasks,
        summary="List what was done to a server, by tasks and by others.",
        query=HistoryFilter,
        responses={200: (ServerTasks,)},
        errors=(errors.NotFound, *CLOUD_ERRORS),
        rules=("enamel:server:history",),
    ),
    Route(
        method="POST",
        path="/servers/{id}/tasks",
        name="act_on_server",
        relation="server_tasks",
        handler=act,
        summary="Carry out an action on a server.",
        query=command.DryRun,
        request=action.ActionRequest,
        responses=command.RESPONSES,
        errors=(
            errors.NotFound,
            errors.ActionImpossible,
            errors.WrongState,
            errors.QuotaExceeded,
            *CLOUD_ERRORS,
        ),
        rules=tuple(policy.of_command(what.command) for what in Action),
    ),
)
"""The rows of a server's history and actions."""

TASKS: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/server_tasks/{id}",
        name="get_server_task",
        relation="server_task",
        handler=task.get_task,
        summary="Show a task of a server: the same as `/tasks/{id}`.",
        query=task.Wait,
        responses={200: (task_body.Task,), 304: ()},
        errors=(errors.NotFound,),
        rules=("enamel:task:get",),
    ),
    Route(
        method="GET",
        path="/server_tasks/{id}/items",
        name="get_server_task_items",
        relation="server_task_items",
        handler=task.get_items,
        summary="List the steps of a server's task: the same as `/tasks/{id}/items`.",
        query=task.ItemFilter,
        responses={200: (task_body.Items,)},
        errors=(errors.NotFound,),
        rules=("enamel:task:get",),
    ),
)
"""The rows of tasks under their vNext names."""
