"""Read tasks, their items, events and plans."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from enamel.flow import task_view
from enamel.flow.plan import Group, Plan
from enamel.model import ids, item, webhook
from enamel.model.call_context import CallContext
from enamel.model.errors import NotFound
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import ENDED, State, Task
from enamel.model.webhook import Webhook
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.resources import paging
from enamel.service.resources.paging import Page
from enamel.service.tasks import shown_plan
from enamel.store import engine, events, items, tasks, webhooks
from enamel.store.transaction import Tx

UNFINISHED = frozenset(State) - ENDED


def look(tx: Tx, id: str, *, project_id: str | None = None) -> Task:
    """Return a task as its items show it: before its end, its own row says little.

    Raises:
        NotFound: There is none, or it belongs to another project.
    """
    task = tasks.get(tx, id, project_id=project_id)
    seen = task if _is_complete(task) else _seen(task, items.list(tx, id))
    return _with_notifications(seen, webhooks.list(tx, id))


def look_over(tx: Tx, /, **matching: Any) -> tuple[Task, ...]:
    """Return tasks, the newest first, as their items show them; see `tasks.list` for what can be asked for."""
    rows = tasks.list(tx, **matching)
    live = [task.id for task in rows if not _is_complete(task)]
    steps = items.of_tasks(tx, live) if live else {}
    hooks = webhooks.of_tasks(tx, [task.id for task in rows])
    return tuple(
        _with_notifications(_seen(task, steps[task.id]) if task.id in steps else task, hooks.get(task.id, ()))
        for task in rows
    )


def _with_notifications(task: Task, hooks: Sequence[Webhook]) -> Task:
    notifications = tuple(map(webhook.shown, hooks))
    return msgspec.structs.replace(task, notifications=notifications) if hooks else task


def _is_complete(task: Task) -> bool:
    """Return whether a task's own row says everything: nothing has happened yet, or its end is written down."""
    return task.state in ENDED or task.attempt == 0


def _seen(task: Task, steps: Sequence[Item]) -> Task:
    # Of the plan, the view needs only the groups, and these are the servers that were asked for.
    groups = tuple(
        Group(name=entry.hostname, id=entry.id, known=task_view.known(entry)) for entry in task.servers
    )
    return task_view.seen(task, steps, Plan(groups=groups))


class Filter(Struct, frozen=True, kw_only=True):
    """Which tasks to list; an empty field matches all."""

    since: datetime | None = None
    """Accepted at this time or later."""
    states: tuple[State, ...] = ()
    """In any of these states; if empty, those that have not ended, unless `all` or a server is given."""
    all: bool = False
    """Also those that have ended."""
    type: str | None = None
    """Of this command."""
    server: str | None = None
    """About the server with this id."""

    @property
    def wanted_states(self) -> frozenset[State]:
        """Return the states that tasks are listed in."""
        if self.states:
            return frozenset(self.states)
        return frozenset(State) if self.all or self.server is not None else UNFINISHED


EVERYTHING = Filter()


class ItemFilter(Struct, frozen=True, kw_only=True):
    """Which items of a task to list; an empty field matches all."""

    since: datetime | None = None
    """Begun or ended at this time or later."""
    states: tuple[item.State, ...] = ()

    def matches(self, item: Item) -> bool:
        """Return whether an item is listed."""
        last = item.ended_at or item.started_at
        return (not self.states or item.state in self.states) and (
            self.since is None or (last is not None and last >= self.since)
        )


EVERY_ITEM = ItemFilter()


class Read:
    """Shows tasks to those who may see them."""

    def __init__(self, store: engine.Store, *, clouds: CallerClouds) -> None:
        self._store = store
        self._clouds = clouds

    async def get(self, ctx: CallContext, id: str, *, cloud: str | None = None) -> Task:
        """Return one task of the caller's project.

        Raises:
            NotFound: There is none, it belongs to another project, or it is not on the cloud that is named.
        """
        policy.enforce(ctx, "enamel:task:get")
        return await self._task(ctx, id, cloud=cloud)

    async def list(
        self,
        ctx: CallContext,
        *,
        cloud: str | None = None,
        matching: Filter = EVERYTHING,
        limit: int = paging.LIMIT,
        marker: str | None = None,
    ) -> Page[Task]:
        """Return the tasks of the caller's project, the newest first, without their plans."""
        policy.enforce(ctx, "enamel:task:list")
        tasks = await self._store.read(
            look_over,
            project_id=ctx.caller.project_id,
            cloud=None if cloud is None else self._clouds.names(ctx, cloud)[0],
            states=matching.wanted_states,
            type=matching.type,
            server=matching.server,
            since=matching.since,
            marker=marker,
            limit=limit + 1,
        )
        return Page(entries=tasks[:limit], more=len(tasks) > limit)

    async def items(
        self,
        ctx: CallContext,
        id: str,
        *,
        cloud: str | None = None,
        matching: ItemFilter = EVERY_ITEM,
        limit: int = 1000,
        marker: str | None = None,
    ) -> Page[Item]:
        """Return the items of a task in the order of its plan."""
        policy.enforce(ctx, "enamel:task:get")
        task = await self._task(ctx, id, cloud=cloud)
        return paging.page(
            await self._store.read(items.list, task.id),
            limit=limit,
            marker=marker,
            key=lambda item: item.name,
            what="item",
            keep=matching.matches,
        )

    async def events(
        self, ctx: CallContext, id: str, *, after: int, limit: int, cloud: str | None = None
    ) -> Page[Event]:
        """Return the events of a task that follow a number."""
        policy.enforce(ctx, "enamel:task:get")
        task = await self._task(ctx, id, cloud=cloud)
        rows = await self._store.read(events.list, task.id, after=after, limit=limit + 1)
        return Page(entries=rows[:limit], more=len(rows) > limit)

    async def plan(self, ctx: CallContext, id: str, *, cloud: str | None = None) -> shown_plan.Plan:
        """Return the graph of a task's steps with the state of each."""
        policy.enforce(ctx, "enamel:task:get")
        task = await self._task(ctx, id, cloud=cloud)
        steps = await self._store.read(items.list, task.id)
        return shown_plan.of_task(task, {step.name: step.state for step in steps})

    async def id_of(self, ctx: CallContext, id: str, *, cloud: str | None) -> str:
        """Return the id of a task as it is stored, as part of another use case.

        Raises:
            NotFound: No task can have that id, or it is not on the cloud that is named.
        """
        return task_id(id) if cloud is None else (await self._task(ctx, id, cloud=cloud)).id

    async def _task(self, ctx: CallContext, id: str, *, cloud: str | None) -> Task:
        only = None if cloud is None else self._clouds.names(ctx, cloud)[0]
        task = await self._store.read(look, task_id(id), project_id=ctx.caller.project_id)
        if only is not None and task.cloud != only:
            raise NotFound(f"There is no task '{id[:64]}' on cloud '{only}'.")
        return task


def task_id(text: str) -> str:
    """Return the id of a task as it is stored. Raises NotFound where no task can have it."""
    if not ids.is_id(text):
        raise NotFound(f"There is no task '{text[:64]}'.")
    return text.lower()
