"""The lookup: names of a launch become things of the cloud, and whatever does not fit becomes a fault."""

import difflib
from collections.abc import Iterable
from typing import Protocol, TypeVar

from enamel.commands.facts import Facts
from enamel.model.errors import Fault


class Named(Protocol):
    """Something that has an id and a name."""

    @property
    def id(self) -> str:
        """Return what it is known by to the cloud."""

    @property
    def name(self) -> str:
        """Return what people call it."""


T = TypeVar("T", bound=Named)


class Lookup:
    """What is known of the cloud, with the faults that were found in one launch."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.faults: list[Fault] = []
        self._claimed: set[tuple[str, str]] = set()

    def fault(self, pointer: str, detail: str, code: str = "invalid") -> None:
        """Take note of a fault; the same fault of defaults shows in every server and is told once."""
        found = Fault(pointer=pointer, detail=detail, code=code)
        if found not in self.faults:
            self.faults.append(found)

    def find(
        self, things: Iterable[T], wanted: str, *, what: str, pointer: str, ids_only: bool = False
    ) -> T | None:
        """Return the one thing that has an id or a name; several or none are a fault."""
        things = list(things)
        found = [one for one in things if one.id == wanted]
        if not found and not ids_only:
            found = [one for one in things if one.name == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(sorted(one.id for one in found)[:20])
            self.fault(pointer, f"'{wanted}' fits {len(found)} {what}s; use an id: {listed}.", "ambiguous")
            return None
        if ids_only:
            hint, wanted = "", f"with the id '{wanted}'"
        else:
            close = difflib.get_close_matches(wanted, [one.name for one in things], n=3)
            hint = f" Did you mean {' or '.join(repr(name) for name in close)}?" if close else ""
            wanted = f"'{wanted}'"
        self.fault(pointer, f"There is no {what} {wanted} in cloud '{self.facts.cloud}'.{hint}", "unknown")
        return None

    def claim(self, kind: str, thing: str, *, pointer: str) -> None:
        """Give a thing to one server; it is a fault when a second one wants it."""
        if (kind, thing) in self._claimed:
            self.fault(pointer, f"This {kind} can belong to one server only, and once.", "duplicate")
        self._claimed.add((kind, thing))
