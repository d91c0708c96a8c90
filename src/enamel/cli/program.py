"""The program: its commands, its common options, and the one place that turns failures into messages and exit codes."""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

import enamel
from enamel.cli import client, grammar, renamed, safe_text
from enamel.cli.failure import Exit, Failure

COMMANDS = {
    "up": "enamel.cli.process.up",
    "api": "enamel.cli.process.api",
    "worker": "enamel.cli.process.worker",
    "db": "enamel.cli.process.db",
    "conf": "enamel.cli.process.conf",
    "sandbox": "enamel.cli.process.sandbox",
    "doctor": "enamel.cli.process.doctor",
    "server": "enamel.cli.server.server",
    "task": "enamel.cli.resource.task",
    "template": "enamel.cli.resource.template",
    "network": "enamel.cli.resource.network",
    "keypair": "enamel.cli.resource.keypair",
    "volume": "enamel.cli.resource.volume",
    "address": "enamel.cli.resource.address",
    "orphans": "enamel.cli.resource.orphans",
    "quota": "enamel.cli.resource.quota",
    "placement": "enamel.cli.resource.placement",
    "cloud": "enamel.cli.resource.cloud",
    "server-type": "enamel.cli.resource.server_type",
}
"""Each command's module, which holds a click command of the same name, with _ for -."""


class Lazy(grammar.Words):
    """A group whose commands are imported when they are used, so that the program starts quickly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command with a name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name])
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--url",
    envvar="ENAMEL_URL",
    default=client.DEFAULT_URL,
    show_default=True,
    show_envvar=True,
    help="URL of the service.",
)
@click.version_option(enamel.__version__, prog_name="enamel")
@click.pass_context
def program(ctx: click.Context, url: str) -> None:
    """Launch servers on an OpenStack cloud, with everything around them, in one call.

    Start the service with `enamel up`; the other commands talk to it.
    """
    ctx.obj = client.Client(url)


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; the user sees no traceback."""
    try:
        result: Any = program.main(list(arguments), prog_name="enamel", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else Exit.DONE
    except Failure as failure:
        return _report(failure, arguments)
    except click.ClickException as error:
        shown = _renamed(error)
        _document(Failure(shown.format_message(), code=Exit.USAGE), arguments)
        shown.show()
        return Exit.USAGE
    except (KeyboardInterrupt, click.Abort):
        return _report(Failure("Interrupted.", code=Exit.INTERRUPTED), arguments)
    except BrokenPipeError:
        # The reader of the output has closed it; without this line, Python complains once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except Exception as error:
        if os.environ.get("ENAMEL_DEBUG"):
            raise
        sentence = f"Internal error of the command line: {type(error).__name__}: {error}"
        return _report(Failure(sentence, "ENAMEL_DEBUG=1 shows the traceback. Please report it."), arguments)


def _report(failure: Failure, arguments: Sequence[str]) -> Exit:
    _document(failure, arguments)
    for line in failure.lines:
        click.echo(line, err=True)
    return failure.code


def _document(failure: Failure, arguments: Sequence[str]) -> None:
    """Print a failure for programs, if the command line asks for JSON."""
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "--json" in words:
        click.echo(safe_text.as_json(failure.document, indent=2))


def _renamed(error: click.ClickException) -> click.ClickException:
    """Return an error that names the new spelling of an option that is renamed; any other error as it is."""
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        sentence = renamed.option(error.ctx.command_path, error.option_name)
        if sentence is not None:
            return click.UsageError(sentence, ctx=error.ctx)
    return error
