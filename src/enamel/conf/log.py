"""Section `log`: what is written of what happens."""

from typing import Literal

from msgspec import Struct

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class Settings(Struct, frozen=True, kw_only=True):
    """What is written of what happens. SIGHUP has a process read this section anew."""

    json: bool | None = None
    """Whether lines are JSON for machines rather than text for people. Without it, JSON where a service runs as
    `enamel api` or `enamel worker`."""
    level: Level | None = None
    """The least level that is written. Without it, INFO; WARNING for `enamel up`."""
