"""Reading: tasks from the store, servers from the cloud, each only for those who may see them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from enamel.clouds import driver
from enamel.flow import task_view
from enamel.flow.plan import Group, Plan
from enamel.model import cloud, ids, webhook
from enamel.model.caller import Caller
from enamel.model.errors import Fault, Gone, Invalid, NotFound
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.problem import Problem
from enamel.model.task import ENDED, State, Task
from enamel.model.webhook import Webhook
from enamel.service.planning.server_locator import ServerLocator
from enamel.service.resources import server as servers
from enamel.service.resources.server_list import Filter, ServerInventory
from enamel.store import engine, events, items, tasks, webhooks
from enamel.store.transaction import Tx

T = TypeVar("T")

UNFINISHED = frozenset(State) - ENDED


def look(tx: Tx, id: str, *, project_id: str | None = None) -> Task:
    """Return a task as its items tell of it: before its end, its own row says little.

    Raises:
        NotFound: There is none, or it belongs to another project.

    """
    found = tasks.get(tx, id, project_id=project_id)
    seen = found if _is_told(found) else _seen(found, items.list(tx, id))
    return _with_notifications(seen, webhooks.list(tx, id))


def look_over(tx: Tx, /, **wanted: Any) -> tuple[Task, ...]:
    """Return tasks, the newest first, as their items tell of them; see `tasks.list` for what can be wanted."""
    listed = tasks.list(tx, **wanted)
    live = [found.id for found in listed if not _is_told(found)]
    steps = items.of_tasks(tx, live) if live else {}
    hooks = webhooks.of_tasks(tx, [found.id for found in listed])
    return tuple(
        _with_notifications(
            _seen(found, steps[found.id]) if found.id in steps else found, hooks.get(found.id, ())
        )
        for found in listed
    )


def _with_notifications(found: Task, hooks: Sequence[Webhook]) -> Task:
    notifications = tuple(map(webhook.shown, hooks))
    return msgspec.structs.replace(found, notifications=notifications) if hooks else found


def _is_told(found: Task) -> bool:
    """Tell whether a task's own row says everything: nothing has happened yet, or its end is written down."""
    return found.state in ENDED or found.attempt == 0


def _seen(found: Task, steps: Sequence[Item]) -> Task:
    # Of the plan, the view needs only the groups, and these are the servers that were asked for.
    groups = tuple(
        Group(name=entry.hostname, id=entry.id, known=task_view.known(entry)) for entry in found.servers
    )
    return task_view.seen(found, steps, Plan(groups=groups))


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """A part of a collection."""

    entries: Sequence[T]
    more: bool = False
    """Whether others follow."""


class Read:
    """Answers questions without changing anything."""

    def __init__(self, store: engine.Store, *, clouds: driver.Clouds) -> None:
        self._store = store
        self._whereabouts = ServerLocator(store, clouds=clouds)
        self.estates = ServerInventory(clouds, whereabouts=self._whereabouts)

    async def task(self, caller: Caller, id: str) -> Task:
        """Return one task of the caller's project.

        Raises:
            NotFound: There is none, or it belongs to another project.

        """
        if not ids.is_id(id):
            raise NotFound(f"There is no task '{id[:64]}'.")
        return await self._store.read(look, id.lower(), project_id=caller.project_id)

    async def tasks(
        self,
        caller: Caller,
        *,
        limit: int,
        marker: str | None = None,
        since: datetime | None = None,
        states: Collection[State] = UNFINISHED,
        type: str | None = None,
        server: str | None = None,
    ) -> Page[Task]:
        """Return the tasks of the caller's project, the newest first, without their plans."""
        found = await self._store.read(
            look_over,
            project_id=caller.project_id,
            states=states,
            type=type,
            server=server,
            since=since,
            marker=marker,
            limit=limit + 1,
        )
        return Page(entries=found[:limit], more=len(found) > limit)

    async def items(self, caller: Caller, id: str) -> Sequence[Item]:
        """Return the items of a task in the order of its plan."""
        found = await self.task(caller, id)
        return await self._store.read(items.list, found.id)

    async def requests(self, asked: Sequence[Task]) -> frozenset[str]:
        """Return the clouds' ids of all the requests that some tasks have made."""
        found = await self._store.read(items.of_tasks, [one.id for one in asked]) if asked else {}
        return frozenset(call.request_id for steps in found.values() for one in steps for call in one.calls)

    async def events(self, caller: Caller, id: str, *, after: int, limit: int) -> Page[Event]:
        """Return the events of a task that follow a number."""
        found = await self.task(caller, id)
        listed = await self._store.read(events.list, found.id, after=after, limit=limit + 1)
        return Page(entries=listed[:limit], more=len(listed) > limit)

    async def server(self, caller: Caller, id: str) -> servers.Server:
        """Return one server of the caller's project.

        Raises:
            NotFound: There is none, or it belongs to another project.

        """
        found, where = await self.find(caller, id, seen=True)
        return servers.resource(found, cloud=where.name, me=await where.identity(), offered=where.actions())

    async def servers(
        self, *, limit: int, marker: str | None = None, project: str | None = None, which: Filter
    ) -> tuple[Page[servers.Server], tuple[Problem, ...]]:
        """Return servers of the caller's own project on all clouds, or of another, and the clouds that are silent.

        Raises:
            Invalid: No server has the marker for its id.
            NotFound: The project is not for the caller to see.

        """
        estate = await self.estates.servers(project=project)
        seen = estate.servers
        if marker is not None:
            places = [place for place, found in enumerate(seen) if found.id == marker]
            if not places:
                detail = f"There is no server '{marker}' to go on after; start again without a marker."
                raise Invalid(detail, faults=(Fault(pointer="?marker", detail=detail),))
            seen = seen[places[0] + 1 :]
        wanted = [found for found in seen if which.passes(found)]
        return Page(entries=wanted[:limit], more=len(wanted) > limit), estate.silent

    async def find(self, caller: Caller, id: str, *, seen: bool = False) -> tuple[cloud.Server, driver.Cloud]:
        """Return a server and its cloud.

        Raises:
            NotFound: There is none that the caller may see.

        """
        if not ids.is_id(id):
            raise NotFound(f"There is no server '{id[:64]}'.")
        try:
            return await self._whereabouts.find(caller, id, seen=seen)
        except Gone as error:
            raise NotFound(f"There is no server '{id[:64]}'.") from error
