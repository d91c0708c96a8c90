"""Who asks a cloud, and how urgently: what a call's turn depends on where many want the same service.

The runner says it around a task and the API around a request; a watcher and the way back say that they can wait.
Drivers hand it on to the pace of the cloud.
"""

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec
from msgspec import Struct


class Lane(enum.Enum):
    """How urgent a call is, the most urgent first."""

    WRITES = "writes"
    READS = "reads"
    WAITS = "waits"
    """Looks at what is being made."""
    CLEAN_UP = "clean-up"
    """The way back of what has failed."""


class Requester(Struct, frozen=True, kw_only=True):
    """Who asks."""

    project: str = ""
    """Whose share of the cloud's attention it is."""
    task: str = ""
    """Within the project, the tasks take turns; empty where somebody waits for the answer of a request."""
    lane: Lane | None = None
    """None: reads are READS and everything else is WRITES."""

    @property
    def patient(self) -> bool:
        """Whether it can wait for minutes: a task can, a person who waits for an answer cannot."""
        return bool(self.task)


_asker: ContextVar[Requester] = ContextVar("enamel_asker", default=Requester())  # noqa: B039 - it is frozen


def current() -> Requester:
    """Return who asks here."""
    return _asker.get()


def start(*, project: str, task: str = "") -> None:
    """Say who asks from here on, in all that is begun here."""
    _asker.set(Requester(project=project, task=task))


def move(lane: Lane) -> None:
    """Say how urgent the calls are from here on."""
    _asker.set(msgspec.structs.replace(_asker.get(), lane=lane))


@contextmanager
def in_lane(lane: Lane) -> Iterator[None]:
    """Say how urgent the calls within are."""
    before = _asker.get()
    move(lane)
    try:
        yield
    finally:
        _asker.set(before)
