"""Safe text: what a service answers, so that no name in it can move the cursor or change the colours of a terminal."""

import json
from typing import Any

from enamel.model import control_characters


class Written(str):
    """A text whose control characters are written out, with the original for programs."""

    __slots__ = ("original",)
    original: str


def of(data: Any) -> Any:
    """Return JSON data, the control characters of its texts written out."""
    if isinstance(data, str):
        return _text(data)
    if isinstance(data, dict):
        return {_text(key): of(value) for key, value in data.items()}
    return [of(value) for value in data] if isinstance(data, list) else data


def as_json(data: Any, *, indent: int | None = None) -> str:
    """Return data as JSON that has the original texts, their control characters escaped as JSON does it."""
    text = json.dumps(_original(data), indent=indent, ensure_ascii=False)
    shown = control_characters.visible(text)
    # Only where there is something to hide are all other letters escaped, too.
    return text if shown == text else json.dumps(_original(data), indent=indent)


def _text(text: str) -> str:
    shown = control_characters.visible(text)
    if shown == text:
        return text
    written = Written(shown)
    written.original = text
    return written


def _original(data: Any) -> Any:
    if isinstance(data, Written):
        return data.original
    if isinstance(data, dict):
        return {_original(key): _original(value) for key, value in data.items()}
    return [_original(value) for value in data] if isinstance(data, list | tuple) else data
