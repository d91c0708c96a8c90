"""The bodies of errors: each service has shapes of its own, and the proxies in front of them answer HTML."""

import html
import re
from typing import Any

import msgspec
from msgspec import Struct

from enamel.clouds.calls import cleaning
from enamel.model import redaction

LONGEST = 256 * 1024
"""Bytes of a body that are read."""
_UNSEEN = re.compile(r"<(script|style|head)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
_TAGS = re.compile(r"<[^>]*>", re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)


class Said(Struct, frozen=True, kw_only=True):
    """What an error's body says."""

    kind: str = ""
    """The service's own name for the fault, where it gives one: OverQuota, itemNotFound …"""
    text: str = ""
    """The sentence for people."""


def read(body: bytes) -> Said:
    """Return what an error's body says, whatever its shape."""
    text = body[:LONGEST].decode("utf-8", "replace").strip()
    if text.startswith(("{", "[")):
        try:
            return _of_json(msgspec.json.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # A truncated body still shows its beginning.
            return Said(text=cleaning.clean(text))
    title = _TITLE.search(text)
    # Secrets with tags in them are still in one piece here.
    plain = html.unescape(_TAGS.sub(" ", redaction.blank(_UNSEEN.sub(" ", text))))
    if title and title.group(1).strip() not in plain:
        plain = f"{html.unescape(title.group(1))}: {plain}"
    return Said(text=cleaning.clean(plain))


def _of_json(body: Any) -> Said:
    if isinstance(body, list):
        body = body[0] if body else {}
    if not isinstance(body, dict):
        return Said(text=cleaning.clean(str(body)))
    errors = body.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        first = errors[0]
        return Said(
            kind=_plain(first.get("code")),
            text=cleaning.clean(_plain(first.get("detail")) or _plain(first.get("title"))),
        )
    if "message" in body or "faultstring" in body:
        return Said(
            kind=_plain(body.get("title")) or _plain(body.get("type")),
            text=cleaning.clean(_plain(body.get("message")) or _plain(body.get("faultstring"))),
        )
    # {"itemNotFound": {"message": …}}, {"NeutronError": {"type": …, "message": …}}, {"NeutronError": "…"}
    for name, inner in body.items():
        if isinstance(inner, dict):
            kind = _plain(inner.get("type")) or (_plain(inner.get("title")) if name == "error" else name)
            detail, words = _plain(inner.get("detail")), _plain(inner.get("message"))
            if detail not in words:
                words = f"{words} {detail}"
            return Said(kind=kind, text=cleaning.clean(words))
        if isinstance(inner, str):
            return Said(kind=str(name), text=cleaning.clean(inner))
    return Said(text=cleaning.clean(str(body)) if body else "")


def _plain(value: Any) -> str:
    """Return a value as text; nothing for null."""
    return "" if value is None else str(value)
