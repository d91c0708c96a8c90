"""How the command line ends: the meaning of each exit code, and failures with a message for the user."""

import enum


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
        self.data = data
        """What `--json` prints in addition."""
