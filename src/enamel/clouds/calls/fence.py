"""The fence: a worker whose lease is over tells no cloud to change anything, even in the middle of a step.

A step may wait between its beginning and its call: for a token, for its turn, for a busy cloud. A worker that is frozen
just then would go on with the call when others have long taken the step over.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from enamel.model.errors import LeaseLost

_alive: ContextVar[Callable[[], bool] | None] = ContextVar("enamel_fence", default=None)


@contextmanager
def within(alive: Callable[[], bool]) -> Iterator[None]:
    """Allow changes within only as long as this is so."""
    token = _alive.set(alive)
    try:
        yield
    finally:
        _alive.reset(token)


def check() -> None:
    """Make sure that a change may be made here.

    Raises:
        LeaseLost: The lease of the worker is over.

    """
    alive = _alive.get()
    if alive is not None and not alive():
        raise LeaseLost()
