"""The grammar of the command line: names of two words, old spellings, and `--cloud`."""

import difflib
from typing import Any

import click

from enamel.cli import renamed
from enamel.cli.client import Client


class Words(click.Group):
    """A group whose commands may have names of two words. The longest name that fits wins, as with `openstack`.

    So `resize SERVER` and `resize confirm SERVER` are two commands.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first words name, and the words that are left."""
        for length in (2, 1):
            name = " ".join(args[:length])
            command = self.get_command(ctx, name)
            if command is not None:
                return name, command, args[length:]
        if ctx.resilient_parsing:
            return None, None, args
        raise click.UsageError(self._unknown(ctx, args[0]), ctx=ctx)

    def _unknown(self, ctx: click.Context, word: str) -> str:
        """Return what is wrong with a word that names no command."""
        if sentence := renamed.command(f"{ctx.command_path} {word}"):
            return sentence
        names = self.list_commands(ctx)
        close = [name for name in names if name.startswith(f"{word} ")]
        close = close or difflib.get_close_matches(word, names)
        hint = f" Did you mean {' or '.join(f'`{name}`' for name in close)}?" if close else ""
        return f"No such command '{word}'.{hint}"


class OnCloud(Words):
    """A group whose commands all have the option `--cloud`."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, with the option unless it is itself a group."""
        if not isinstance(cmd, click.Group):
            cloud_option(cmd)
        super().add_command(cmd, name)


def cloud_option(command: click.Command) -> None:
    """Add the option that names the cloud of a command."""
    command.params.append(
        click.Option(
            ["--cloud"],
            metavar="NAME",
            expose_value=False,
            callback=_choose_cloud,
            help="Cloud to use, by its name in the service's clouds.yaml. If not set, the service's default cloud.",
        )
    )


def _choose_cloud(ctx: click.Context, _option: click.Parameter, name: str | None) -> Any:
    client = ctx.find_object(Client)
    if client is not None and name is not None:
        client.cloud = name
    return name
