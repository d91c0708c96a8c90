"""The lookup: finds what a request names among the resources of the cloud; what does not fit becomes a fault."""

import difflib
import functools
from collections.abc import Iterable
from typing import Protocol, TypeVar

from enamel.commands.facts import Facts
from enamel.commands.public_route import Topology
from enamel.model import errors
from enamel.model.errors import Fault


class Named(Protocol):
    """Something that has an id and a name."""

    @property
    def id(self) -> str:
        """Return its id on the cloud."""

    @property
    def name(self) -> str:
        """Return its name."""


T = TypeVar("T", bound=Named)


class Lookup:
    """The facts of the cloud, and the faults of one request."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.faults: list[Fault] = []
        self._seen: set[Fault] = set()
        self._claimed: set[tuple[str, str]] = set()

    @functools.cached_property
    def topology(self) -> Topology:
        """Return the networks, subnets and routers of the cloud."""
        return Topology(self.facts)

    def fault(self, pointer: str, detail: str, code: str = "invalid") -> None:
        """Record a fault; the same fault of the defaults occurs in every server and is reported once."""
        fault = Fault(pointer=pointer, detail=detail, code=code)
        if fault not in self._seen and len(self.faults) < errors.MOST_FAULTS:
            self._seen.add(fault)
            self.faults.append(fault)

    def find(
        self, things: Iterable[T], text: str, *, what: str, pointer: str, ids_only: bool = False
    ) -> T | None:
        """Return the only resource with an id or a name; several or none are a fault."""
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
        elif len(self.faults) >= errors.MOST_FAULTS:
            return None
        else:
            close = difflib.get_close_matches(text, [thing.name for thing in things], n=3)
            hint = f" Did you mean {' or '.join(repr(name) for name in close)}?" if close else ""
            text = f"'{text}'"
        self.fault(pointer, f"There is no {what} {text} in cloud '{self.facts.cloud}'.{hint}", "unknown")
        return None

    def claim(self, kind: str, thing: str, *, pointer: str) -> None:
        """Reserve a resource for one server; it is a fault if a second one asks for it."""
        if (kind, thing) in self._claimed:
            self.fault(pointer, f"This {kind} can belong to one server only, and once.", "duplicate")
        self._claimed.add((kind, thing))
