"""The orphan: a resource on a cloud that no task and no server accounts for, and what is proposed for it."""

import enum
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from enamel.model import duration
from enamel.model.choice import Choice
from enamel.model.launch import Name


class Kind(Choice):
    """What an orphan is."""

    SERVER = "SERVER"
    ADDRESS = "ADDRESS"
    PORT = "PORT"
    VOLUME = "VOLUME"
    SECURITY_GROUP = "SECURITY_GROUP"
    SERVER_GROUP = "SERVER_GROUP"
    NETWORK = "NETWORK"

    @property
    def noun(self) -> str:
        """Return the kind as a word of a sentence."""
        return self.value.lower().replace("_", " ")


class Why(enum.Enum):
    """Why a resource is considered an orphan."""

    LEFT_BEHIND = "LEFT_BEHIND"
    """A task has made it, has ended, and does not count it among what it has made."""
    REVERTED = "REVERTED"
    """The task that has made it was reverted, and it still exists."""
    UNKNOWN_TASK = "UNKNOWN_TASK"
    """It carries the mark of a task that this service does not know."""
    UNUSED = "UNUSED"
    """Nothing uses it."""


class Suspect(Struct, frozen=True, kw_only=True):
    """A resource that belongs to no task and no server."""

    kind: Kind
    id: str
    name: str
    why: Why
    mark: str = ""
    task: str | None = None
    """The task that its mark names."""
    since: datetime | None = None
    """When it was made; of what is unused, when it was changed last. None where the cloud does not tell."""
    used: bool = False
    """Whether somebody may be working with it."""


class Sighting(Struct, frozen=True, kw_only=True):
    """What earlier looks have seen of a suspect."""

    first: datetime
    last: datetime
    looks: int


class Orphan(Struct, frozen=True, kw_only=True):
    """A resource that is considered an orphan, with what is known of it."""

    kind: Kind
    id: str
    name: str
    why: Why
    task: str | None
    """The task that its mark names."""
    since: datetime
    """When it was made; of what is unused, when it was changed last; else when it was seen first."""
    age: int
    """Seconds since then."""
    seen_since: datetime
    """When it was found first."""
    looks: int
    """How many looks have found it."""
    used: bool
    """Whether somebody may be working with it."""
    proposed: bool
    """Whether a clean-up would take it away."""
    waits_for: str | None
    """What it is not proposed for."""
    would: str
    """What a clean-up does with it."""
    mark: str = ""


class CleanRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be cleaned up. With nothing said: all that tasks have left behind and that is proposed."""

    ids: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=200)] | None = None
    """Just these; each must be proposed."""
    kinds: Annotated[tuple[Kind, ...], Meta(min_length=1)] | None = None
    """All of these kinds that is proposed: also what is merely unused, which no task has left."""
    min_age: duration.Text | None = None
    """The minimum age, for example 2h; by default the configured ages."""
    foreign: bool = False
    """Also what unknown tasks have made: those of another Enamel on the same project, or of one whose store is lost."""
