"""The collection: a list that is given out in pages, each with a link to the next."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request
from enamel.service.resources import paging

T = TypeVar("T")


class Window(Struct, frozen=True, kw_only=True):
    """Which part of a collection is wanted."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 20
    """How many at most."""
    marker: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    """What the last entry of the previous page is known by."""


def page(
    request: Request, entries: Sequence[T], *, what: str, schema: str, key: Callable[[T], str]
) -> tuple[Sequence[T], Links]:
    """Return the part of a collection that a request wants, and the links of that part.

    Raises:
        Invalid: The marker is no entry's.

    """
    wanted: Window = request.query
    found = paging.cut(entries, limit=wanted.limit, marker=wanted.marker, key=key, what=what)
    onward = links.onward(request.path, marker=key(found.entries[-1])) if found.more else None
    return found.entries, links.of(request.path, schema=schema, next=onward)
