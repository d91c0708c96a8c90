"""Section `worker`: which tasks a worker takes, and how many."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

from enamel.model import topic
from enamel.model.limits import NONE, Limits


class Settings(Struct, frozen=True, kw_only=True):
    """Which tasks a worker takes, and how many."""

    types: topic.Topics = topic.ALL
    """The types of tasks it takes: patterns such as server.* and, to leave some out, !server.create."""
    max_tasks: Annotated[int, Meta(ge=1)] = 10_000
    """How many it has at a time; one that waits for a cloud costs a few kilobytes."""
    limits: Limits = NONE
    """How many tasks may run at a time over all workers, by type, by cloud and for each project, as in
    type:server.*=500, cloud:north=200, project=100. Give all workers the same."""
    lease: timedelta = timedelta(seconds=5)
    """How long it may be silent before others take its tasks over."""
    poll_interval: timedelta = timedelta(seconds=1)
    """How often it looks for tasks without being woken."""
    graceful_shutdown_timeout: timedelta = timedelta(seconds=10)
    """How long it takes at most to hand its tasks over when it is stopped."""
