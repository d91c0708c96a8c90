"""The glossary has every noun of the API and the command line once, with one meaning."""

import re
from pathlib import Path

import click
import pytest

from enamel.api.routes import ROUTES
from enamel.commands import COMMANDS
from enamel.model import item, task
from tools.reference import cli

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")

ABOUT_THE_PROCESS = {"healthcheck", "metrics", "openapi.json", "schemas"}
"""First segments of paths that name no resource."""
DATABASE_AND_SETTINGS = {"db", "conf"}
"""Groups of the command line that are about an installation."""
FIELDS_OF_EVERY_RECORD = {
    "id", "type", "kind", "name", "state", "error", "created_at", "started_at", "ended_at", "created_by", "project_id",
    "request_id", "not_before", "data", "outputs", "note", "progress", "parent",
}  # fmt: skip
"""Fields that need no definition: their meaning is that of the words in them."""
OTHER_NAMES = {
    "calls": "API call",
    "reserves": "reservation",
    "reverting": "rollback",
    "cancel_requested": "task",
    "released_at": "worker",
}
"""Words behind fields that are shortened or verbs."""


def rows() -> list[list[str]]:
    lines = [line for line in TEXT.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] not in ("word", "---")]


WORDS = [row[0] for row in rows()]


def is_defined(noun: str) -> bool:
    """Return whether a noun, or its singular, is in the glossary."""
    words = noun.replace("_", " ").replace("-", " ")
    return bool({words, words.removesuffix("s"), words.removesuffix("es")} & set(WORDS))


def test_every_word_is_there_once() -> None:
    folded = [word.casefold() for word in WORDS]
    assert sorted(word for word in set(folded) if folded.count(word) > 1) == []


def test_every_word_has_one_meaning_in_one_sentence_or_more() -> None:
    assert [row[0] for row in rows() if len(row) != 3 or not row[1].endswith(".")] == []


def test_words_are_in_order_within_their_section() -> None:
    for section in TEXT.split("\n## ")[1:]:
        words = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")][2:]
        assert words == sorted(words, key=str.casefold)


def test_no_word_is_one_that_is_used_instead_of_another() -> None:
    instead = {re.sub(r" \(.*\)", "", name).strip() for row in rows() for name in row[2].split(",")}
    assert sorted({word.casefold() for word in WORDS} & {name.casefold() for name in instead}) == []


@pytest.mark.parametrize(
    "noun",
    sorted(
        {route.path.split("/")[1] for route in ROUTES} - ABOUT_THE_PROCESS - {"", "projects", "server_tasks"}
    ),
)
def test_nouns_of_paths_are_defined(noun: str) -> None:
    assert is_defined(noun)


@pytest.mark.parametrize(
    "noun",
    sorted(
        {
            str(context.info_name)
            for context in cli.contexts()
            if isinstance(context.command, click.Group) and context.parent is not None
        }
        - DATABASE_AND_SETTINGS
    ),
)
def test_nouns_of_the_command_line_are_defined(noun: str) -> None:
    assert is_defined(noun)


@pytest.mark.parametrize("noun", sorted({name.split(".")[0] for name in COMMANDS}))
def test_nouns_of_commands_are_defined(noun: str) -> None:
    assert is_defined(noun)


@pytest.mark.parametrize(
    "field", sorted({*task.Task.__struct_fields__, *item.Item.__struct_fields__} - FIELDS_OF_EVERY_RECORD)
)
def test_fields_of_tasks_and_items_are_defined(field: str) -> None:
    assert is_defined(OTHER_NAMES.get(field, field))
