"""Texts of clouds as they may be shown: on one line, of bearable length, without secrets."""

import re

from enamel.model import control_characters, redaction, secret_url
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

_REQUEST_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)


def request_id(header: str) -> str:
    """Return a request's id as the cloud gives it; empty if it is none."""
    return header if _REQUEST_ID.fullmatch(header) and redaction.blank(header) == header else ""


def clean(text: str) -> str:
    """Return a text on one line, of a bearable length, without secrets, its control characters written out."""
    known = secret_url.blank(redaction.blank(texts.clean(text)))
    line = _SECRETS.sub(redaction.BLANK, control_characters.visible(" ".join(known.split())))
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"
