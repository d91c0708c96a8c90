"""The middleware around all routes: ids, headers, logs, metrics, and errors as answers."""

import logging
import time
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from enamel import telemetry
from enamel.api import headers, problems, version
from enamel.api.local_guard import LocalGuard
from enamel.api.unread_body import UnreadBody
from enamel.model.errors import EnamelError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

REQUEST_ID = "enamel.request_id"
ROUTE = "enamel.route"
VERSION = "enamel.version"
CALLER = "enamel.caller"
TASK = "enamel.task"
"""The keys of what is known of a request, in its scope."""
_PROBES = frozenset({"GET /healthcheck", "GET /metrics"})
"""Routes that are asked again and again: their requests are logged for debugging only."""
_UNCHANGING = {
    "X-Content-Type-Options": "nosniff",
    "Vary": version.HEADER,
}


class RequestMiddleware:
    """Gives every request an id and every answer its headers; no exception gets past it."""

    def __init__(self, inside: ASGIApp, *, guard: LocalGuard | None = None) -> None:
        self._inside = inside
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._inside(scope, receive, send)
            return
        asked = Headers(scope=scope)
        request_id = headers.request_id(asked)
        scope[REQUEST_ID] = request_id
        # This key makes the router raise for unknown paths and methods instead of answering in plain text.
        scope["app"] = self
        began = begun = time.monotonic()
        status = 0
        telemetry.REQUESTS_UNDER_WAY.inc()
        unread = UnreadBody(asked, receive=receive, send=send)

        async def marked(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], time.monotonic()
                sent = MutableHeaders(raw=message["headers"])
                own = {"x-openstack-request-id": request_id, **_UNCHANGING}
                # A request that is refused before the version is negotiated gets the oldest one.
                own |= version.headers(scope.get(VERSION, version.OLDEST))
                for name, value in own.items():
                    if name == "Vary" and name in sent:
                        sent.add_vary_header(value)
                    else:
                        sent.setdefault(name, value)
            await unread.send(message)

        try:
            if self._guard is not None:
                self._guard.check(scope)
            await self._inside(scope, unread.receive, marked)
        except ClientDisconnect:
            log.info("request.abandoned", request_id=request_id, path=scope["path"])
        except Exception as error:
            refused = self._translate(error, scope=scope)
            if status:
                log.error("request.broken", request_id=request_id, exc_info=error)
                raise  # a part of the answer was sent: the connection has to end
            rendered = problems.render(refused, request_id=request_id, accept=asked.get("accept", ""))
            start: dict[str, Any] = {
                "type": "http.response.start",
                "status": rendered.status,
                "headers": [
                    (name.lower().encode(), value.encode()) for name, value in rendered.headers.items()
                ],
            }
            start["headers"].append((b"content-length", b"%d" % len(rendered.content)))
            await marked(start)
            content = b"" if scope["method"] == "HEAD" else rendered.content
            await unread.send({"type": "http.response.body", "body": content})
        finally:
            telemetry.REQUESTS_UNDER_WAY.dec()
            _done(scope, status=status, seconds=time.monotonic() - began, answered=begun - began)

    def _translate(self, error: Exception, *, scope: Scope) -> EnamelError:
        match error:
            case EnamelError():
                if error.status == 500:
                    log.error("request.failed", request_id=scope[REQUEST_ID], exc_info=error)
                return error
            case HTTPException():
                return problems.of_status(
                    error.status_code, path=scope["path"], method=scope["method"], headers=error.headers or {}
                )
        log.error("request.failed", request_id=scope[REQUEST_ID], exc_info=error)
        return problems.internal()


def _done(scope: Scope, *, status: int, seconds: float, answered: float) -> None:
    """Log and count a request.

    Args:
        scope: The request.
        status: The status of its answer; 0 if there was none.
        seconds: Time until its end.
        answered: Time until its answer began, in seconds.

    """
    # An unknown route or method would make a metric of its own for each that somebody tries.
    method, _, route = str(scope.get(ROUTE, "")).partition(" ")
    telemetry.REQUESTS.labels(method=method, route=route, status=status).inc()
    if status:
        telemetry.REQUEST_SECONDS.labels(method=method, route=route).observe(answered)
    caller = scope.get(CALLER)
    log.log(
        logging.DEBUG if scope.get(ROUTE) in _PROBES and status == 200 else logging.INFO,
        "request.done",
        request_id=scope[REQUEST_ID],
        method=scope["method"],
        route=scope.get(ROUTE, ""),
        status=status,
        ms=round(seconds * 1000, 1),
        project=caller.project_id if caller else None,
        user=caller.user_id if caller else None,
        task=scope.get(TASK),
    )
