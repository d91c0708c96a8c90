"""The confirmation of what destroys something: a person at a terminal is told what goes, and asked."""

import sys
from collections.abc import Callable, Iterable

import click

from enamel.cli.failure import Failure


def destroying(sentences: Callable[[], Iterable[str]], *, yes: bool) -> None:
    """Ask whether to go on. Scripts, whose standard input is no terminal, are not asked.

    Args:
        sentences: Returns what will be gone; called only if somebody is asked.
        yes: Whether the command line has answered already.

    Raises:
        Failure: The answer is no.

    """
    if yes or not sys.stdin.isatty():
        return
    for sentence in sentences():
        click.echo(sentence, err=True)
    if not click.confirm("Continue?", err=True):
        raise Failure("Nothing was changed.", "--yes answers in advance.")
