"""The tag: a short word that people put on servers and server types, and what makes one."""

import re
from collections.abc import Collection

from enamel.model.errors import Fault, Invalid

MOST = 50
LONGEST = 50
_BAD = re.compile(r"[/,]")


def check(tag: str) -> None:
    """Refuse what is no tag. Raises Invalid."""
    if wrong := fault(tag, ""):
        raise Invalid(wrong.detail, faults=(wrong,))


def check_all(tags: Collection[str]) -> tuple[str, ...]:
    """Return a set of tags in order, each once.

    Raises:
        Invalid: One is none, or there are too many.

    """
    faults = [wrong for number, tag in enumerate(tags) if (wrong := fault(tag, f"/tags/{number}"))]
    if len(set(tags)) > MOST:
        detail = f"{len(set(tags))} tags are too many: at most {MOST}."
        faults.append(Fault(pointer="/tags", detail=detail, code="length"))
    if faults:
        raise Invalid(" ".join(known.detail for known in faults), faults=tuple(faults))
    return tuple(sorted(set(tags)))


def fault(tag: str, pointer: str) -> Fault | None:
    """Return what keeps a text from being a tag, or None where it is one."""
    if not tag or len(tag) > LONGEST:
        return Fault(pointer=pointer, detail=f"A tag has 1 to {LONGEST} characters.", code="length")
    if _BAD.search(tag):
        return Fault(pointer=pointer, detail=f"Tag '{tag}' has a '/' or a ','; leave it out.", code="format")
    return None
