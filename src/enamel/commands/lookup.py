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
        fault = Fault(pointer=pointer, detail=detail, code=code)
        if fault not in self.faults:
            self.faults.append(fault)

    def find(
        self, things: Iterable[T], text: str, *, what: str, pointer: str, ids_only: bool = False
    ) -> T | None:
        """Return the one thing that has an id or a name; several or none are a fault."""
        things = list(things)
        matches = [thing for thing in things if thing.id == text]
        if not matches and not ids_only:
            matches = [thing for thing in things if thing.name == text]
        if len(matches) == 1:
            return matches[0]
        if matches:
            listed = ", ".join(sorted(thing.id for thing in matches)[:20])
            self.fault(pointer, f"'{text}' fits {len(matches)} {what}s; use an id: {listed}.", "ambiguous")
            return None
        if ids_only:
            hint, text = "", f"with the id '{text}'"
        else:
            close = difflib.get_close_matches(text, [thing.name for thing in things], n=3)
            hint = f" Did you mean {' or '.join(repr(name) for name in close)}?" if close else ""
            text = f"'{text}'"
        self.fault(pointer, f"There is no {what} {text} in cloud '{self.facts.cloud}'.{hint}", "unknown")
        return None

    def claim(self, kind: str, thing: str, *, pointer: str) -> None:
        """Give a thing to one server; it is a fault when a second one wants it."""
        if (kind, thing) in self._claimed:
            self.fault(pointer, f"This {kind} can belong to one server only, and once.", "duplicate")
        self._claimed.add((kind, thing))
