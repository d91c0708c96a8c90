"""What was done to a server: by Enamel's tasks, and by others who asked the cloud directly, in one history."""

import enum
from datetime import UTC, datetime

from msgspec import Struct

from enamel.model import cloud
from enamel.model.caller import Caller
from enamel.model.errors import CloudError, Fault, Invalid, NotFound
from enamel.model.problem import Problem
from enamel.model.task import State, Task
from enamel.service.tasks.read import Page, Read

MOST = 1000
"""So many of a server's tasks are looked at."""


class Origin(enum.Enum):
    """Who did something to a server."""

    ENAMEL = "enamel"
    CLOUD = "cloud"


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """Something that was done to a server."""

    id: str
    """The task's id; of what others did, the cloud's id of their request."""
    origin: Origin
    """`enamel` for a task of this service, `cloud` for what others did directly."""
    action: str
    """The word for people: CREATE, RESIZE …"""
    state: State
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    created_by: str = ""
    """The user's id."""
    error: Problem | None = None


async def of(
    read: Read,
    caller: Caller,
    server: str,
    *,
    limit: int,
    marker: str | None = None,
    since: datetime | None = None,
    states: frozenset[State] = frozenset(),
) -> Page[HistoryEntry]:
    """Return what was done to a server, the latest first.

    Raises:
        NotFound: There is no such server, and no task knows it.
        Invalid: Nothing that was done to it has the marker for its id.
    """
    known = await read.tasks(caller, limit=MOST, states=frozenset(State), server=server)
    others = await _others(read, caller, server, known=tuple(known.entries))
    every = [_of_task(one) for one in known.entries] + others
    every.sort(key=lambda one: (one.created_at, one.id), reverse=True)
    if marker is not None:
        places = [place for place, one in enumerate(every) if one.id == marker]
        if not places:
            detail = (
                f"Nothing that was done to this server has the id '{marker}'; start again without a marker."
            )
            raise Invalid(detail, faults=(Fault(pointer="?marker", detail=detail),))
        every = every[places[0] + 1 :]
    wanted = [
        one
        for one in every
        if (since is None or one.created_at >= since) and (not states or one.state in states)
    ]
    return Page(entries=wanted[:limit], more=len(wanted) > limit)


async def _others(read: Read, caller: Caller, server: str, *, known: tuple[Task, ...]) -> list[HistoryEntry]:
    """Return what the cloud remembers and no task of Enamel's has asked for."""
    try:
        found, where = await read.find(caller, server)
        deeds = await where.server_history(found.id)
    except (NotFound, CloudError):
        if not known:
            raise
        # Of a server that is gone, or on a cloud that is down, the tasks are all that there is to tell.
        return []
    asked = await read.requests(known)
    return [_of_cloud(one) for one in deeds if one.id not in asked]


def _of_task(found: Task) -> HistoryEntry:
    return HistoryEntry(
        id=found.id,
        origin=Origin.ENAMEL,
        action=found.action,
        state=found.state,
        created_at=found.created_at,
        started_at=found.started_at,
        ended_at=found.ended_at,
        created_by=found.created_by,
        error=found.error,
    )


def _of_cloud(found: cloud.HistoryEntry) -> HistoryEntry:
    return HistoryEntry(
        id=found.id,
        origin=Origin.CLOUD,
        action=found.action,
        # The list does not tell whether it is over; what is under way shows in the server's state.
        state=State.ABORTED if found.failed else State.COMPLETED,
        created_at=found.started or datetime.fromtimestamp(0, UTC),
        started_at=found.started,
        created_by=found.user_id,
    )
