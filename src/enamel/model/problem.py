"""A problem: an error as it is stored, shown and sent."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from enamel.model import error_tree, redaction
from enamel.model.errors import EnamelError, Fault


class Problem(Struct, frozen=True, kw_only=True):
    """What went wrong, in words for people and codes for programs."""

    code: str
    """Permanent name of the kind of error, for example `enamel.cloud.no_valid_host`."""
    title: str
    """One sentence that is the same for every problem of this code."""
    detail: str
    """What happened this time."""
    remedy: str = ""
    """What the reader can do."""
    retryable: bool = False
    """Whether the same request may succeed later."""
    cloud: str | None = None
    """The cloud that caused it."""
    step: str | None = None
    """The step of the plan in which it happened."""
    request_ids: tuple[str, ...] = ()
    """The cloud's ids of the requests that failed."""
    faults: tuple[Fault, ...] = ()
    """Single faults of a request that was refused."""
    data: dict[str, object] = {}
    """Facts for programs: numbers of a quota, the states that would be possible."""
    left: tuple[str, ...] = ()
    """What could not be undone and still exists, one sentence each."""


def of(error: EnamelError, *, step: str | None = None) -> Problem:
    """Return the problem of an error, without the secrets that are known here."""
    return Problem(
        code=error.code,
        title=error.title,
        detail=redaction.blank(error.detail),
        remedy=redaction.blank(error.advice),
        retryable=error.retryable,
        cloud=error.cloud,
        step=step,
        request_ids=error.request_ids,
        faults=told(error.faults),
        data={name: redaction.blank_all(value) for name, value in error.data.items()},
    )


def told(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Return faults without the secrets that are known here."""
    return tuple(msgspec.structs.replace(fault, detail=redaction.blank(fault.detail)) for fault in faults)


def error(problem: Problem) -> EnamelError:
    """Return the error of a stored problem."""
    return error_tree.by_code(problem.code)(
        problem.detail,
        cloud=problem.cloud,
        request_ids=problem.request_ids,
        faults=problem.faults,
        remedy=problem.remedy,
        **problem.data,
    )


def sentences(error: EnamelError) -> tuple[str, ...]:
    """Return what went wrong: a sentence for each fault of an error, or one for an error without faults.

    What an error says beyond its only fault is part of the sentence; of several faults, it is the sum.
    """
    details = tuple(fault.detail for fault in error.faults)
    if not details or (len(details) == 1 and details[0] in error.detail):
        return (error.detail,)
    if len(details) > 1 or error.detail == error.title or error.detail in details[0]:
        return details
    return (f"{error.detail} {details[0]}",)
