"""The sandbox as an ASGI application: one port for all services.

Each call: find its service and route, count it, apply a fault rule, check the token and the microversion, call
the handler, send the reply.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import msgspec
from msgspec import Struct

from enamel.sandbox import calls, control, faults, guests, http, kernel, state
from enamel.sandbox.compute import routes as compute_routes
from enamel.sandbox.compute import state as compute_state
from enamel.sandbox.identity import routes as identity_routes
from enamel.sandbox.identity import state as identity_state
from enamel.sandbox.image import routes as image_routes
from enamel.sandbox.image import state as image_state
from enamel.sandbox.key_manager import secret as key_manager_secret
from enamel.sandbox.network import fresh as network_fresh
from enamel.sandbox.network import routes as network_routes
from enamel.sandbox.volume import routes as volume_routes
from enamel.sandbox.volume import state as volume_state

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

SERVICES: tuple[http.Service, ...] = (
    control.SERVICE,
    identity_routes.SERVICE,
    network_routes.SERVICE,
    image_routes.SERVICE,
    volume_routes.SERVICE,
    key_manager_secret.SERVICE,
    compute_routes.SERVICE,
)

_NO_FILTERS = frozenset({"fields", "limit", "marker", "offset", "sort", "sort_key", "sort_dir"})
"""The parameters of a list's query that leave nothing out for good."""
_encode = msgspec.json.Encoder(decimal_format="number").encode
_HTML = b"<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete response.\n</body></html>\n"


def build(settings: kernel.Settings) -> App:
    """Build a new cloud and the application that serves it."""
    cloud = state.Cloud(settings)
    cloud.identity = identity_state.Identity(cloud)
    cloud.network = network_fresh.build(cloud)
    cloud.image = image_state.Images(cloud)
    cloud.volume = volume_state.Volumes(cloud)
    cloud.secret = key_manager_secret.Secrets(cloud)
    cloud.compute = compute_state.Compute(cloud, cloud.identity)
    cloud.guests = guests.Guests(cloud, compute=cloud.compute, network=cloud.network)
    return App(cloud)


class _Exchange(Struct, kw_only=True):
    """One request on its way to a reply."""

    service: http.Service
    """The service that it is for."""
    route: http.Route | None
    """What answers it; None for an unknown path."""
    request: http.Request
    """The request."""
    headers: dict[str, str]
    """Headers of the reply, beside the handler's own."""

    @property
    def template(self) -> str:
        """The route's template, as call counts and fault rules name it."""
        return self.route.template if self.route else "?"


class App:
    """Answers HTTP for one cloud."""

    def __init__(self, cloud: state.Cloud) -> None:
        """Prepare the routers of all services."""
        self.cloud = cloud
        self._services = {service.prefix: (service, http.Router(service.routes)) for service in SERVICES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":
            return
        content = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            content += message.get("body", b"")
            more = message.get("more_body", False)
        await self._answer(scope, content, receive, send)

    async def _answer(self, scope: Scope, content: bytes, receive: Receive, send: Send) -> None:
        """Find the service, apply a fault rule if one matches, and send the reply."""
        prefix, _, _ = scope["path"][1:].partition("/")
        known = self._services.get(f"/{prefix}")
        if known is None or not self.cloud.era.offers(known[0].name):
            await self._send(send, self._index(scope["path"]), {})
            return
        exchange = self._exchange(*known, scope, content)
        if exchange.service is control.SERVICE:
            await self._send(send, self._carry_out(exchange), exchange.headers)
            return
        hit = self.cloud.faults.call(
            service=exchange.service.name,
            method=exchange.request.method,
            path=exchange.request.path,
            template=exchange.template,
            query=scope["query_string"].decode("latin-1"),
            content=content,
        )
        call = self._count(exchange)
        if hit is None:
            reply = self._carry_out(exchange)
            call.status = reply.status
            await self._send(send, reply, exchange.headers)
        else:
            call.fault = True
            await self._answer_wrongly(hit, exchange, call, scope, receive, send)

    def _exchange(
        self, service: http.Service, router: http.Router, scope: Scope, content: bytes
    ) -> _Exchange:
        """Read a request and find its route."""
        path = scope["path"][len(service.prefix) :] or "/"
        asked = "GET" if scope["method"] == "HEAD" else scope["method"]
        inside = self.cloud.era.inside(service.name, path)
        route, params = (router.find(method=asked, path=inside) if inside is not None else None) or (None, {})
        headers = self._usual(service)
        request = http.Request(
            cloud=self.cloud,
            caller=kernel.NOBODY,
            method=scope["method"],
            path=path,
            root=self.cloud.url + service.prefix,
            params={name: unquote(value) for name, value in params.items()},
            query=parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
            headers={
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
            },
            content=content,
            request_id=headers["x-openstack-request-id"],
        )
        return _Exchange(service=service, route=route, request=request, headers=headers)

    def _count(self, exchange: _Exchange) -> calls.Call:
        """Put a call in the log and return its line there."""
        call = calls.Call(
            at=self.cloud.now(),
            method=exchange.request.method,
            service=exchange.service.name,
            template=exchange.template,
            path=exchange.request.path,
            query=exchange.request.query,
            request_id=exchange.request.request_id,
        )
        self.cloud.calls.add(call)
        return call

    async def _answer_wrongly(
        self,
        hit: faults.Hit,
        exchange: _Exchange,
        call: calls.Call,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Do what a fault rule says: wait, drop the connection, or send another or a truncated reply."""
        if hit.latency:
            await asyncio.sleep(hit.latency)
        if hit.then.hold:
            await hit.removed.wait()
        if hit.then.drop == "before":
            await _drop(scope, receive)
            return
        reply = self._struck(hit, exchange)
        if hit.then.drop == "after":
            await _drop(scope, receive)
            return
        call.status = reply.status
        await self._send(send, reply, exchange.headers, cut=hit.then.truncate)
        if hit.then.truncate is not None:
            await _drop(scope, receive, flush=True)

    def _carry_out(self, exchange: _Exchange) -> kernel.Reply:
        """Check token and microversion, call the handler, and render refusals."""
        service, route, request = exchange.service, exchange.route, exchange.request
        try:
            if route is None or not route.open:
                request.caller = self.cloud.identity.caller(request.headers.get("x-auth-token", ""))
            if service.lowest is not None:
                request.version = service.lowest
                known = self.cloud.era.microversions(service.name, request.path)
                if known is not None:
                    request.version = _microversion(exchange, lowest=known[0], highest=known[1])
            if route is None:
                return service.not_found
            media = request.headers.get("content-type", "").partition(";")[0].strip()
            if media and service.media_types and media not in service.media_types:
                raise kernel.Refusal(415, "Unsupported Content-Type")
            reply = route.handler(request)
            body = self.cloud.era.trimmed(service.name, reply.body)
            return reply if body is reply.body else msgspec.structs.replace(reply, body=body)
        except identity_state.Unauthenticated as refusal:
            return identity_state.word(refusal)
        except kernel.Refusal as refusal:
            return service.word(refusal)

    def _struck(self, hit: faults.Hit, exchange: _Exchange) -> kernel.Reply:
        """Return the reply that a fault rule makes of a call; the call has its effect where the rule says so."""
        then = hit.then
        fakes = bool(then.status or then.html or then.body is not None)
        if then.unfiltered:
            query = exchange.request.query
            exchange.request.query = [pair for pair in query if pair[0] in _NO_FILTERS]
        reply = kernel.Reply(status=then.status or 200)
        if not fakes or then.effect:
            real = self._carry_out(exchange)
            if not fakes:
                reply = real
        if then.html:
            reply = kernel.Reply(status=then.status or 502, body=_HTML, media="text/html")
        elif then.body is not None:
            body = then.body.encode() if isinstance(then.body, str) else then.body
            reply = kernel.Reply(status=reply.status, body=body)
        elif fakes and then.status >= 400:
            said = _echo(then.echo, exchange.request.content) or "This answer is a fault of the sandbox."
            reply = exchange.service.word(kernel.Refusal(then.status, said))
        if then.omit:
            reply = _without(reply, re.compile(then.omit))
        if then.change or then.add:
            reply = msgspec.structs.replace(reply, body=faults.changed(reply.body, then))
        if then.stale:
            request = exchange.request
            reply = hit.answers.setdefault(
                f"{request.method} {request.root}{request.path}?{request.query}", reply
            )
        return msgspec.structs.replace(
            reply,
            headers={**reply.headers, **{name: self._dated(value) for name, value in then.headers.items()}},
        )

    def _dated(self, value: str) -> str:
        """Return a header's value, with `date:+30` as the HTTP date in 30 seconds."""
        if not value.startswith("date:"):
            return value
        return _http_date(self.cloud.now() + timedelta(seconds=float(value[5:])))

    def _usual(self, service: http.Service) -> dict[str, str]:
        """Return the headers every answer of a service has."""
        request_id = f"req-{self.cloud.new_id()}"
        usual = {"Date": _http_date(self.cloud.now()), "x-openstack-request-id": request_id}
        if service.request_id_header:
            usual[service.request_id_header] = request_id
        return usual

    def _index(self, path: str) -> kernel.Reply:
        """Return the list of services for the root, and 404 for everything unknown."""
        if path != "/":
            return kernel.Reply(
                status=404, body=b"No service of this cloud has this path; see /.\n", media="text/plain"
            )
        places = {
            service.name: self.cloud.url + service.prefix
            for service in SERVICES
            if self.cloud.era.offers(service.name)
        }
        return kernel.Reply(body={"cloud": "Enamel's sandbox", "services": places})

    async def _send(
        self, send: Send, reply: kernel.Reply, usual: dict[str, str], *, cut: int | None = None
    ) -> None:
        """Send an answer, or only the first bytes of it."""
        body = reply.body
        if body is None:
            body = b""
        elif not isinstance(body, bytes):
            body = _encode(body)
        headers = {**usual, **reply.headers}
        if reply.status not in (204, 304):
            headers["Content-Length"] = str(len(body))
        if body:
            headers["Content-Type"] = reply.media
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [
                    (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
                ],
            }
        )
        if cut is not None and cut < len(body):
            await send({"type": "http.response.body", "body": body[:cut], "more_body": True})
        else:
            await send({"type": "http.response.body", "body": body})


def _microversion(exchange: _Exchange, *, lowest: kernel.Version, highest: kernel.Version) -> kernel.Version:
    """Return the microversion a request asks for and set the headers that echo it."""
    service, headers = exchange.service, exchange.headers
    requested = ""
    for line in exchange.request.headers.get("openstack-api-version", "").split(","):
        kind, _, number = line.strip().partition(" ")
        if kind in service.microversion_types:
            requested = number.strip()
    if not requested and service.microversion_header:
        requested = exchange.request.headers.get(service.microversion_header.lower(), "")
    version = lowest
    if requested == "latest":
        version = highest
    elif requested:
        parts = re.fullmatch(r"([1-9]\d*)\.([1-9]\d*|0)", requested)
        if parts is None:
            raise kernel.Refusal(
                400,
                f"API Version String {requested} is of invalid format. Must be of format MajorNum.MinorNum.",
            )
        version = (int(parts[1]), int(parts[2]))
    text = f"{version[0]}.{version[1]}"
    headers["OpenStack-API-Version"] = f"{service.microversion_types[0]} {text}"
    headers["Vary"] = "OpenStack-API-Version"
    if service.microversion_header:
        headers[service.microversion_header] = text
        headers["Vary"] += f", {service.microversion_header}"
    if not lowest <= version <= highest:
        raise kernel.Refusal(
            406,
            f"Version {text} is not supported by the API. Minimum is {lowest[0]}.{lowest[1]}"
            f" and maximum is {highest[0]}.{highest[1]}.",
        )
    return version


def _echo(how: str, content: bytes) -> str:
    """Return a message that repeats a request's body; empty where none is wanted."""
    text, encoded = content.decode("utf-8", "replace"), base64.b64encode(content).decode()
    words = {
        "raw": text,
        "json": json.dumps(text),
        "base64": encoded,
        # From the middle of a group of four.
        "part": encoded[len(encoded) // 3 | 1 :],
        "url": quote(text),
        "hex": content.hex(),
    }
    return f"Cannot understand {words[how]}" if how else ""


def _without(reply: kernel.Reply, unwanted: re.Pattern[str]) -> kernel.Reply:
    """Return the reply to a list without the items whose name or id matches."""
    if not isinstance(reply.body, dict):
        return reply
    body = {
        key: [item for item in value if not _named(item, unwanted)] if isinstance(value, list) else value
        for key, value in reply.body.items()
    }
    return msgspec.structs.replace(reply, body=body)


def _named(item: object, unwanted: re.Pattern[str]) -> bool:
    """Return whether an item of a list has a name or id that matches."""
    return isinstance(item, dict) and any(unwanted.search(str(item.get(key, ""))) for key in ("name", "id"))


async def _drop(scope: Scope, receive: Receive, *, flush: bool = False) -> None:
    """Close the connection of a call and wait for the disconnect."""
    transport = scope["enamel.transport"]
    if flush:
        transport.close()
    else:
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _http_date(moment: datetime) -> str:
    """Return a time as HTTP writes it."""
    return format_datetime(moment, usegmt=True)
