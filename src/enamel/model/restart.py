"""The body of a restart."""

from msgspec import Struct, field


class Restart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From where a task is taken up again."""

    start: str | None = field(default=None, name="from")
    """Name of an item; None for the steps that are not done."""
