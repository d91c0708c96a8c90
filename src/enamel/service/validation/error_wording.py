"""The wording of faults: what was expected, what came, what was probably meant, and where."""

import difflib
import json
from collections.abc import Iterable
from typing import Any

from msgspec import inspect

from enamel.model import secret_names


def step(pointer: str, name: str | int) -> str:
    """Return the JSON pointer one step further down (RFC 6901)."""
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def like(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean '…'?` if a known name is close, else the known names."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known are {', '.join(known)}" if known else ""


_WORDS: dict[type[inspect.Type], str] = {
    inspect.StrType: "a text",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.BoolType: "true or false",
    inspect.NoneType: "null",
    inspect.DateTimeType: "a time such as 2026-01-31T12:00:00Z",
    inspect.StructType: "an object",
    inspect.DictType: "an object",
}


def wanted(kind: inspect.Type) -> str:
    """Return in words what a type accepts."""
    options = list(dict.fromkeys(_options(kind)))
    options.sort(key=lambda option: option == "null")
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"


def _options(kind: inspect.Type) -> list[str]:
    match kind:
        case inspect.Metadata():
            expected = (kind.extra or {}).get("expected")
            return [str(expected)] if expected else _options(kind.type)
        case inspect.LiteralType():
            return [f"'{value}'" for value in kind.values]
        case inspect.EnumType():
            return [f"'{member.value}'" for member in kind.cls]
        case inspect.UnionType():
            return [option for member in kind.types for option in _options(member)]
        case inspect.CollectionType():
            return ["a list"]
    return [_WORDS.get(type(kind), "a value")]


def mismatch(kind: inspect.Type, data: Any, *, pointer: str, expected: str = "") -> str:
    """Return the sentence for a value of another type, with the word that was probably meant.

    Args:
        kind: The type that is accepted.
        data: What came.
        pointer: Where.
        expected: What is accepted, in words; if empty, told by the type.
    """
    sentence = f"Expected {expected or wanted(kind)}, got {got(data, pointer=pointer)}."
    words = {word.lower(): word for word in _words(kind)}
    if isinstance(data, str) and not is_secret(pointer):
        # States and kinds have one case; whoever writes another one means them.
        close = difflib.get_close_matches(data.strip().lower(), words, n=1, cutoff=0.8)
        sentence += f" Did you mean '{words[close[0]]}'?" if close else ""
    return sentence


def _words(kind: inspect.Type) -> list[str]:
    """Return the texts that a type has for its only values."""
    match kind:
        case inspect.Metadata():
            return _words(kind.type)
        case inspect.LiteralType():
            return [value for value in kind.values if isinstance(value, str)]
        case inspect.EnumType():
            return [member.value for member in kind.cls if isinstance(member.value, str)]
        case inspect.UnionType():
            return [word for member in kind.types for word in _words(member)]
    return []


def got(data: Any, *, pointer: str) -> str:
    """Return in words what came instead at a place of the body; what is secret there is not repeated."""
    if isinstance(data, str | int | float) and is_secret(pointer):
        return "something else"
    match data:
        case None | bool():
            return json.dumps(data)
        case int() | float():
            return f"the number {data}"
        case str():
            return f"the text '{short(data)}'"
        case list():
            return "a list"
    return "an object"


def is_secret(pointer: str) -> bool:
    """Tell whether what stands at a place of a body is to be repeated nowhere."""
    return any(map(secret_names.fits, pointer.split("/")))


def short(text: str) -> str:
    """Return a text cut to what fits in a sentence."""
    return text if len(text) <= 40 else f"{text[:39]}…"


def unfit(text: str) -> str:
    """Return in words which character a text has that cannot be stored."""
    return "a NUL character (U+0000)" if "\0" in text else "half a character (a lone surrogate)"


def stopped(text: str) -> str:
    """Return a sentence with its full stop."""
    return text if text[-1:] in {".", "?", "!"} else f"{text}."
