"""Section `clouds`: which clouds tasks can work on."""

from msgspec import Struct


class Settings(Struct, frozen=True, kw_only=True):
    """Which clouds tasks can work on."""

    default: str | None = None
    """The entry of clouds.yaml to use where a request names none; None for the built-in sandbox."""
    sandbox: bool = False
    """Whether to start the sandbox."""
