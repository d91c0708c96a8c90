"""The version of the API, as callers and service agree on it in a header."""

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
    """Return a version as it is written."""
    return f"{version[0]}.{version[1]}"


def headers(version: Version) -> dict[str, str]:
    """Return the headers that tell a caller which version answered and which are on offer."""
    return {
        HEADER: f"{SERVICE} {text(version)}",
        "OpenStack-API-Minimum-Version": f"{SERVICE} {text(OLDEST)}",
        "OpenStack-API-Maximum-Version": f"{SERVICE} {text(NEWEST)}",
    }


def negotiate(asked: Mapping[str, str]) -> Version:
    """Return the version that a request asks for; the oldest where it does not say.

    Raises:
        VersionNotOffered: It is malformed or not on offer.

    """
    # The header may name several services, each with its version.
    for entry in asked.get(HEADER.lower(), "").split(","):
        service, _, wanted = entry.strip().partition(" ")
        if service.lower() == SERVICE:
            return _offered(wanted.strip())
    return OLDEST


def _offered(wanted: str) -> Version:
    if wanted == "latest":
        return NEWEST
    found = _FORM.fullmatch(wanted)
    if not found:
        raise _refused(f"'{wanted[:40]}' is not a version: write `{SERVICE} X.Y` or `{SERVICE} latest`.")
    version = (int(found[1]), int(found[2]))
    if not OLDEST <= version <= NEWEST:
        raise _refused(f"Version {wanted} is not on offer: {text(OLDEST)} to {text(NEWEST)} are.")
    return version


def _refused(detail: str) -> VersionNotOffered:
    fault = Fault(pointer=HEADER, detail=detail, code="version")
    return VersionNotOffered(detail, faults=(fault,), oldest=text(OLDEST), newest=text(NEWEST))
