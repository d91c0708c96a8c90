"""Parse the request headers that handlers use."""

import re
from collections.abc import Mapping
from datetime import timedelta

from enamel.model import ids
from enamel.model.errors import Fault, Invalid
from enamel.service.tasks import follow

KEY = r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?"
"""The form of an idempotency key."""
EVENT = "[0-9]{1,9}"
"""The form of an event's number."""


def request_id(headers: Mapping[str, str]) -> str:
    """Return the caller's global request id if it is well-formed, else a new one."""
    given = headers.get("x-openstack-request-id", "")
    return given if ids.REQUEST.fullmatch(given) else ids.new_request_id()


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """Return the idempotency key.

    Raises:
        Invalid: It is empty, too long, or not plain printable text.

    """
    key = headers.get("idempotency-key")
    if key is not None and not re.fullmatch(KEY, key):
        raise _refused("Idempotency-Key", "The key must have 1 to 255 printable ASCII characters.")
    return key


def preferred_wait(headers: Mapping[str, str]) -> timedelta | None:
    """Return how long the client prefers to wait for the end, at most a minute.

    A preference that cannot be understood is no preference (RFC 7240, section 2).
    """
    for preference in headers.get("prefer", "").split(","):
        name, _, value = preference.split(";")[0].partition("=")
        seconds = value.strip().strip('"')
        if name.strip().lower() == "wait" and re.fullmatch("[0-9]{1,9}", seconds):
            return min(timedelta(seconds=int(seconds)), follow.LONGEST_WAIT)
    return None


def last_event(headers: Mapping[str, str]) -> int | None:
    """Return the number of the last event that the client of an interrupted stream received.

    Raises:
        Invalid: It is not the number of an event.

    """
    text = headers.get("last-event-id", "").strip()
    if not text:
        return None
    if not re.fullmatch(EVENT, text):
        raise _refused("Last-Event-ID", f"'{text[:40]}' is not the number of an event.")
    return int(text)


def wants_fresh(headers: Mapping[str, str]) -> bool:
    """Return whether the client refuses cached responses (RFC 9111, section 5.2.1.4)."""
    directives = headers.get("cache-control", "").lower().split(",")
    return any(directive.strip() == "no-cache" for directive in directives)


def matches(headers: Mapping[str, str], tag: str) -> bool:
    """Return whether the client has the entity with this tag already."""
    known = [entry.strip().removeprefix("W/") for entry in headers.get("if-none-match", "").split(",")]
    return "*" in known or tag in known


def _refused(name: str, detail: str) -> Invalid:
    return Invalid(detail, faults=(Fault(pointer=name, detail=detail, code="header"),))
