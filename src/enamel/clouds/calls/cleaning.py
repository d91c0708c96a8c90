"""Texts of clouds as they may be shown: on one line, of bearable length, without secrets."""

import re

from enamel.model import text as texts

LONGEST_TEXT = 500

_SECRETS = re.compile(
    r"gAAAA[\w=-]{20,}"  # Fernet tokens
    r"|eyJ[\w-]{10,}\.[\w-]+\.[\w-]+"  # JWS tokens
    r"|(?<=[\"']adminPass[\"']: [\"'])[^\"']+"
    r"|(?<=[\"']password[\"']: [\"'])[^\"']+"
    r"|(?<=[\"']secret[\"']: [\"'])[^\"']+"
    r"|[A-Za-z0-9+/]{80,}={0,2}"  # user data
)


def clean(text: str) -> str:
    """Return a text on one line, of a bearable length, without anything secret."""
    line = _SECRETS.sub("***", " ".join(texts.clean(text).split()))
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"
