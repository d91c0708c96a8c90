"""Redaction: known secrets are blanked by their values, in whatever encoding and in whatever part they come back.

Whoever handles a secret keeps it known while others may repeat it: a run keeps those of its task, a call those of its
request and its token. All texts that leave (errors, events, log lines) pass `blank`.

    with redaction.keeping(redaction.Redactor([password])):
        redaction.blank("invalid: {'adminPass': 'hunter2-and-more'}")     # "invalid: {'adminPass': '***'}"
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from enamel.model import encodings, secret_names, secret_url

BLANK = "***"
"""What stands in place of a secret."""
LONGEST = 8192
"""Characters of a text that are searched for secrets; what is longer is cut there."""
SHORTEST = 3
"""Bytes of a secret that is blanked: of a shorter one, nearly every text has a copy."""
PART = 8
"""Bytes of a long secret that are blanked wherever they stand."""
PART_OF_SHORT = 6
"""The same of a password or key, which has at most `SHORT` bytes."""
SHORT = 64


class Redactor:
    """Knows some secrets, and blanks them in texts."""

    def __init__(self, secrets: Iterable[str | bytes]) -> None:
        """Keep secrets; those that are base64 are known by what they stand for, too."""
        self._secrets = frozenset(
            secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else bytes(secret)
            for secret in secrets
            if secret
        )
        self._parts: dict[int, frozenset[bytes]] | None = None

    def __bool__(self) -> bool:
        """Tell whether there is anything to blank."""
        return bool(self._secrets)

    def spans(self, view: encodings.View) -> Iterator[tuple[int, int]]:
        """Yield the parts of the original in which a view shows a secret, or a part of one."""
        for size, parts in self._known().items():
            data = view.data
            for at in range(len(data) - size + 1):
                if data[at : at + size] in parts:
                    yield view.spans[at][0], view.spans[at + size - 1][1]

    def _known(self) -> dict[int, frozenset[bytes]]:
        """Return all parts of all secrets by their size; made when there is the first text to search."""
        if self._parts is None:
            parts: dict[int, set[bytes]] = {}
            for secret in self._secrets:
                inner = encodings.decoded(secret)
                for form in {secret, inner or secret}:
                    known = encodings.plain(form)
                    size = min(len(known), PART_OF_SHORT if len(known) <= SHORT else PART)
                    if size >= SHORTEST:
                        cut = {known[at : at + size] for at in range(len(known) - size + 1)}
                        parts.setdefault(size, set()).update(cut)
            self._parts = {size: frozenset(cut) for size, cut in parts.items()}
        return self._parts


_known: ContextVar[tuple[Redactor, ...]] = ContextVar("enamel_known_secrets", default=())


@contextmanager
def keeping(redactor: Redactor) -> Iterator[None]:
    """Have the secrets of a redactor blanked in all texts that pass here within."""
    token = _known.set((*_known.get(), redactor))
    try:
        yield
    finally:
        _known.reset(token)


def keep(redactor: Redactor) -> None:
    """Have the secrets of a redactor blanked in all texts that pass here from now on."""
    if redactor:
        _known.set((*_known.get(), redactor))


def blank(text: str) -> str:
    """Return a text without the secrets that are known here; one that is far too long is cut.

    Args:
        text: Anything that is shown, sent, stored or logged.
    """
    redactors = [redactor for redactor in _known.get() if redactor]
    if not redactors or len(text) < SHORTEST:
        return text
    cut = text[:LONGEST]
    raw = cut.encode("utf-8", "surrogatepass")
    spans = sorted(
        span for view in encodings.views(raw) for redactor in redactors for span in redactor.spans(view)
    )
    if not spans:
        return text if len(text) <= LONGEST else f"{cut}…"
    blanked, end = bytearray(), 0
    for start, stop in _merged(spans):
        blanked += raw[end:start] + BLANK.encode()
        end = stop
    return (bytes(blanked) + raw[end:]).decode("utf-8", "replace")


def values(data: Any, *, secret: bool = False) -> Iterator[str]:
    """Yield the secrets of JSON data: whatever stands under a secret's name, and what URLs have of them.

    Args:
        data: The body of a request.
        secret: Whether all of it is.
    """
    if isinstance(data, Mapping):
        for name, inner in data.items():
            yield from values(inner, secret=secret or secret_names.fits(str(name)))
    elif isinstance(data, list | tuple):
        for inner in data:
            yield from values(inner, secret=secret)
    elif isinstance(data, str):
        yield from (data,) if secret else secret_url.secrets(data)
    elif secret and isinstance(data, int | float) and not isinstance(data, bool):
        yield str(data)


def blank_all(value: Any) -> Any:
    """Return a value of JSON, all of whose texts have passed `blank`; keys stay as they are."""
    if not _known.get():
        return value
    if isinstance(value, str):
        return blank(value)
    if isinstance(value, dict):
        return {key: blank_all(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [blank_all(inner) for inner in value]
    return value


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield sorted spans, those that overlap or touch as one."""
    begin, end = -1, -1
    for start, stop in spans:
        if start > end:
            if end >= 0:
                yield begin, end
            begin, end = start, stop
        end = max(end, stop)
    yield begin, end
