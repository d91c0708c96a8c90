"""Section `orphans`: when what belongs to nobody is proposed for a clean-up."""

from datetime import timedelta

from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True):
    """When what belongs to nobody is proposed for a clean-up. Nothing is ever removed that nobody asked for."""

    min_sightings_interval: timedelta = timedelta(minutes=10)
    """How far apart two looks must have found it."""
    min_age: timedelta = timedelta(hours=1)
    """How old it must be, where a task has left it behind."""
    min_idle_time: timedelta = timedelta(days=1)
    """For how long it must not have changed, where it is merely unused."""
