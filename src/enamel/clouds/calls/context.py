"""The context in which clouds are called: set once by a face or the runner, read by every driver."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

import msgspec

from enamel.model.call_context import CallContext, Lane

_current: ContextVar[CallContext] = ContextVar("enamel_call_context", default=CallContext())  # noqa: B039 - it is frozen


def current() -> CallContext:
    """Return the context of the calls that are made here."""
    return _current.get()


def seconds_left() -> float:
    """Return the seconds until the caller stops waiting; infinite where it does not say."""
    deadline = current().deadline
    return float("inf") if deadline is None else (deadline - datetime.now(UTC)).total_seconds()


def use(context: CallContext) -> None:
    """Set the context of all calls that are begun here from now on."""
    _current.set(context)


def move(lane: Lane) -> None:
    """Set how urgent the calls are from here on."""
    use(msgspec.structs.replace(current(), lane=lane))


@contextmanager
def in_lane(lane: Lane) -> Iterator[None]:
    """Set how urgent the calls within are."""
    before = current()
    move(lane)
    try:
        yield
    finally:
        use(before)
