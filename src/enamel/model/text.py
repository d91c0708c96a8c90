"""Text that every database, every terminal and every client can hold.

What comes from a cloud or from a library may contain characters that JSON allows and others do not: NUL, which no text of
PostgreSQL can contain, and lone surrogates, which have no encoding in UTF-8. Each becomes U+FFFD, the character that stands
for one that cannot be shown. Requests are not changed: one that contains such a character is refused.
"""

import re
from collections.abc import Mapping
from typing import Any

REPLACEMENT = "\ufffd"

_UNFIT = re.compile("[\0\ud800-\udfff]")
# An escape begins with a backslash that is not itself escaped. A high surrogate and the low one behind it are one character.
_ESCAPE = re.compile(
    rb"\\(?:u(?:(0000)|([dD][89abAB][0-9a-fA-F]{2})(\\u[dD][c-fC-F][0-9a-fA-F]{2})?"
    rb"|([dD][c-fC-F][0-9a-fA-F]{2}))|.)",
    re.DOTALL,
)
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def fits(text: str) -> bool:
    """Return whether a text has only characters that can be stored."""
    return "\0" not in text and (text.isascii() or _UNFIT.search(text) is None)


def clean(text: str) -> str:
    """Return a text without the characters that cannot be stored."""
    return text if fits(text) else _UNFIT.sub(REPLACEMENT, text)


def clean_data(data: Any) -> Any:
    """Return data of JSON in which every text, keys included, can be stored."""
    if isinstance(data, str):
        return clean(data)
    if isinstance(data, Mapping):
        return {clean(name) if isinstance(name, str) else name: clean_data(data[name]) for name in data}
    if isinstance(data, list | tuple):
        return [clean_data(value) for value in data]
    return data


def clean_json(raw: bytes) -> bytes:
    """Return a JSON text whose strings can be stored once it is decoded. Bytes that are no JSON are cleaned as well."""
    raw = raw.replace(b"\0", REPLACEMENT.encode())
    return _ESCAPE.sub(_fitting, raw) if _SUSPECT.search(raw) else raw


def _fitting(escape: re.Match[bytes]) -> bytes:
    nul, high, low, alone = escape.groups()
    unfit = nul or alone or (high and not low)
    return b"\\ufffd" if unfit else escape[0]
