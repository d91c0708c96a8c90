"""Section `orphans`: when an orphan is proposed for clean-up."""

from datetime import timedelta

from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True):
    """When an orphan is proposed for clean-up. Nothing is removed until somebody asks for it."""

    min_sightings_interval: timedelta = timedelta(minutes=10)
    """Shortest time between two listings that both show it."""
    min_age: timedelta = timedelta(hours=1)
    """Shortest age of a resource that a task left behind."""
    min_idle_time: timedelta = timedelta(days=1)
    """Shortest time since the last change of a resource that is unused."""
