"""Options that many commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from enamel.cli import lookup
from enamel.cli.client import Client

Command = Callable[..., Any]

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A file that exists."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
yes = click.option("--yes", "-y", is_flag=True, help="Do not ask whether to go on.")
dry_run = click.option("--dry-run", is_flag=True, help="Show the plan and change nothing.")


def _task(ctx: click.Context, _argument: click.Parameter, text: Any) -> Any:
    """Return the id, or the ids, of the tasks that the command line names."""
    client = ctx.find_object(Client)
    if client is None or ctx.resilient_parsing:
        return text
    if isinstance(text, tuple):
        return tuple(dict.fromkeys(lookup.task(client, name) for name in text))
    return lookup.task(client, text)


task = click.argument("task", callback=_task)
"""A task, by its id, by the beginning of its id, or as `last`."""
tasks = click.argument("tasks", metavar="TASK...", nargs=-1, required=True, callback=_task)
"""Several tasks."""


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
