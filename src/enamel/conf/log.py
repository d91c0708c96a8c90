"""Section `log`: what is written of what happens."""

from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True):
    """What is written of what happens."""

    json: bool = False
    """Whether lines are JSON for machines rather than text for people."""
    level: str = "INFO"
    """The least level that is written."""
