"""Control characters: what moves a cursor, changes colours or turns the direction of writing, made visible."""

import re

_CODES = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_CONTROL = re.compile(f"[{_CODES}]")
_COLOURS = re.compile("(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]")


def visible(text: str) -> str:
    r"""Return a text in which each control character is written out, such as `\x1b`; tabs and line ends stay."""
    return text if text.isascii() and text.isprintable() else _CONTROL.sub(_written, text)


def without_colours(text: str) -> str:
    """Return the text of a console for a file: no colours and movements, line ends as on this system."""
    return visible(_COLOURS.sub("", text).replace("\r\n", "\n"))


def _written(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
