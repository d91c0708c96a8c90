"""The routes of what is done to a server: its actions, their history, and its tasks by their vNext names."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request, Response
from enamel.api.resources import task
from enamel.model import action, ids
from enamel.model.action import Action, Wish
from enamel.model.errors import Fault, Invalid, NotFound
from enamel.model.task import State
from enamel.service.resources import server_history
from enamel.service.validation import body, error_wording

Marker = Annotated[
    str, Meta(pattern=r"^[0-9a-zA-Z-]{1,64}$", extra={"expected": "the id of the last entry that was seen"})
]


class HistoryFilter(Struct, frozen=True, kw_only=True):
    """Which part of a server's history is wanted."""

    limit: task.Limit = 20
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
    """Answer with what was done to a server."""
    id, wanted = _server(request), request.query
    page = await server_history.of(
        request.services.read,
        request.caller,
        id,
        limit=wanted.limit,
        marker=wanted.marker,
        since=wanted.since,
        states=frozenset(wanted.state),
    )
    onward = links.onward(request.path, marker=page.entries[-1].id) if page.more else None
    own = links.of(request.path, schema="server_tasks", next=onward, server=f"/servers/{id}")
    return Response(body=ServerTasks(tasks=tuple(map(_shown, page.entries)), links=own))


async def act(request: Request) -> Response:
    """Have something done to a server."""
    id, what = _server(request), _action(request.body)
    params = {"server": id}
    if what is Action.TERMINATE and (along := _along(request.body)) is not None:
        params["with"] = along
    return await task.command(request, what.command, params=params)


def _server(request: Request) -> str:
    id = request.params["id"]
    if not ids.is_id(id):
        raise NotFound(f"There is no server '{id[:64]}'.")
    return id.lower()


def _action(data: Any) -> Action:
    """Return the action that a body names.

    Raises:
        Invalid: It names none, or one that does not exist.

    """
    if not isinstance(data, dict):
        detail = f"Expected is an object, not {error_wording.got(data)}."
        raise Invalid(detail, faults=(Fault(pointer="", detail=detail, code="type"),))
    word = data.get("action")
    known = [one.value for one in Action]
    if word in known:
        return Action(word)
    if isinstance(word, str):
        detail = f"There is no action '{error_wording.short(word)}'{error_wording.like(word.upper(), known)}"
    else:
        detail = f"The field 'action' is required: one of {', '.join(known)}"
    fault = Fault(
        pointer="/action", detail=error_wording.stopped(detail), code="unknown" if word else "required"
    )
    raise Invalid(fault.detail, faults=(fault,))


def _along(data: Any) -> str | None:
    """Return what goes with a server: the one thing that TERMINATE, a command without a body, is told.

    Raises:
        Invalid: The body has other fields, or this one is malformed.

    """
    wish, faults = body.shape(data, Wish)
    faults += action.faults(wish) if wish is not None else []
    if faults or wish is None:
        raise Invalid(" ".join(one.detail for one in faults), faults=tuple(faults))
    return wish.along


def _shown(found: server_history.HistoryEntry) -> ServerTask:
    own = (
        links.of(f"/tasks/{found.id}", schema="task") if found.origin is server_history.Origin.ENAMEL else {}
    )
    return ServerTask(**{name: getattr(found, name) for name in found.__struct_fields__}, links=own)
