"""Negotiate the version of the API, in a header."""

import re
from collections.abc import Mapping

from enamel.model.errors import Fault, VersionNotOffered

SERVICE = "enamel"
HEADER = "OpenStack-API-Version"
OLDEST = (1, 0)
NEWEST = (1, 0)

_FORM = re.compile(r"([1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})")

Version = tuple[int, int]


def text(version: Version) -> str:
    """Return a version as text."""
    return f"{version[0]}.{version[1]}"


def headers(version: Version) -> dict[str, str]:
    """Return the headers with the version of an answer and the supported ones."""
    return {
        HEADER: f"{SERVICE} {text(version)}",
        "OpenStack-API-Minimum-Version": f"{SERVICE} {text(OLDEST)}",
        "OpenStack-API-Maximum-Version": f"{SERVICE} {text(NEWEST)}",
    }


def negotiate(sent: Mapping[str, str]) -> Version:
    """Return the version that a request names; the oldest one if it names none.

    Raises:
        VersionNotOffered: It is malformed or not supported.

    """
    # The header may name several services, each with its version.
    for entry in sent.get(HEADER.lower(), "").split(","):
        service, _, number = entry.strip().partition(" ")
        if service.lower() == SERVICE:
            return _offered(number.strip())
    return OLDEST


def _offered(number: str) -> Version:
    if number == "latest":
        return NEWEST
    match = _FORM.fullmatch(number)
    if not match:
        raise _refused(f"'{number[:40]}' is not a version: send `{SERVICE} X.Y` or `{SERVICE} latest`.")
    version = (int(match[1]), int(match[2]))
    if not OLDEST <= version <= NEWEST:
        raise _refused(f"Version {number} is not supported; supported are {text(OLDEST)} to {text(NEWEST)}.")
    return version


def _refused(detail: str) -> VersionNotOffered:
    fault = Fault(pointer=HEADER, detail=detail, code="version")
    return VersionNotOffered(detail, faults=(fault,), oldest=text(OLDEST), newest=text(NEWEST))
