"""Section `worker`: which tasks a worker takes, and how many."""

from datetime import timedelta

from msgspec import Struct

from enamel.model import topic


class Settings(Struct, frozen=True, kw_only=True):
    """Which tasks a worker takes, and how many."""

    topics: topic.Topics = topic.ALL
    """The types of tasks it takes."""
    slots: int = 10_000
    """How many it has at a time; one that waits for a cloud costs a few kilobytes."""
    lease: timedelta = timedelta(seconds=5)
    """How long it may be silent before others take its tasks over."""
    look_every: timedelta = timedelta(seconds=1)
    """How often it looks for tasks without being woken."""
    drain_for: timedelta = timedelta(seconds=10)
    """How long it takes at most to hand its tasks over when it is stopped."""
