"""The command line. It talks to the service over HTTP only, and imports modules when it needs them."""

import sys


def main() -> None:
    """Run the command that the process was started with."""
    from enamel.cli import program

    sys.exit(program.run(sys.argv[1:]))
