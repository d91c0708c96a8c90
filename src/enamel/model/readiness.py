"""Readiness: the sign by which a caller considers a server ready."""

import re
from urllib.parse import urlsplit

from msgspec import Struct

_PLAIN = re.compile("[!-~]+")
"""What can stand in an address as it is: no space, nothing unprintable."""


class Readiness(Struct, frozen=True, kw_only=True):
    """The sign that a server is ready."""

    scheme: str
    """active, tcp, http or https."""
    port: int = 0
    path: str = ""
    """With its query."""


def parse(text: str) -> Readiness | None:
    """Return what a `ready_when` means: active, tcp/PORT or http(s)://:PORT/path; None when it means nothing."""
    if text == "active":
        return Readiness(scheme="active")
    if not _PLAIN.fullmatch(text):
        return None
    match = re.fullmatch(r"tcp/(\d{1,5})", text)
    if match and 1 <= int(match[1]) <= 65535:
        return Readiness(scheme="tcp", port=int(match[1]))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    addressed = parts.hostname or parts.username or parts.fragment or port == 0
    if parts.scheme in {"http", "https"} and not addressed:
        port = port or (443 if parts.scheme == "https" else 80)
        asked = f"?{parts.query}" if parts.query else ""
        return Readiness(scheme=parts.scheme, port=port, path=(parts.path or "/") + asked)
    return None
