"""The marks on flavors: extra specs with a reserved prefix, a key for each, so that no change of one loses another.

Nova's schedulers pass over keys with a prefix that they do not know, and servers of the flavor are none the wiser.
"""

import hashlib
from collections.abc import Mapping

from enamel.model import cloud

RESERVED = "enamel:"
OWNER = RESERVED + "owner"
_TAG = RESERVED + "tag:"
_USER = RESERVED + "user:"
_GUEST = RESERVED + "guest:"
_SHARED = "shared"


def read(specs: Mapping[str, str]) -> cloud.FlavorMarks:
    """Return what the extra specs of a flavor say."""

    def rest(prefix: str) -> tuple[str, ...]:
        return tuple(sorted(key.removeprefix(prefix) for key in specs if key.startswith(prefix)))

    return cloud.FlavorMarks(
        tags=tuple(sorted(value for key, value in specs.items() if key.startswith(_TAG))),
        owner=specs.get(OWNER, ""),
        users=rest(_USER),
        guests=rest(_GUEST),
        extra=tuple(sorted(pair for pair in specs.items() if not pair[0].startswith(RESERVED))),
    )


def write(marks: cloud.FlavorMarks) -> dict[str, str]:
    """Return the extra specs that say it."""
    specs = dict(marks.extra)
    if marks.owner:
        specs[OWNER] = marks.owner
    # Tags may have letters that keys may not.
    specs |= {_TAG + hashlib.sha256(tag.encode()).hexdigest()[:16]: tag for tag in marks.tags}
    specs |= {_USER + user: _SHARED for user in marks.users}
    specs |= {_GUEST + project: _SHARED for project in marks.guests}
    return specs
