"""The table: it fits the terminal where it can, and never breaks an id."""

import io
import uuid

import pytest
from rich.console import Console

from enamel.cli.table import Table

ID = "01a224ed-8bfc-7127-bae5-ad53c6bc8f55"


def printed(header: list[str], *rows: list[str], width: int, terminal: bool = True) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)
    Table(header, rows).print(console)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 140])
def test_ids_addresses_and_times_are_never_broken(width: int) -> None:
    words = [
        ID,
        "10.0.0.2",
        "fd00:aaaa:bbbb:cccc:dddd:eeee:ffff:1234",
        "2026-11-29",
        "server-await_active-web-1",
    ]
    text = printed(["id", "a", "b", "c", "d"], [*words], width=width)
    assert all(any(word in line for line in text) for word in words)


def test_text_is_folded_between_words_until_the_table_fits() -> None:
    long = "No valid host was found. There are not enough hosts available, and more of the kind."
    text = printed(["id", "why"], [ID, long], width=80)
    assert max(map(len, text)) <= 80
    assert " ".join(line[40:].strip() for line in text[3:]).split() == long.split()


def test_an_output_that_is_no_terminal_is_not_folded() -> None:
    ids = [str(uuid.UUID(int=number)) for number in range(20)]
    (row,) = [line for line in printed(["ids"], [", ".join(ids)], width=80, terminal=False) if ids[0] in line]
    assert row.strip() == ", ".join(ids)


def test_wide_characters_and_markup_do_not_move_the_columns() -> None:
    text = printed(["name", "state"], ["服务器", "[green]ACTIVE[/green]"], [r"a\[b]", "ERROR"], width=80)
    assert text[3:5] == [" 服务器   ACTIVE", " a[b]     ERROR"]


def test_a_line_break_does_not_end_a_row() -> None:
    assert " a b   c" in printed(["x", "y"], ["a\nb", "c"], width=80)
