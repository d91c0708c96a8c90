"""The command lines in the documentation are ones that the program accepts."""

import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from enamel.cli import program

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("docs", "docs/tutorial", "docs/how-to", "docs/explanation", "docs/development", "deploy")
PAGES = [ROOT / "README.md", *(page for folder in FOLDERS for page in sorted((ROOT / folder).glob("*.md")))]
_BLOCK = re.compile(r"^ {4,}(?:\.venv/bin/|/opt/enamel/bin/)?enamel (.*)$|^enamel (.*)$", re.MULTILINE)
_INLINE = re.compile(r"`(?:\.venv/bin/)?enamel ([^`]+)`")
_NOT_WORDS = re.compile(r"\s[#>&|].*")


def lines(page: Path) -> Iterator[str]:
    """Yield the command lines of a page, without the name of the program."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for match in _BLOCK.finditer(text):
        yield _NOT_WORDS.sub("", match[1] or match[2])
    for match in _INLINE.finditer(text):
        yield _NOT_WORDS.sub("", match[1])


def words(line: str) -> list[str]:
    """Return the words of a command line; placeholders of files are a file, dots are left out."""
    existing = {"FILE": __file__, "me=~/.ssh/id_ed25519.pub": "me"}
    return [existing.get(word, word) for word in shlex.split(line) if word not in {"…", "COMMAND"}]


def parse(arguments: list[str]) -> None:
    """Parse a command line without running it. Raises click.UsageError."""
    with contextlib.ExitStack() as stack:
        context = program.program.make_context("enamel", list(arguments))
        while isinstance(context.command, click.Group) and (
            rest := [*context._protected_args, *context.args]
        ):
            name, command, rest = context.command.resolve_command(context, rest)
            assert command is not None
            context = command.make_context(name, rest, parent=context)
            stack.callback(context.close)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_line_of_a_page_is_accepted(page: Path) -> None:
    refused = {}
    for line in lines(page):
        # A text may name several commands: `cloud list|show`.
        if "|" in line.split("'")[0]:
            continue
        try:
            parse(words(line))
        except (click.MissingParameter, click.exceptions.Exit, click.exceptions.NoArgsIsHelpError):
            # A text may name a command without its arguments.
            continue
        except click.UsageError as error:
            refused[line] = error.format_message()
    assert refused == {}


def test_pages_have_command_lines() -> None:
    assert sum(1 for page in PAGES for _ in lines(page)) > 80
