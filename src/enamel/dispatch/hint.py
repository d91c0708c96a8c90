"""The hint: a message about a task from one process to others, so that they need not wait for their next poll."""

import enum

from msgspec import Struct

from enamel.model.task import Priority


class Stage(enum.Enum):
    """What happened to a task."""

    ACCEPTED = "accepted"
    """It is new and waits for a worker."""
    RETURNED = "returned"
    """Its worker gave it back or died; it waits for another."""
    ASKED = "asked"
    """It was cancelled. Any worker may have it, so the hint goes to all."""


class Hint(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task that a worker should check."""

    task: str
    type: str
    stage: Stage = Stage.ACCEPTED
    attempt: int = 0
    """How many workers have claimed it so far."""
    priority: Priority = Priority.NORMAL


class News(Struct, frozen=True, kw_only=True):
    """Tasks that have new events."""

    origin: str
    """The sending process, which ignores its own messages."""
    tasks: tuple[str, ...]


Message = Hint | News
"""A message between processes."""
