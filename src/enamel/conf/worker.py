"""Section `worker`: which tasks a worker claims, and how many."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

from enamel.model import topic
from enamel.model.limits import NONE, Limits


class Settings(Struct, frozen=True, kw_only=True):
    """Which tasks a worker claims, and how many."""

    types: topic.Topics = topic.ALL
    """Types of tasks to claim: patterns such as server.*, and !server.create to leave some out."""
    max_tasks: Annotated[int, Meta(ge=1)] = 10_000
    """Most tasks at the same time. A task that waits for a cloud needs a few kilobytes of memory."""
    limits: Limits = NONE
    """Most running tasks over all workers, by type, by cloud and for each project: type:server.*=500, cloud:north=200,
    project=100. All workers need the same value."""
    lease: timedelta = timedelta(seconds=5)
    """How long a worker may be silent before other workers take over its tasks."""
    poll_interval: timedelta = timedelta(seconds=1)
    """Time between two queries for tasks when no message wakes the worker."""
    graceful_shutdown_timeout: timedelta = timedelta(seconds=10)
    """How long a worker that is being stopped waits until its tasks can be handed to other workers."""
