"""The record of API calls: whoever makes a cloud work sees what it cost.

The runner opens a record around each step; the drivers add every call to the record that is open where they run.
A call made by a watcher on behalf of many waiters is added to one of their records, so that the sum over all tasks
is the number of calls that the cloud has seen.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from enamel import telemetry
from enamel.model.item import Call

_open: ContextVar[list[Call] | None] = ContextVar("enamel_calls", default=None)


@contextmanager
def calls() -> Iterator[list[Call]]:
    """Open a record: every call made within is added to the list it gives."""
    record: list[Call] = []
    token = _open.set(record)
    try:
        yield record
    finally:
        _open.reset(token)


def current() -> list[Call] | None:
    """Return the record that is open here, or None."""
    return _open.get()


def add(call: Call, *, cloud: str) -> None:
    """Count a call to a cloud, and add it to the open record, if there is one."""
    telemetry.CALLS.labels(cloud=cloud, service=call.service, status=call.status).inc()
    telemetry.CALL_SECONDS.labels(cloud=cloud, service=call.service).observe(call.ms / 1000)
    record = _open.get()
    if record is not None:
        record.append(call)
