"""The encodings in which a text may show up in another one: escaped for JSON, HTML or a URL, in base64 or in hexadecimal.

A view is a text as it reads when one of these is taken away. Each byte of a view knows which part of the original it
stands for, so that what is found in a view can be blanked in the original.
"""

import base64
import binascii
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from msgspec import Struct

DEPTH = 2
"""How many encodings on top of one another are taken away: base64 within base64, hexadecimal of JSON in JSON …"""
ESCAPES = 4
"""How many escapes on top of one another are taken away: of a URL in JSON in HTML …"""
_ESCAPE = re.compile(
    rb"\\+u[dD][89abAB][0-9a-fA-F]{2}\\+u[dD][c-fC-F][0-9a-fA-F]{2}|\\+u[0-9a-fA-F]{4}|\\+x[0-9a-fA-F]{2}|\\+[nrtbf]"
    rb"|%[0-9a-fA-F]{2}|&#?[0-9a-zA-Z]{2,8};"
)
_SILENT = frozenset({*range(0x21), 0x7F, *b"\\+"})
"""Bytes that come and go with encodings: white space, NULs of UTF-16, backslashes before quotes, plus signs for blanks."""
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/_-]{16,}(?:\\+[rn]|\s){1,4})*[A-Za-z0-9+/_-]{6,}")
_BREAK = re.compile(rb"(?:\\+[rn]|\s)+")
_HEX = re.compile(rb"[0-9a-fA-F]{6,}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


class View(Struct, frozen=True):
    """A text without an encoding, and where each of its bytes comes from."""

    data: bytes
    spans: list[tuple[int, int]]
    """For each byte, the part of the original that it stands for."""


def views(text: bytes) -> Iterator[View]:
    """Yield a text with no, one or several of its encodings taken away, ready to be searched."""
    yield from _views(View(text, [(at, at + 1) for at in range(len(text))]), depth=DEPTH)


def plain(text: bytes) -> bytes:
    """Return a text in the form in which views are: no escapes, no white space, lower case."""
    return _plain(View(text, [(at, at + 1) for at in range(len(text))])).data


def decoded(text: bytes) -> bytes | None:
    """Return what a text stands for that is base64 as a whole; None if it is not."""
    try:
        return base64.b64decode(b"".join(text.split()).translate(_URL_SAFE), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _views(view: View, *, depth: int) -> Iterator[View]:
    unescaped = _unescape(view)
    yield _silence(unescaped)
    if depth:
        for inner in (*_from_base64(unescaped), *_from_hex(unescaped)):
            yield from _views(inner, depth=depth - 1)


def _plain(view: View) -> View:
    return _silence(_unescape(view))


def _unescape(view: View) -> View:
    """Take away escapes of JSON, URLs and HTML, on top of one another as well."""
    for _ in range(ESCAPES):
        data, spans, end = bytearray(), [], 0
        for match in _ESCAPE.finditer(view.data):
            character = _character(match[0])
            if character is None:
                continue
            data += view.data[end : match.start()] + character
            spans += view.spans[end : match.start()]
            spans += [(view.spans[match.start()][0], view.spans[match.end() - 1][1])] * len(character)
            end = match.end()
        if not end:
            return view
        view = View(bytes(data) + view.data[end:], spans + view.spans[end:])
    return view


def _character(escape: bytes) -> bytes | None:
    """Return what an escape stands for; None if it stands for itself."""
    if escape.startswith(b"%"):
        return unquote_to_bytes(escape)
    if escape.startswith(b"&"):
        text = html.unescape(escape.decode())
        return None if text == escape.decode() else text.encode("utf-8", "replace")
    letter, digits = escape.lstrip(b"\\")[:1], escape.lstrip(b"\\")[1:]
    if letter == b"x":
        return bytes([int(digits, 16)])
    if letter == b"u":
        units = [int(part[-4:], 16) for part in re.findall(rb"u([0-9a-fA-F]{4})", escape)]
        raw = b"".join(unit.to_bytes(2, "big") for unit in units)
        return raw.decode("utf-16-be", "replace").encode()
    return b"\n"


def _silence(view: View) -> View:
    """Take away what comes and goes with encodings, and the case."""
    kept = [at for at, byte in enumerate(view.data) if byte not in _SILENT]
    if len(kept) == len(view.data):
        return View(view.data.lower(), view.spans)
    return View(bytes(view.data[at] for at in kept).lower(), [view.spans[at] for at in kept])


def _from_base64(view: View) -> Iterator[View]:
    """Yield what each run of base64 says, wherever in the original its groups of four begin."""
    for match in _BASE64.finditer(view.data):
        run = _BREAK.sub(b"", match[0]).translate(_URL_SAFE)
        span = view.spans[match.start()][0], view.spans[match.end() - 1][1]
        for offset in range(4):
            groups = run[offset:]
            data = binascii.a2b_base64(groups[: len(groups) // 4 * 4] + _rest(groups))
            # Whatever is found in it, the whole run is blanked: its edges are parts of the same secret.
            yield View(data, [span] * len(data))


def _rest(groups: bytes) -> bytes:
    """Return the last, incomplete group of base64, filled up; nothing if it holds no byte."""
    rest = groups[len(groups) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _from_hex(view: View) -> Iterator[View]:
    for match in _HEX.finditer(view.data):
        span = view.spans[match.start()][0], view.spans[match.end() - 1][1]
        for offset in range(2):
            digits = match[0][offset:]
            data = binascii.unhexlify(digits[: len(digits) // 2 * 2])
            yield View(data, [span] * len(data))
