"""Paging: a part of a list that is known as a whole."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from enamel.model.errors import Fault, Invalid
from enamel.service.tasks.read import Page

T = TypeVar("T")


def cut(
    entries: Sequence[T], *, limit: int, marker: str | None, key: Callable[[T], str], what: str
) -> Page[T]:
    """Return the entries that follow the one that the marker names.

    Raises:
        Invalid: No entry has the marker for its key.

    """
    if marker is not None:
        places = [place for place, one in enumerate(entries) if key(one) == marker]
        if not places:
            detail = f"There is no {what} '{marker[:64]}' to go on after; start again without a marker."
            raise Invalid(detail, faults=(Fault(pointer="?marker", detail=detail),))
        entries = entries[places[0] + 1 :]
    return Page(entries=entries[:limit], more=len(entries) > limit)
