"""Forms that are remembered: a thing that has not changed is not brought into the same form for every caller.

What a cloud has told is frozen and stays the same object until the cloud tells anew, so that being the same object is
being unchanged.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")

MOST = 5000
"""How many are remembered; with more than so many, all begins anew."""


class ViewCache(Generic[S, T]):
    """Brings things into one form."""

    def __init__(self, make: Callable[[S], T]) -> None:
        self._make = make
        # The thing is kept beside its form: otherwise its number could go to another one.
        self._known: dict[int, tuple[S, T]] = {}

    def of(self, thing: S) -> T:
        """Return the form of a thing."""
        known = self._known.get(id(thing))
        if known is not None and known[0] is thing:
            return known[1]
        made = self._make(thing)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[id(thing)] = (thing, made)
        return made
