"""The reference spells types in words that need no Python."""

import enum
from datetime import timedelta
from typing import Annotated, Literal

import pytest
from msgspec import Meta, Struct

from tools.reference import struct


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Brush(Struct):
    colour: Colour = Colour.RED


class PaintPot(Struct):
    """A pot of paint."""

    volume: int
    brushes: tuple[Brush, ...] = ()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (str, "text"),
        (int | None, "number or null"),
        (int | float, "number"),
        (dict[str, tuple[int, ...]], "map of list of number"),
        (Annotated[str, Meta(max_length=3)], "text"),
        (Literal["a", 1], "`a`, `1`"),
        (Colour, "`red`, `blue`"),
        (list[PaintPot], "list of paint pot"),
        (timedelta, "duration"),
    ],
)
def test_spell(kind: object, words: str) -> None:
    assert struct.spell(kind) == words


def test_inner_structs_are_found_once() -> None:
    assert struct.inner(PaintPot) == [Brush]


def test_table_tells_what_must_be_given_and_what_is_there_without() -> None:
    table = struct.table(PaintPot)
    assert "| `volume` | number | required |  |" in table
    assert "| `brushes` | list of brush | `[]` |  |" in table
