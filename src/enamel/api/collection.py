"""The collection: a list that is given out in pages, each with a link to the next."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct

from enamel.api import links
from enamel.api.links import Links
from enamel.api.request import Request
from enamel.api.route import Cloud
from enamel.service.resources.paging import LIMIT, Page

T = TypeVar("T")

Limit = Annotated[int, Meta(ge=1, le=1000)]


class Slice(Struct, frozen=True, kw_only=True):
    """Which part of a collection to show."""

    limit: Limit = LIMIT
    """How many at most."""
    marker: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    """The id of the last entry of the previous page, or its name where entries have no id."""


class Window(Slice, frozen=True, kw_only=True):
    """Which part of a collection on a cloud to show."""

    cloud: Cloud | None = None
    """Name of the cloud; the default one if not set."""


def window(request: Request) -> dict[str, Any]:
    """Return the part that a request names, as arguments of a use case."""
    return {"cloud": request.cloud, "limit": request.query.limit, "marker": request.query.marker}


def page_links(
    request: Request, page: Page[T], *, schema: str, key: Callable[[T], str], **others: str | None
) -> Links:
    """Return the links of a page: itself, the next one, and others."""
    onward = links.onward(request.path, marker=key(page.entries[-1])) if page.more else None
    return links.of(request.path, schema=schema, next=onward, **others)
