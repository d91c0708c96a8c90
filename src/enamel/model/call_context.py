"""The context of a call: on whose behalf something is asked, under which id, and how urgently.

A face makes one for each request and the runner one for each task. Use cases receive it as their first argument; drivers
read it from `enamel.clouds.calls.context`.
"""

import enum
from datetime import datetime

from msgspec import Struct

from enamel.model.caller import NOBODY, Caller


class Lane(enum.Enum):
    """How urgent a call to a cloud is, the most urgent first."""

    WRITES = "writes"
    READS = "reads"
    WAITS = "waits"
    """Polls of what is being made."""
    CLEAN_UP = "clean-up"
    """Undoing what has failed."""


class CallContext(Struct, frozen=True, kw_only=True):
    """On whose behalf something is asked, under which id, and how urgently."""

    caller: Caller = NOBODY
    """Whose clouds are used, and whose share of their attention it is: projects take turns."""
    request_id: str = ""
    """The id under which services log what is done here, `req-<uuid4>`."""
    task: str = ""
    """The id of the task that is carried out; empty where somebody waits for the answer to a request."""
    fresh: bool = False
    """Whether cached answers are refused, as with `Cache-Control: no-cache`."""
    lane: Lane | None = None
    """How urgent the calls are; None: by what they do, reads are READS and everything else is WRITES."""
    deadline: datetime | None = None
    """When the caller stops waiting: nothing is tried again after that."""

    @property
    def patient(self) -> bool:
        """Whether it can wait for minutes: a task can, a person who waits for an answer cannot."""
        return bool(self.task)
