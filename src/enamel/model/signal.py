"""The signal: a message from outside for which a step of a task waits."""

from datetime import datetime
from typing import Any

from msgspec import Struct

LARGEST = 64 * 1024
"""Bytes that a message may have, as JSON."""


class Signal(Struct, frozen=True, kw_only=True):
    """One message that arrived for a task."""

    id: str
    """UUIDv7, so that messages sort by arrival."""
    task: str
    project_id: str
    name: str
    """What the step calls the messages for which it waits."""
    data: Any = None
    """What the sender says; never a secret, for it is kept with the task."""
    received_at: datetime
