"""The routes of tasks."""

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from enamel.api import headers, links, stream
from enamel.api.request import ACCEPTED, Request, Response
from enamel.api.resources import task_body
from enamel.model import item, task
from enamel.service.resources import paging
from enamel.service.tasks import read, webhooks

_HEX = "[0-9a-fA-F]"
_UUID = "-?".join(f"{_HEX}{{{length}}}" for length in (8, 4, 4, 4, 12))
_UUID_7 = "-?".join((f"{_HEX}{{8}}", f"{_HEX}{{4}}", f"7{_HEX}{{3}}", f"{_HEX}{{4}}", f"{_HEX}{{12}}"))
Marker = Annotated[
    str, Meta(pattern=f"^{_UUID}$", extra={"expected": "the id of the last entry that was seen"})
]
# A task that was forgotten meanwhile still has its place in the list, so nobody looks whether it is there: what tells its
# id from that of another thing is the version of its UUID, by which tasks sort.
TaskMarker = Annotated[
    str, Meta(pattern=f"^{_UUID_7}$", extra={"expected": "the id of the last task that was seen"})
]
Limit = Annotated[int, Meta(ge=1, le=1000)]


class TaskFilter(Struct, frozen=True, kw_only=True):
    """Which tasks are wanted."""

    limit: Limit = 20
    """How many at most."""
    marker: TaskMarker | None = None
    """The last id of the previous page."""
    since: datetime | None = None
    """Accepted at this time or later."""
    state: tuple[task.State, ...] = ()
    """In any of these states; unfinished ones where neither this nor `all` is given."""
    type: str | None = None
    """Of this command."""
    server: str | None = None
    """About the server with this id."""
    all: bool = False
    """Finished ones, too."""


class Wait(Struct, frozen=True, kw_only=True):
    """How long to wait for the end."""

    wait: Annotated[int, Meta(ge=0, le=60)] = 0
    """Seconds after which the task is shown as it is."""


class After(Struct, frozen=True, kw_only=True):
    """Where the timeline is taken up."""

    after: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    """The number of the last event that was seen."""
    limit: Limit = 1000
    """How many at most, in a list."""


async def list_tasks(request: Request) -> Response:
    """Answer with the caller's tasks."""
    wanted: TaskFilter = request.query
    everything = wanted.all or wanted.server is not None
    default = frozenset(task.State) if everything else read.UNFINISHED
    page = await request.services.read.tasks(
        request.caller,
        limit=wanted.limit,
        marker=wanted.marker,
        since=wanted.since,
        states=frozenset(wanted.state) or default,
        type=wanted.type,
        server=wanted.server,
    )
    onward = links.onward(request.path, marker=page.entries[-1].id) if page.more else None
    return Response(
        body=task_body.Tasks(
            tasks=tuple(map(task_body.of, page.entries)),
            links=links.of(request.path, schema="tasks", next=onward),
        )
    )


async def get_task(request: Request) -> Response:
    """Answer with a task; after its end, where the caller waits for that."""
    found = await request.services.read.task(request.caller, request.params["id"])
    seconds = request.query.wait
    patience = timedelta(seconds=seconds) if seconds else headers.preferred_wait(request.headers)
    if patience and found.state not in task.ENDED:
        found = await request.while_here(request.services.follow.wait(found.id, timeout=patience))
    return Response(body=task_body.of(found))


async def get_items(request: Request) -> Response:
    """Answer with the items of a task, in the order of its plan."""
    id, wanted = request.params["id"], request.query
    every = await request.services.read.items(request.caller, id)
    # The marker is looked for among all of them: its state may have changed since the page before.
    rest = paging.cut(
        every, limit=len(every), marker=wanted.marker, key=lambda one: one.name, what="item"
    ).entries
    fitting = [
        one for one in rest if (not wanted.state or one.state in wanted.state) and _moved(one, wanted.since)
    ]
    shown = tuple(fitting[: wanted.limit])
    onward = links.onward(request.path, marker=shown[-1].name) if len(fitting) > len(shown) else None
    own = links.of(request.path, schema="task_items", next=onward, task=f"/tasks/{id}")
    return Response(body=task_body.Items(items=shown, links=own))


def _moved(one: item.Item, since: datetime | None) -> bool:
    """Tell whether an item has begun or ended at a time or later."""
    last = one.ended_at or one.started_at
    return since is None or (last is not None and last >= since)


class ItemFilter(Struct, frozen=True, kw_only=True):
    """Which of a task's items are wanted."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000
    """How many at most."""
    marker: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    """The last name of the previous page."""
    since: datetime | None = None
    """Begun or ended at this time or later."""
    state: tuple[item.State, ...] = ()
    """In any of these states."""


async def get_events(request: Request) -> Response:
    """Answer with the events of a task, as a list or as a live stream."""
    id = request.params["id"]
    seen = headers.last_event(request.headers)
    after = seen if seen is not None else request.query.after or 0
    if stream.MEDIA_TYPE in request.headers.get("accept", "").lower():
        found = await request.services.read.task(request.caller, id)
        if found.state in task.ENDED and after >= found.events:
            # The one answer after which a browser does not take the stream up again.
            return Response(status=204)
        events = stream.frames(request.services.follow.events(found.id, after=after))
        return Response(stream=events, media_type=stream.MEDIA_TYPE, headers={"Cache-Control": "no-store"})
    page = await request.services.read.events(request.caller, id, after=after, limit=request.query.limit)
    onward = links.onward(request.path, after=page.entries[-1].seq) if page.more else None
    own = links.of(request.path, schema="events", next=onward, task=f"/tasks/{id}")
    return Response(body=task_body.Events(events=tuple(page.entries), links=own))


async def get_plan(request: Request) -> Response:
    """Answer with the graph of a task's steps."""
    found = await request.services.read.task(request.caller, request.params["id"])
    items = await request.services.read.items(request.caller, found.id)
    return Response(body=task_body.plan(found, items))


async def cancel_task(request: Request) -> Response:
    """Answer with the task that was told to stop."""
    found, replayed = await request.services.cancel.cancel(
        request.caller,
        request.params["id"],
        idempotency_key=headers.idempotency_key(request.headers),
    )
    return await settled(request, found, replayed=replayed)


async def revert_task(request: Request) -> Response:
    """Answer with the new task that undoes what an old one has made."""
    found = await request.services.read.task(request.caller, request.params["id"])
    return await command(request, "task.revert", params={"task": found.id})


async def restart_task(request: Request) -> Response:
    """Answer with the new task that takes up one that failed."""
    found = await request.services.read.task(request.caller, request.params["id"])
    return await command(request, "task.restart", params={"task": found.id})


async def replay_notifications(request: Request) -> Response:
    """Have webhooks told again, and answer with the task."""
    wanted = webhooks.read(request.body, webhooks.Replay)
    found, replayed = await request.services.notices.replay(
        request.caller,
        request.params["id"],
        wanted,
        idempotency_key=headers.idempotency_key(request.headers),
    )
    return _changed(found, replayed=replayed)


async def change_secret(request: Request) -> Response:
    """Have a webhook signed with a new secret, and answer with the task."""
    wanted = webhooks.read(request.body, webhooks.NewSecret)
    found, replayed = await request.services.notices.change_secret(
        request.caller,
        request.params["id"],
        wanted,
        idempotency_key=headers.idempotency_key(request.headers),
    )
    return _changed(found, replayed=replayed)


def _changed(found: task.Task, *, replayed: bool) -> Response:
    return Response(body=task_body.of(found), headers={"Idempotent-Replayed": "true"} if replayed else {})


async def forget_task(request: Request) -> Response:
    """Remove the record of an ended task."""
    await request.services.cancel.forget(request.caller, request.params["id"])
    return Response(status=204)


async def command(request: Request, name: str, *, params: dict[str, str]) -> Response:
    """Have a command accepted, or previewed where the caller asks for that."""
    submit = request.services.submit
    if getattr(request.query, "dry_run", False):
        foreseen = await submit.preview(name, request.body, caller=request.caller, params=params)
        return Response(body=task_body.preview(foreseen, here=request.path))
    accepted, replayed = await submit.accept(
        name,
        request.body,
        caller=request.caller,
        request_id=request.request_id,
        params=params,
        idempotency_key=headers.idempotency_key(request.headers),
    )
    return await settled(request, accepted, replayed=replayed)


async def settled(request: Request, found: task.Task, *, replayed: bool = False) -> Response:
    """Answer 202 with a task, or 200 where the caller waits for its end and it comes in time."""
    sent = {"Location": f"/tasks/{found.id}"}
    if replayed:
        sent["Idempotent-Replayed"] = "true"
    patience = headers.preferred_wait(request.headers)
    if patience is not None:
        sent["Preference-Applied"] = f"wait={patience.seconds}"
        found = await request.while_here(request.services.follow.wait(found.id, timeout=patience))
        if found.state in task.ENDED:
            return Response(body=task_body.of(found), headers=sent)
    return Response(status=202, body=task_body.of(found), headers=sent | ACCEPTED)
