"""The command line. It talks to the service over HTTP only, and imports what it needs when it needs it."""

import sys


def main() -> None:
    """Carry out the command that the process was started with."""
    from enamel.cli import program

    sys.exit(program.run(sys.argv[1:]))
