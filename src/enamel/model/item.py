"""The item: the record of one step of a task."""

import enum
from datetime import datetime
from typing import Any

from msgspec import Struct

from enamel.model.problem import Problem


class State(enum.Enum):
    """Where a step is."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    ABORTED = "ABORTED"
    TIMED_OUT = "TIMED_OUT"
    REVERTED = "REVERTED"


OPEN = frozenset({State.WAITING, State.RUNNING})
"""The states of a step that has not ended."""

MOVES: dict[State, frozenset[State]] = {
    # Straight to REVERTED when its server moves on to another cloud before it was begun.
    State.WAITING: frozenset({State.RUNNING, State.ABORTED, State.REVERTED}),
    # Back to WAITING when a server moves on to its next placement, and when a restart takes the step again.
    State.RUNNING: frozenset(
        {State.WAITING, State.COMPLETED, State.ABORTED, State.TIMED_OUT, State.REVERTED}
    ),
    State.COMPLETED: frozenset({State.REVERTED, State.WAITING}),
    State.ABORTED: frozenset({State.REVERTED, State.WAITING}),
    State.TIMED_OUT: frozenset({State.REVERTED, State.WAITING}),
    State.REVERTED: frozenset({State.WAITING}),
}
"""The moves that an item may make."""


class Call(Struct, frozen=True, kw_only=True):
    """One API call that a step made."""

    method: str
    service: str
    """compute, network, block-storage, image, identity, key-manager"""
    path: str
    """Without host and query's values that may be long; never with a token."""
    status: int
    """0 where no answer came."""
    request_id: str = ""
    """The cloud's id of the request."""
    ms: float = 0.0
    """Duration in milliseconds."""
    at: datetime | None = None


class Item(Struct, frozen=True, kw_only=True):
    """The record of one step."""

    task: str
    name: str
    """The step's name in the plan, for example `boot-web-1`."""
    kind: str
    """The step's kind, for example `server.boot`."""
    action: str
    """The word that people read: NETWORKING, SPAWNING …"""
    group: str | None = None
    """Hostname of the server it belongs to."""
    state: State = State.WAITING
    uncertain: bool = False
    """Whether it was started and nobody knows how it ended: it is looked up before it is done again."""
    attempt: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outputs: dict[str, Any] = {}
    """What it made: ids, addresses."""
    error: Problem | None = None
    calls: tuple[Call, ...] = ()
    note: str = ""
    """A fall-back that costs more or leaves a difference says so here."""
