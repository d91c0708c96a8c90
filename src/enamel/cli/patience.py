"""Patience: a person at a terminal learns that an answer takes long, and for how long it has been awaited."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_AFTER = 5.0
"""Seconds without an answer after which that is said, again and again."""


@contextmanager
def shown(what: str) -> Iterator[None]:
    """Say on standard error, if it is a terminal, that something has not answered yet."""
    if not sys.stderr.isatty():
        yield
        return
    over = threading.Event()
    began = time.monotonic()

    def say() -> None:
        while not over.wait(_AFTER):
            print(f"No answer from {what} for {time.monotonic() - began:.0f} s. Waiting …", file=sys.stderr)

    thread = threading.Thread(target=say, name="patience", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
