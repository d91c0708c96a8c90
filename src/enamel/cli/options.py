"""Options that many commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A file that exists."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
dry_run = click.option("--dry-run", is_flag=True, help="Show the plan and change nothing.")


timeout = click.option("--timeout", help="Time after which the task fails: 90s, 30m.  [default: 1h]")


def waiting(command: Command) -> Command:
    """Add the options of every command that starts a task."""
    for option in (
        click.option(
            "--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on standard output."
        ),
        click.option("--wait", is_flag=True, help="Wait and show progress; exits 1 if the task fails."),
    ):
        command = option(command)
    return command
