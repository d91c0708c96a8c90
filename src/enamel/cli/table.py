"""The table: text in columns that fits a terminal, as far as that is possible without breaking an id."""

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_GAP = 3
"""Columns between two columns."""
_LONGEST_WORD = 40
"""Characters of a word that is never broken: an id has 36, an IPv6 address at most 39."""
_WORD = re.compile(rf"[^\s,/]{{1,{_LONGEST_WORD}}}(?:[,/]+|(?=\s|$|[^\s,/]))|[,/]+|\s+")
"""A word, which ends at a space, or after a comma or slash; longer ones are broken."""


class Table:
    """Rows below a heading."""

    def __init__(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Take the cells, which are in rich's markup."""
        from rich.text import Text

        self._header = [Text(heading, "bold") for heading in header]
        self._rows = [[_text(cell) for cell in row] for row in rows]

    def print(self, console: "Console") -> None:
        """Print the table. On a terminal, cells are folded between words as long as lines are too long for it."""
        from rich.text import Text

        widths = self._widths(console.width if console.is_terminal else None)
        console.print()
        self._print_row(console, self._header, widths)
        length = sum(widths) + _GAP * (len(widths) - 1) + 2
        rule = "─" * (min(length, console.width) if console.is_terminal else length)
        console.print(Text(rule), soft_wrap=True)
        for row in self._rows:
            self._print_row(console, row, widths)
        console.print()

    def _widths(self, available: int | None) -> list[int]:
        """Return the width of each column."""
        columns = list(zip(self._header, *self._rows, strict=True))
        widths = [max(cell.cell_len for cell in column) for column in columns]
        if available is None:
            return widths
        least = [max(map(_longest_word, column)) for column in columns]
        around = _GAP * (len(widths) - 1) + 2
        if sum(least) + around > available:
            # It does not fit: the terminal breaks long lines, and folding cells as well would make that worse.
            return [min(width, max(low, _LONGEST_WORD)) for width, low in zip(widths, least, strict=True)]
        while sum(widths) + around > available:
            room = [width if width > low else 0 for width, low in zip(widths, least, strict=True)]
            widths[room.index(max(room))] -= 1
        return widths

    def _print_row(self, console: "Console", row: Sequence["Text"], widths: Sequence[int]) -> None:
        from rich.text import Text

        cells = [_folded(cell, width) for cell, width in zip(row, widths, strict=True)]
        for parts in zip_longest(*cells, fillvalue=Text()):
            line = Text(" ")
            for part, width in zip(parts, widths, strict=True):
                line.append_text(part)
                line.append(" " * (width - part.cell_len + _GAP))
            line.rstrip()
            console.print(line, soft_wrap=True)


def _text(markup: str) -> "Text":
    from rich.text import Text

    text = Text.from_markup(markup) if "[" in markup or "\\" in markup else Text(markup)
    # A line break in a cell would end the row.
    return Text(" ").join(text.split("\n")) if "\n" in text.plain else text


def _longest_word(text: "Text") -> int:
    from rich.cells import cell_len

    return max((cell_len(word) for word in _WORD.findall(text.plain) if not word.isspace()), default=0)


def _folded(text: "Text", width: int) -> list["Text"]:
    """Return the lines of a cell, each at most as long as its column."""
    from rich.cells import cell_len

    if text.cell_len <= width:
        return [text]
    starts, used = [0], 0
    for match in _WORD.finditer(text.plain):
        length = cell_len(match[0])
        if used + length > width and not match[0].isspace():
            starts.append(match.start())
            used = 0
        used += length
    lines = text.divide(starts[1:])
    for line in lines:
        line.rstrip()
    return list(lines)
