"""The page of the command line."""

import inspect
from collections.abc import Iterator
from typing import Any

import click

from enamel.cli import program
from tools.reference import page

ALL_HAVE = {"--help", "--version"}


def text() -> str:
    """Return the page: one heading for each command, with its usage, its arguments and its options."""
    return page.compose(
        title="Command line",
        source="`enamel.cli`",
        intro="`enamel COMMAND --help` prints the same. Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 the service "
        "does not answer, 130 interrupted with Ctrl-C.",
        parts=[_entry(context) for context in contexts()],
    )


def contexts() -> Iterator[click.Context]:
    """Yield a context for every command, groups before their commands."""
    waiting = [click.Context(program.program, info_name="enamel")]
    while waiting:
        context = waiting.pop(0)
        yield context
        if isinstance(context.command, click.Group):
            commands = [
                context.command.get_command(context, name) for name in context.command.list_commands(context)
            ]
            waiting = [
                click.Context(command, parent=context, info_name=command.name)
                for command in commands
                if command and not command.hidden
            ] + waiting


def options(context: click.Context) -> list[click.Option]:
    """Return the options of a command, without those that every command has."""
    return [
        option
        for option in context.command.get_params(context)
        if isinstance(option, click.Option) and not option.hidden and option.opts[-1] not in ALL_HAVE
    ]


def _entry(context: click.Context) -> str:
    command = context.command
    usage = f"```\n{context.command_path} {' '.join(command.collect_usage_pieces(context))}\n```"
    rows = [
        (", ".join(page.code(name) for name in _names(option)), _meaning(option, context=context))
        for option in options(context)
    ]
    return "\n\n".join(
        filter(
            None,
            [
                f"## {page.code(context.command_path)}",
                page.unwrap(inspect.cleandoc((command.help or "").replace("\b\n", ""))),
                usage,
                page.table(header=["option", "meaning"], rows=rows),
            ],
        )
    )


def _names(option: click.Option) -> list[str]:
    value = "" if option.is_flag else f" {option.metavar or _word(option.type)}"
    return [name + value for name in [*option.opts, *option.secondary_opts]]


def _word(kind: click.ParamType[Any]) -> str:
    if isinstance(kind, click.Choice):
        return "|".join(map(str, kind.choices))
    return "NUMBER" if isinstance(kind, click.IntRange) else kind.name.upper()


def _meaning(option: click.Option, *, context: click.Context) -> str:
    extra = option.get_help_extra(context)
    notes = [
        option.help or "",
        f"Default: {page.code(extra['default'])}." if "default" in extra else "",
        _range(option.type) if isinstance(option.type, click.IntRange) else "",
        f"Or the variable {page.code(option.envvar)}." if option.envvar else "",
        "Required." if option.required else "",
        "Can be repeated." if option.multiple and "repeated" not in (option.help or "") else "",
    ]
    return " ".join(filter(None, notes))


def _range(kind: click.IntRange) -> str:
    if kind.max is None:
        return f"At least {kind.min}."
    return f"From {kind.min} to {kind.max}."
