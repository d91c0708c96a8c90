"""The cloud reference: which project of which cloud is meant."""

from msgspec import Struct


class CloudReference(Struct, frozen=True, kw_only=True):
    """An entry of the configuration, and the project for which it is used."""

    entry: str
    project: str | None = None
    """Id of the project; None for the entry's own."""
