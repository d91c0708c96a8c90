"""The program: its commands, its common options, and the one place where failures become words and exit codes."""

import importlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

import enamel
from enamel.cli import client, failure
from enamel.cli.failure import Exit, Failure

COMMANDS = {
    "up": "enamel.cli.up",
    "api": "enamel.cli.api",
    "worker": "enamel.cli.worker",
    "db": "enamel.cli.db",
    "conf": "enamel.cli.conf",
    "sandbox": "enamel.cli.sandbox",
    "server": "enamel.cli.server",
    "task": "enamel.cli.task",
    "template": "enamel.cli.template",
    "network": "enamel.cli.network",
    "keypair": "enamel.cli.keypair",
    "volume": "enamel.cli.volume",
    "address": "enamel.cli.address",
    "orphans": "enamel.cli.orphans",
    "quota": "enamel.cli.quota",
    "placement": "enamel.cli.placement",
    "cloud": "enamel.cli.cloud",
    "server-type": "enamel.cli.server_type",
}
"""Each command's module, which holds a click command of the same name, with _ for -."""


class Lazy(click.Group):
    """A group whose commands are imported when they are used: starting up stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None where there is none of the name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(
            importlib.import_module(COMMANDS[cmd_name]), cmd_name.replace("-", "_")
        )
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--url",
    envvar="ENAMEL_URL",
    default=client.DEFAULT_URL,
    show_default=True,
    show_envvar=True,
    help="Where the service answers.",
)
@click.version_option(enamel.__version__, prog_name="enamel")
@click.pass_context
def program(ctx: click.Context, url: str) -> None:
    """Boot servers on an OpenStack cloud, with everything around them, with one call.

    Start the service with `enamel up`; the other commands talk to it.
    """
    ctx.obj = client.Client(url)


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line and return its exit code; no traceback reaches the user."""
    try:
        result: Any = program.main(list(arguments), prog_name="enamel", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else Exit.DONE
    except Failure as error:
        return _told(error, as_json="--json" in arguments)
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever reads the output has seen enough; without this, Python complains once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except Exception as error:
        if os.environ.get("ENAMEL_DEBUG"):
            raise
        click.echo(f"The command line has a fault of its own: {type(error).__name__}: {error}", err=True)
        click.echo("ENAMEL_DEBUG=1 shows where; please report it.", err=True)
        return Exit.FAILED


def _told(error: Failure, *, as_json: bool) -> failure.Exit:
    if as_json and error.data is not None:
        click.echo(json.dumps(error.data, indent=2, ensure_ascii=False))
    for line in error.lines:
        click.echo(line, err=True)
    return error.code
