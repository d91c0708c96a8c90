"""The history of a server: what Enamel's tasks did to it, and what others did through the cloud's own API."""

import enum
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from enamel.model import cloud, ids
from enamel.model.call_context import CallContext
from enamel.model.errors import CloudError, NotFound
from enamel.model.problem import Problem
from enamel.model.task import State, Task
from enamel.service.access import policy
from enamel.service.planning.server_locator import ServerLocator
from enamel.service.resources import paging
from enamel.service.resources.paging import Page
from enamel.service.tasks import read
from enamel.store import engine, items

MOST = 1000
"""How many of a server's tasks are read."""


class Origin(enum.Enum):
    """Who did something to a server."""

    ENAMEL = "ENAMEL"
    CLOUD = "CLOUD"


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """Something that was done to a server."""

    id: str
    """The task's id; for what others did, the cloud's id of their request."""
    origin: Origin
    """`ENAMEL` for a task of this service, `CLOUD` for what others did directly."""
    action: str
    """The word for people: CREATE, RESIZE …"""
    state: State
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    created_by: str = ""
    """The user's id."""
    error: Problem | None = None


class Filter(Struct, frozen=True, kw_only=True):
    """Which entries of a history to list; an empty field matches all."""

    since: datetime | None = None
    states: tuple[State, ...] = ()

    def matches(self, entry: HistoryEntry) -> bool:
        """Return whether an entry is listed."""
        return (self.since is None or entry.created_at >= self.since) and (
            not self.states or entry.state in self.states
        )


EVERYTHING = Filter()


class ServerHistory:
    """Lists what was done to servers."""

    def __init__(self, store: engine.Store, *, locator: ServerLocator) -> None:
        self._store = store
        self._locator = locator

    async def list(
        self,
        ctx: CallContext,
        id: str,
        *,
        cloud: str | None = None,
        matching: Filter = EVERYTHING,
        limit: int = paging.LIMIT,
        marker: str | None = None,
    ) -> Page[HistoryEntry]:
        """Return what was done to a server, the latest first.

        Raises:
            NotFound: There is no such server, and no task knows it.
            Invalid: No entry has the marker for its id.
        """
        policy.enforce(ctx, "enamel:server:history")
        server = ids.canonical(id)
        tasks = await self._store.read(
            read.look_over,
            project_id=ctx.caller.project_id,
            states=frozenset(State),
            server=server,
            limit=MOST,
        )
        entries = [_of_task(task) for task in tasks if cloud is None or task.cloud == cloud]
        entries += await self._others(ctx, server, cloud=cloud, known=tasks)
        entries.sort(key=lambda entry: (entry.created_at, entry.id), reverse=True)
        return paging.page(
            entries,
            limit=limit,
            marker=marker,
            key=lambda entry: entry.id,
            what="entry of this history",
            keep=matching.matches,
        )

    async def _others(
        self, ctx: CallContext, server: str, *, cloud: str | None, known: Sequence[Task]
    ) -> Sequence[HistoryEntry]:
        """Return what the cloud remembers and no task of Enamel's has requested."""
        try:
            existing, account = await self._locator.find(ctx, server, cloud=cloud)
            actions = await account.server_history(existing.id)
        except (NotFound, CloudError):
            if not any(cloud is None or task.cloud == cloud for task in known):
                raise
            # Of a server that is gone, or on a cloud that is down, only the tasks are known.
            return []
        steps = await self._store.read(items.of_tasks, [task.id for task in known]) if known else {}
        own = {call.request_id for rows in steps.values() for item in rows for call in item.calls}
        return [_of_cloud(action) for action in actions if action.id not in own]


def _of_task(task: Task) -> HistoryEntry:
    return HistoryEntry(
        id=task.id,
        origin=Origin.ENAMEL,
        action=task.action,
        state=task.state,
        created_at=task.created_at,
        started_at=task.started_at,
        ended_at=task.ended_at,
        created_by=task.created_by,
        error=task.error,
    )


def _of_cloud(entry: cloud.HistoryEntry) -> HistoryEntry:
    return HistoryEntry(
        id=entry.id,
        origin=Origin.CLOUD,
        action=entry.action,
        # The list does not tell whether it is over; what is under way shows in the server's state.
        state=State.ABORTED if entry.failed else State.COMPLETED,
        created_at=entry.started or datetime.fromtimestamp(0, UTC),
        started_at=entry.started,
        created_by=entry.user_id,
    )
