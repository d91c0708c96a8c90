"""The task: one accepted command and its progress."""

import enum
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from enamel.model.choice import Choice
from enamel.model.credential import LOCAL, Credential
from enamel.model.problem import Problem
from enamel.model.webhook import Notification


class State(enum.Enum):
    """The state of a task."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    ABORTED = "ABORTED"
    TIMED_OUT = "TIMED_OUT"


MOVES: dict[State, frozenset[State]] = {
    # A task whose worker died goes back to its topic; one that was never claimed can be cancelled or time out.
    State.WAITING: frozenset({State.RUNNING, State.ABORTED, State.TIMED_OUT}),
    State.RUNNING: frozenset({State.WAITING, State.COMPLETED, State.ABORTED, State.TIMED_OUT}),
    State.COMPLETED: frozenset(),
    State.ABORTED: frozenset(),
    State.TIMED_OUT: frozenset(),
}
"""The moves that a task may make; the store refuses all others."""

ENDED = frozenset(state for state, moves in MOVES.items() if not moves)
"""The final states."""


class Priority(Choice):
    """How urgent a task is among the tasks of its topic."""

    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"


RANK = {Priority.HIGH: 0, Priority.NORMAL: 5, Priority.LOW: 9}
"""The order in which workers claim: smaller first."""


class ServerEntry(Struct, frozen=True, kw_only=True):
    """What a task knows of one server that was asked for."""

    hostname: str
    """The name it was asked for with; also the name of its group of steps."""
    id: str | None = None
    """The server's id, as soon as the cloud has given one."""
    state: str = "WAITING"
    """WAITING, BUILDING, ACTIVE, READY, FAILED or REVERTED; of an existing server: DONE, or GONE."""
    cloud: str | None = None
    placement: str | None = None
    """Path of the placement it went to: cloud/region/zone."""
    fixed_addresses: tuple[str, ...] = ()
    public_address: str | None = None
    volumes: tuple[str, ...] = ()
    launched_at: datetime | None = None
    ready_at: datetime | None = None
    ssh_host_keys: tuple[str, ...] = ()
    error: Problem | None = None


class Made(Struct, frozen=True, kw_only=True):
    """Something that a task has made on a cloud."""

    kind: str
    """server, port, address, volume, keypair, security_group, network …"""
    id: str
    name: str = ""
    cloud: str = ""
    server: str | None = None
    """Hostname of the server that it was made for; None where it serves all."""


class Result(Struct, frozen=True, kw_only=True):
    """What a task has made."""

    servers: tuple[ServerEntry, ...] = ()
    made: dict[str, tuple[Made, ...]] = {}
    """By kind; what was undone is gone from here."""
    data: dict[str, Any] = {}
    """What else the command answers with, for example the id of a snapshot's image."""


class Progress(Struct, frozen=True, kw_only=True):
    """How far a task is, in steps."""

    done: int = 0
    total: int = 0


class Task(Struct, frozen=True, kw_only=True):
    """One accepted command and its progress."""

    id: str
    """UUIDv7, so tasks sort by creation."""
    type: str
    """The command, for example `server.create`: also the topic that workers listen to."""
    action: str
    """The word of the vNext API: CREATE, TERMINATE, RESIZE …"""
    state: State = State.WAITING
    reverting: bool = False
    """Whether it is rolling back."""
    cancel_requested: bool = False
    progress: Progress = Progress()
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    created_by: str
    """The user's id."""
    project_id: str
    request_id: str
    priority: Priority = Priority.NORMAL
    not_before: datetime | None = None
    deadline: datetime | None = None
    """When its time is over; the time in which no worker has it does not count."""
    released_at: datetime | None = None
    """When the last worker that had it gave it back, or died; None before the first one."""
    cloud: str
    """The entry of clouds.yaml (or of the configuration) that it works on."""
    credential: Credential = LOCAL
    """The authority on which it uses clouds."""
    request: dict[str, Any] = {}
    """The request's body, with secrets blanked."""
    plan: dict[str, Any] = {}
    """The plan as data; see `enamel.flow.plan.Plan`."""
    servers: tuple[ServerEntry, ...] = ()
    result: Result = Result()
    error: Problem | None = None
    calls: int = 0
    """API calls made so far."""
    worker: str | None = None
    """The worker that has it, or had it last."""
    attempt: int = 0
    """How many workers have claimed it."""
    parent: str | None = None
    """The task that this one reverts or restarts."""
    reserves: dict[str, int] = {}
    """What it is about to take of each quota, for example {"cores": 4}."""
    secrets: tuple[str, ...] = ()
    """References into the key store, removed with the task's end."""
    events: int = 0
    """Number of the last event."""
    groups: dict[str, int] = {}
    """For servers that moved on: the index of the placement they are tried in."""
    notifications: tuple[Notification, ...] = ()
    """How far each of its webhooks is; stored beside the task, which deliveries never change."""


class IllegalMove(Exception):
    """A task was about to make a move that there is not: a fault of Enamel."""


def check_move(id: str, before: State, *, after: State) -> None:
    """Make sure that a task may go from one state to another, or stay where it is. Raises IllegalMove."""
    if after is not before and after not in MOVES[before]:
        raise IllegalMove(f"Task {id} cannot go from {before.value} to {after.value}.")


def waited_since(known: Task) -> datetime:
    """Return since when a task has waited for a worker."""
    return known.released_at or max(known.created_at, known.not_before or known.created_at)


def claimed_deadline(known: Task, *, now: datetime) -> datetime | None:
    """Return the deadline of a task that a worker claims now: its time goes on from here."""
    if known.deadline is None:
        return None
    return known.deadline + max(timedelta(0), now - waited_since(known))


def unclaimed_deadline(known: Task) -> datetime | None:
    """Return the deadline that a task had before its first claim."""
    if known.deadline is None or known.started_at is None:
        return known.deadline
    return known.deadline - max(timedelta(0), known.started_at - waited_since(known))


def time_limit(known: Task) -> timedelta | None:
    """Return the time that a task has, or had, once a worker has claimed it; None if it has no deadline."""
    return known.deadline - (known.started_at or waited_since(known)) if known.deadline else None
