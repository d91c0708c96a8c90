"""The transport between processes: it accepts messages at one end and delivers them at the other.

A wire is used by two threads. Each opens an end of its own, and throws it away when it fails in any way.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from enamel.dispatch.hint import Hint, Message, News


class Interest(Struct, frozen=True, kw_only=True):
    """The messages that a process wants."""

    types: frozenset[str] = frozenset()
    """The types of tasks that its workers serve."""
    news: bool = False
    """Whether it has followers."""


class Sender(Protocol):
    """The end that accepts messages."""

    def send(self, hints: Sequence[Hint], news: News | None) -> None:
        """Send messages to all processes that listen."""

    def rest(self) -> None:
        """Look after the connection while there is nothing to send; called about every second."""

    def close(self) -> None:
        """Let go of the connection."""


class Receiver(Protocol):
    """The end that gives messages out."""

    def attend(self, interest: Interest) -> None:
        """Hear of these things from now on, and of no others."""

    def receive(self) -> Sequence[Message]:
        """Return what has come, after a short wait if nothing has."""

    def close(self) -> None:
        """Let go of the connection."""


class Transport(Protocol):
    """A transport between processes."""

    def sender(self) -> Sender:
        """Connect a sending end."""

    def receiver(self) -> Receiver:
        """Connect a receiving end."""
