"""Section `log`: what a process logs."""

from typing import Literal

from msgspec import Struct

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class Settings(Struct, frozen=True, kw_only=True):
    """What a process logs. It reads this section again on SIGHUP."""

    json: bool | None = None
    """Whether log lines are JSON. If not set, `enamel api` and `enamel worker` log JSON, `enamel up` logs text."""
    level: Level | None = None
    """Lowest level that is logged. If not set, INFO; WARNING for `enamel up`."""
