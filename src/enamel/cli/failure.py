"""How the command line ends: the meaning of each exit code, and failures with a message for the user."""

import enum
from collections.abc import Mapping
from typing import Any


class Exit(enum.IntEnum):
    """What the exit code means."""

    DONE = 0
    """Everything that was asked for is done."""
    FAILED = 1
    """The request was refused or failed."""
    USAGE = 2
    """The command line is wrong."""
    UNREACHABLE = 3
    """The service does not answer."""
    INTERRUPTED = 130
    """Ctrl-C."""


class Failure(Exception):
    """Ends the command line with a message for the user."""

    def __init__(self, *lines: str, code: Exit = Exit.FAILED, data: object = None) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.code = code
        self._data = data if isinstance(data, Mapping) else {}

    @property
    def document(self) -> Mapping[str, Any]:
        """Return what `--json` prints: an object with `errors`, as the service answers them, and what is known beside them."""
        detail, *remedies = self.lines or ("",)
        own = {"code": f"enamel.cli.{self.code.name.lower()}", "detail": detail, "remedy": " ".join(remedies)}
        return {"errors": [own], **self._data}
