"""The hint: what one process tells the others about a task, so that they need not wait until they look by themselves."""

import enum

from msgspec import Struct

from enamel.model.task import Priority


class Stage(enum.Enum):
    """What happened to a task that is worth a hint."""

    ACCEPTED = "accepted"
    """It is new, and waits for a worker."""
    RETURNED = "returned"
    """Its worker gave it back or died, and it waits for another."""
    ASKED = "asked"
    """Its end was asked for, and whoever has it should look: that may be any worker, so all are told."""


class Hint(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task that a worker should look at."""

    task: str
    type: str
    stage: Stage = Stage.ACCEPTED
    attempt: int = 0
    """How many workers have had it so far."""
    priority: Priority = Priority.NORMAL


class News(Struct, frozen=True, kw_only=True):
    """Tasks that have new events."""

    origin: str
    """The process that tells: it need not hear itself."""
    tasks: tuple[str, ...]


Message = Hint | News
"""What processes tell each other."""
