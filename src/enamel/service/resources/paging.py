"""Paging: a part of a collection that is known as a whole."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from enamel.model.errors import Fault, Invalid

T = TypeVar("T")

LIMIT = 20
"""How many entries a page has if a request does not say."""


class Page(Struct, Generic[T], frozen=True, kw_only=True):
    """A part of a collection."""

    entries: Sequence[T]
    more: bool = False
    """Whether others follow."""


def page(
    entries: Sequence[T],
    *,
    limit: int,
    marker: str | None,
    key: Callable[[T], str],
    what: str,
    keep: Callable[[T], bool] = lambda entry: True,
) -> Page[T]:
    """Return the entries after the one that the marker names, as far as a filter keeps them.

    The marker is looked up among all entries: the filter may not keep it any more.

    Raises:
        Invalid: No entry has the marker for its key.
    """
    if marker is not None:
        places = [place for place, entry in enumerate(entries) if key(entry) == marker]
        if not places:
            detail = f"The marker '{marker[:64]}' is not the id of a {what}: start again without a marker."
            raise Invalid(detail, faults=(Fault(pointer="?marker", detail=detail),))
        entries = entries[places[0] + 1 :]
    kept = [entry for entry in entries if keep(entry)]
    return Page(entries=kept[:limit], more=len(kept) > limit)
