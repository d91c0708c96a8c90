"""The application: the table of routes, served."""

import asyncio
import hashlib
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect
from starlette.requests import Request as WebRequest
from starlette.responses import Response as WebResponse
from starlette.responses import StreamingResponse
from starlette.routing import Route as WebRoute
from starlette.routing import Router
from starlette.types import ASGIApp

from enamel.api import headers, middleware, names, query, version, versioned_fields
from enamel.api.documents import TableDocuments
from enamel.api.local_guard import LocalGuard
from enamel.api.request import Request, Response
from enamel.api.route import Route, Table, offered
from enamel.api.routes import ROUTES
from enamel.api.version import Version
from enamel.model import ids, moment, redaction, text
from enamel.model.call_context import CallContext
from enamel.model.caller import NOBODY
from enamel.model.errors import BodyTooLarge, BodyTooSlow, Fault, Invalid, MediaTypeRefused, NotFound
from enamel.service import off_loop
from enamel.service.services import Services
from enamel.service.validation import body, error_wording

T = TypeVar("T")

BODY_WITHIN = timedelta(seconds=30)
"""Time in which the body of a request arrives."""


def application(services: Services, *, table: Table = ROUTES, guard: LocalGuard | None = None) -> ASGIApp:
    """Return the ASGI application that serves a table of routes.

    Args:
        services: The use cases.
        table: The routes.
        guard: What every request has to pass; None for a service that others protect.
    """
    paths: dict[str, dict[str, Route]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method] = route
    # A bare router: what Starlette's application adds are translations of errors, which the middleware does.
    web = Router(
        routes=[
            WebRoute(
                _with_slashes(path), Path(lines, services=services, table=table).serve, methods=list(lines)
            )
            for path, lines in paths.items()
        ],
        redirect_slashes=False,
    )
    return middleware.RequestMiddleware(web, guard=guard)


def _with_slashes(path: str) -> str:
    """Return the path of a route as the router reads it: a placement is named by its own path, cloud/region/zone."""
    return path.replace("/placements/{id}", "/placements/{id:path}")


class Path:
    """All methods on one path."""

    def __init__(self, lines: dict[str, Route], *, services: Services, table: Table) -> None:
        self._lines = lines
        self._services = services
        self._table = table

    async def serve(self, request: WebRequest) -> WebResponse:
        """Check a request against its route and handle it."""
        route = self._lines.get(request.method) or self._lines["GET"]
        request.scope[middleware.ROUTE] = f"{route.method} {route.path}"
        agreed = request.scope[middleware.VERSION] = version.negotiate(request.headers)
        if route.since > agreed:
            raise _too_early(route, agreed)
        _check_path(request.path_params)
        callers = self._services.callers
        caller = NOBODY if route.is_open else await callers.authenticate(request.headers)
        request.scope[middleware.CALLER] = caller
        request.scope[middleware.TASK] = _task_of(request.url.path)
        ctx = CallContext(
            caller=caller,
            request_id=request.scope[middleware.REQUEST_ID],
            fresh=headers.wants_fresh(request.headers),
        )
        parameters = query.parse(request.query_params.multi_items(), route.query)
        data = await _data(request) if _has_body(request, route) else None
        if data is not None:
            versioned_fields.check(data, route.request, agreed=agreed)
        api_request = Request(
            services=self._services,
            ctx=ctx,
            path=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            params=request.path_params,
            query=parameters,
            body=data,
            headers=request.headers,
            while_here=lambda waiting: _while_here(request, waiting),
            documents=TableDocuments(offered(self._table, agreed)),
        )
        answer = await route.handler(await names.resolved(api_request, path=route.path))
        # A command that is accepted, whatever it is about, says where its task is.
        request.scope[middleware.TASK] = (
            _task_of(answer.headers.get("Location", "")) or request.scope[middleware.TASK]
        )
        if isinstance(answer.body, msgspec.Struct):
            answer = msgspec.structs.replace(answer, body=moment.spelled(answer.body))
        unknown = versioned_fields.later(route.responses.get(answer.status, ()), agreed)
        if unknown:
            answer = msgspec.structs.replace(answer, body=versioned_fields.without(answer.body, unknown))
        return _response(answer, request)


def _task_of(path: str) -> str | None:
    """Return the id of the task that a path leads to."""
    match path.split("/"):
        case ["", "tasks", id, *_] if ids.is_id(id):
            return id.lower()
    return None


def _too_early(route: Route, agreed: Version) -> NotFound:
    """Return the error for a route that came after the version that a request names."""
    since = version.text(route.since)
    return NotFound(
        f"{route.method} {route.path} requires version {since} of the API; this request names {version.text(agreed)}.",
        remedy=f"Send the header {version.HEADER}: {version.SERVICE} {since}.",
    )


def _check_path(params: Mapping[str, str]) -> None:
    """Refuse a path with characters that no name and no id has.

    Raises:
        NotFound: It has one.

    """
    for name, value in params.items():
        if not text.fits(value):
            raise NotFound(f"The {name} in the path has {error_wording.unfit(value)}: nothing is called so.")


def _has_body(request: WebRequest, route: Route) -> bool:
    """Return whether there is a body to read, or a required one is missing."""
    sent = "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
    return route.request is not None and (route.body_required or sent)


async def _data(request: WebRequest) -> Any:
    """Return the JSON data of a request's body.

    Raises:
        MediaTypeRefused: Its media type is not JSON.
        BodyTooLarge: It is too large.
        Invalid: It is not JSON.

    """
    said = request.headers.get("content-type", "")
    media_type, _, options = said.partition(";")
    charset = options.strip().lower().removeprefix("charset=").strip('"') if "charset" in options else "utf-8"
    if media_type.strip().lower() != "application/json" or charset != "utf-8":
        raise MediaTypeRefused(
            f"The body's Content-Type is '{said[:80]}'." if said else "The body has no Content-Type."
        )
    if request.headers.get("content-encoding", "identity") != "identity":
        raise MediaTypeRefused("The body is compressed.", remedy="Send it without Content-Encoding.")
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > body.LARGEST:
        raise BodyTooLarge(f"The body has {announced} bytes.")
    raw = await _received(request)
    data = await off_loop.run(len(raw) // off_loop.LARGE_BODY * off_loop.LARGE * 2, body.loads, raw)
    # No answer and no line of the log repeats what a request is to keep secret.
    redaction.keep(redaction.Redactor(redaction.values(data)))
    if data is None:
        # None stands for no body further down, and this is one.
        detail = "Expected an object, got null."
        raise Invalid(detail, faults=(Fault(pointer="", detail=detail, code="type"),))
    return data


async def _received(request: WebRequest) -> bytes:
    """Return the bytes of a request's body.

    Raises:
        BodyTooLarge: They are too many.
        BodyTooSlow: They do not arrive in time.
    """
    raw = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN.total_seconds()):
            async for chunk in request.stream():
                raw += chunk
                if len(raw) > body.LARGEST:
                    raise BodyTooLarge(f"The body has more than {body.LARGEST:,} bytes.")
    except TimeoutError as error:
        raise BodyTooSlow(
            f"After {BODY_WITHIN.total_seconds():.0f} s, {len(raw):,} bytes of the body have arrived."
        ) from error
    return bytes(raw)


def _response(answer: Response, request: WebRequest) -> WebResponse:
    """Return the web response; 304 if the client has its entity already."""
    if answer.stream is not None:
        return StreamingResponse(
            answer.stream, answer.status, headers=dict(answer.headers), media_type=answer.media_type
        )
    if answer.body is None:
        return WebResponse(status_code=answer.status, headers=dict(answer.headers))
    content = answer.body if isinstance(answer.body, bytes) else msgspec.json.encode(answer.body)
    sent = dict(answer.headers)
    if request.method in {"GET", "HEAD"} and answer.status == 200:
        sent["ETag"] = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        sent.setdefault("Cache-Control", "no-cache")
        if headers.matches(request.headers, sent["ETag"]):
            return WebResponse(status_code=304, headers=sent)
    return WebResponse(content, answer.status, headers=sent, media_type=answer.media_type)


async def _while_here(request: WebRequest, waiting: Coroutine[Any, Any, T]) -> T:
    """Await something that may take long, and cancel it when the client has gone."""
    work = asyncio.ensure_future(waiting)
    gone = asyncio.ensure_future(_disconnect(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect()
        return work.result()
    finally:
        for left in (work, gone):
            left.cancel()


async def _disconnect(request: WebRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
