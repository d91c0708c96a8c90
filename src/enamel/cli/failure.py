"""How the command line ends: what each exit code means, and failures that say it in a sentence."""

import enum


class Exit(enum.IntEnum):
    """What the exit code means."""

    DONE = 0
    """Everything that was asked for is there."""
    FAILED = 1
    """It was refused, or it failed."""
    USAGE = 2
    """The command line itself has no meaning."""
    UNREACHABLE = 3
    """The service does not answer."""
    INTERRUPTED = 130
    """Ctrl-C."""


class Failure(Exception):
    """Ends the command line with a sentence for the user."""

    def __init__(self, *lines: str, code: Exit = Exit.FAILED, data: object = None) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.code = code
        self.data = data
        """What `--json` prints instead."""
