"""Problems: the one place where errors become HTTP answers.

There are two forms: OpenStack's list of errors, and problem details (RFC 9457) for clients that accept these.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from enamel.model import problem, redaction
from enamel.model.errors import (
    CloudBusy,
    CloudThrottled,
    EnamelError,
    Fault,
    KeyInFlight,
    MethodNotAllowed,
    NotFound,
    RequestError,
)

PROBLEM_TYPE = "application/problem+json"


class ErrorLink(Struct, frozen=True, kw_only=True):
    """A link of an error."""

    rel: str
    href: str


class Error(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that went wrong."""

    status: int
    code: str
    """The permanent name of this kind of error."""
    title: str
    """One sentence that is the same for every error of this code."""
    detail: str
    """What happened this time."""
    request_id: str
    links: tuple[ErrorLink, ...] = field(default_factory=tuple)
    pointer: str | UnsetType = UNSET
    """JSON pointer into the body, or `?name` for a query parameter, or the name of a header."""
    rule: str | UnsetType = UNSET
    """The rule that the pointed-at value broke."""
    remedy: str = ""
    """What the reader can do."""
    retryable: bool = False
    """Whether the same request may succeed later."""
    cloud: str | None = None
    """The cloud that caused it."""
    request_ids: tuple[str, ...] = ()
    """The cloud's ids of the requests that failed."""
    data: dict[str, Any] = {}
    """Facts for programs, for example the numbers of a quota."""


class Errors(Struct, frozen=True, kw_only=True):
    """What went wrong with a request: each fault is an entry."""

    errors: tuple[Error, ...]


class Details(Struct, frozen=True, kw_only=True):
    """What went wrong with a request, as problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    """The id of the request."""
    code: str
    remedy: str
    retryable: bool
    errors: tuple[Error, ...]


class Rendered(Struct, frozen=True, kw_only=True):
    """An error as it is sent."""

    status: int
    headers: dict[str, str]
    content: bytes


def internal() -> EnamelError:
    """Return the error that stands for an unexpected one: it reveals nothing of it."""
    return EnamelError(
        "Internal error.",
        remedy="Report the request id to the operators of this service; its log has the details.",
    )


def render(error: EnamelError, *, request_id: str, accept: str = "") -> Rendered:
    """Return an error in the form that the client accepts."""
    entries = _entries(error, request_id=request_id)
    body: Any = Errors(errors=entries)
    media_type = "application/json"
    if PROBLEM_TYPE in accept.lower():
        media_type = PROBLEM_TYPE
        body = Details(
            type=f"urn:{error.code.replace('.', ':')}",
            title=error.title,
            status=error.status,
            detail=redaction.blank(error.detail),
            instance=request_id,
            code=error.code,
            remedy=redaction.blank(error.advice),
            retryable=error.retryable,
            errors=entries,
        )
    return Rendered(
        status=error.status,
        headers={"Content-Type": media_type, **_headers(error)},
        content=msgspec.json.encode(body),
    )


def of_status(status: int, *, path: str, method: str, headers: Mapping[str, str]) -> EnamelError:
    """Return the error that a bare status of the web framework stands for."""
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(f"There is no route {path[:200]}.", remedy="GET / lists every route.")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = headers.get("Allow", "")
        return MethodNotAllowed(
            f"{method[:20]} is not allowed on {path[:200]}; allowed are {allowed}.", allow=allowed
        )
    return RequestError(HTTPStatus(status).phrase)


def _entries(error: EnamelError, *, request_id: str) -> tuple[Error, ...]:
    """Return one entry per fault, or one for an error without faults."""
    said = problem.of(error)
    links = (ErrorLink(rel="describedby", href="/schemas/errors"),)
    faults: tuple[Fault | None, ...] = said.faults or (None,)
    return tuple(
        Error(
            status=error.status,
            code=said.code,
            title=said.title,
            detail=sentence,
            request_id=request_id,
            links=links,
            pointer=fault.pointer if fault else UNSET,
            rule=fault.code if fault else UNSET,
            remedy=said.remedy,
            retryable=said.retryable,
            cloud=said.cloud,
            request_ids=said.request_ids,
            data=dict(said.data),
        )
        for fault, sentence in zip(faults, error.sentences, strict=True)
    )


def _headers(error: EnamelError) -> dict[str, str]:
    headers: dict[str, str] = {}
    match error:
        case MethodNotAllowed():
            headers["Allow"] = str(error.data.get("allow", ""))
        case KeyInFlight():
            headers["Retry-After"] = "1"
        case CloudThrottled() | CloudBusy():
            headers["Retry-After"] = str(error.data.get("retry_after", 10))
    if error.status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        headers.setdefault("Retry-After", "5")
    return headers
