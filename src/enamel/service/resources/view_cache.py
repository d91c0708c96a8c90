"""Cached views: a resource that has not changed is not converted again for every caller.

What a cloud reported is frozen and stays the same object until it is fetched anew, so that the same object means unchanged.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")

MOST = 5000
"""How many views are cached; beyond that, the cache is emptied."""


class ViewCache(Generic[S, T]):
    """Converts resources into views."""

    def __init__(self, make: Callable[[S], T]) -> None:
        self._make = make
        # The resource is kept beside its view: otherwise its `id()` could be that of another one.
        self._known: dict[int, tuple[S, T]] = {}

    def of(self, resource: S) -> T:
        """Return the view of a resource."""
        known = self._known.get(id(resource))
        if known is not None and known[0] is resource:
            return known[1]
        view = self._make(resource)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[id(resource)] = (resource, view)
        return view
