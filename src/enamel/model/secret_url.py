"""The URL that may hold secrets: a password before the host, a token in the query."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

BLANK = "***"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# A password may contain unencoded slashes and `@`, so everything up to the last `@` counts.
_LOGIN = re.compile(r"(?<=://)([^\s\"'<>:@/?#]*):[^\s\"'<>]*@")
_SECRET_VALUE = re.compile(
    r"(?i)(?<=[?&;])([^=&;#\s\"'<>]*(?:pass|pwd|secret|token|key|sig|auth|cred)[^=&;#\s\"'<>]*)=[^&;#\s\"'<>]*"
)


def shown(url: str) -> str:
    """Return a URL as people may see it: without password, and without the values of its query."""
    head, mark, query = _logged_out(url).partition("?")
    if not mark:
        return head.partition("#")[0]
    fields = query.partition("#")[0].split("&")
    return (
        head
        + "?"
        + "&".join(
            f"{name}={BLANK}" if equal else BLANK
            for name, equal, _ in (field.partition("=") for field in fields)
        )
    )


def blank(text: str) -> str:
    """Return a text without the passwords and tokens of the URLs in it."""
    if "://" not in text and "=" not in text:
        return text
    return _SECRET_VALUE.sub(rf"\1={BLANK}", _logged_out(text))


def is_url(text: str) -> bool:
    """Tell whether a text is a URL."""
    return _URL.match(text) is not None


def secrets(url: str) -> Iterator[str]:
    """Yield what is secret in a URL; nothing for any other text."""
    if not is_url(url):
        return
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)
    for _, value in parse_qsl(parts.query):
        yield value


def _logged_out(text: str) -> str:
    return _LOGIN.sub(rf"\1:{BLANK}@", text)
