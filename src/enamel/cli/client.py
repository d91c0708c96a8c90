"""The client: sends requests to the service and turns refusals into failures of the command line."""

import http.client
import json
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import enamel
from enamel.cli import refusal, safe_text
from enamel.cli.failure import Exit, Failure
from enamel.model import control_characters

DEFAULT_URL = "http://127.0.0.1:8780"
_TIMEOUT = 120.0
"""Seconds to wait for the answer to a request."""
_STREAM_TIMEOUT = 45.0
"""Seconds without data after which a stream counts as broken; the service sends a line every 15."""
_TRIES = 3
_IN_FLIGHT_TIMEOUT = 15.0
"""Seconds to wait for a request that an earlier try still holds."""
_IN_FLIGHT = "enamel.request.key_in_flight"
_VERSION = "OpenStack-API-Version"
"""The header with which every answer of Enamel says whose it is."""
_PROXY_TROUBLE = frozenset({502, 503, 504})
"""What a service that restarts, or a proxy in front of it, answers: a stream is opened again."""
_BROKEN = (http.client.HTTPException, OSError)
_ON_NO_CLOUD = ("/tasks", "/clouds")
"""The beginnings of paths that belong to no single cloud."""
FINAL = frozenset({"task.completed", "task.aborted", "task.timed_out"})
"""The last event of a task is one of these."""


class _Over(Exception):
    """The task has ended: no more events follow."""


@dataclass
class Contact:
    """Whether the service still speaks on a stream."""

    heard: float = field(default_factory=time.monotonic)
    """When it was last heard, on the monotonic clock."""
    trouble: str = ""
    """What broke the stream, until it is back."""

    def hear(self) -> None:
        """Note that the service has sent something."""
        self.heard, self.trouble = time.monotonic(), ""


@dataclass(frozen=True)
class Reply:
    """What the service answered."""

    status: int
    headers: Mapping[str, str]
    data: Any


class Client:
    """Talks to one service."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.cloud: str | None = None
        """The cloud that requests name; None leaves it to the service."""
        self._timeout = _TIMEOUT
        parts = urlsplit(self.url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in {"http", "https"} or not parts.hostname or port == -1:
            raise Failure(f"'{url}' is not the URL of a service.", "Write http://HOST:PORT.", code=Exit.USAGE)
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port, self._prefix = parts.hostname, port, parts.path

    def within(self, seconds: float) -> "Client":
        """Return a client of the same service that gives up after a time."""
        client = Client(self.url)
        client.cloud, client._timeout = self.cloud, seconds
        return client

    # -- one request

    def get(self, path: str, /, **query: Any) -> Any:
        """Return the resource at a path."""
        return self.call("GET", self._target(path, query)).data

    def post(self, path: str, body: Any = None, /, **query: Any) -> Any:
        """Send a command and return the answer; it takes effect once even if the connection breaks."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self.call("POST", self._target(path, query), body=body, headers=headers).data

    def patch(self, path: str, body: Any, /, **query: Any) -> Any:
        """Send a change and return the answer."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self.call("PATCH", self._target(path, query), body=body, headers=headers).data

    def put(self, path: str, body: Any = None, /, **query: Any) -> Any:
        """Send a resource and return the answer."""
        return self.call("PUT", self._target(path, query), body=body).data

    def delete(self, path: str, /, **query: Any) -> Any:
        """Delete a resource and return the answer."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self.call("DELETE", self._target(path, query), headers=headers).data

    def pages(
        self, path: str, key: str, each: Callable[[Any], None] = lambda page: None, /, **query: Any
    ) -> Iterator[Any]:
        """Yield the entries of a collection, page after page; `each` is called with every page."""
        target: str | None = self._target(path, query)
        while target:
            page = self.call("GET", target).data
            each(page)
            yield from page[key]
            target = page["_links"].get("next", {}).get("href")

    def _target(self, path: str, query: Mapping[str, Any]) -> str:
        """Return a path with its query; the cloud is part of it if the path is on one."""
        on_cloud = not path.startswith(_ON_NO_CLOUD)
        parameters = {**query, "cloud": self.cloud} if on_cloud else query
        values = {name: value for name, value in parameters.items() if value not in (None, False, ())}
        texts = {name: "true" if value is True else value for name, value in values.items()}
        return f"{path}?{urlencode(texts)}" if texts else path

    def call(
        self, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request and return its answer.

        Raises:
            Failure: The service does not answer, or refuses.

        """
        reply = self._sent(method, path, body=body, headers=headers or {})
        until = time.monotonic() + _IN_FLIGHT_TIMEOUT
        while _is_in_flight(reply) and time.monotonic() < until:
            # The process that accepts the earlier try is slow or died; in that case the key is released after a while.
            time.sleep(float(reply.headers.get("Retry-After") or 1))
            reply = self._sent(method, path, body=body, headers=headers or {})
        if reply.status >= 400:
            raise refused(reply)
        return reply

    def _sent(self, method: str, path: str, *, body: Any, headers: Mapping[str, str]) -> Reply:
        """Send a request, again if the connection breaks, and return the answer."""
        for attempt in range(1, _TRIES + 1):
            try:
                return self._sent_once(method, path, body=body, headers=headers)
            except ConnectionRefusedError as error:
                raise self._unreachable() from error
            except socket.gaierror as error:
                raise self._unreachable(f"Unknown host '{self._host}'.") from error
            except _BROKEN as error:
                if attempt == _TRIES:
                    raise self._unreachable(
                        f"The connection broke: {error or type(error).__name__}."
                    ) from error
                time.sleep(0.2 * attempt)
        raise AssertionError("the last attempt returns or raises")

    def _sent_once(self, method: str, path: str, *, body: Any, headers: Mapping[str, str]) -> Reply:
        connection = self._open(self._timeout)
        try:
            headers = {"Accept": "application/json", "User-Agent": f"enamel/{enamel.__version__}", **headers}
            content = None
            if body is not None:
                content = json.dumps(body).encode()
                headers["Content-Type"] = "application/json"
            connection.request(method, self._prefix + path, body=content, headers=headers)
            response = connection.getresponse()
            text = response.read()
            self._check_is_enamel(response)
            plain = (response.getheader("Content-Type") or "").startswith("text/plain")
            data = _console(text) if plain else self._decode(text)
            return Reply(response.status, dict(response.getheaders()), data)
        finally:
            connection.close()

    def _decode(self, text: bytes) -> Any:
        try:
            return safe_text.of(json.loads(text)) if text else None
        except ValueError as error:
            raise self._unreachable("What answers there is not Enamel.") from error

    def _check_is_enamel(self, response: http.client.HTTPResponse) -> None:
        """Raise Failure if something else than Enamel has answered: another service, or a proxy."""
        if (response.getheader(_VERSION) or "").startswith("enamel "):
            return
        other = (response.getheader(_VERSION) or response.getheader("Server") or "").partition(" ")[0]
        raise Failure(
            f"What answers at {self.url} is not Enamel: {response.status} {response.reason}"
            + (f", from '{other}'." if other else "."),
            "Name the URL of Enamel with --url or ENAMEL_URL; `enamel up` prints it.",
            code=Exit.UNREACHABLE,
        )

    def _open(self, timeout: float) -> http.client.HTTPConnection:
        return self._kind(self._host, self._port, timeout=timeout)

    def _unreachable(self, reason: str = "Nothing listens there.") -> Failure:
        return Failure(
            f"The service at {self.url} cannot be reached. {reason}",
            "Start it with `enamel up`, or name another service with --url or ENAMEL_URL.",
            code=Exit.UNREACHABLE,
        )

    # -- a stream

    def stream(
        self, path: str, *, after: int, patience: float = 60.0, contact: Contact | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the events of a task as they happen; a stream that breaks continues where it broke.

        Args:
            path: The path of the events.
            after: The number of the last event that is known.
            patience: Seconds for which the service may be unreachable.
            contact: Keeps whether the service speaks, for those who show it.

        Raises:
            Failure: The service became unreachable, or refuses.

        """
        contact = contact or Contact()
        unreachable_since: float | None = None
        while True:
            cause: Exception | None = None
            try:
                for event in self._listen(path, after=after, contact=contact):
                    unreachable_since = None
                    after = event["seq"]
                    yield event
                    if event["type"] in FINAL:
                        return
            except _Over:
                return
            except _BROKEN as error:
                cause = error
            contact.trouble = _reason(cause)
            unreachable_since = unreachable_since or time.monotonic()
            if time.monotonic() - unreachable_since > patience:
                raise self._unreachable(f"It did not answer for {patience:.0f} seconds.") from cause
            time.sleep(0.5)

    def _listen(self, path: str, *, after: int, contact: Contact) -> Iterator[dict[str, Any]]:
        """Yield the events of one connection."""
        connection = self._open(_STREAM_TIMEOUT)
        try:
            headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
            connection.request("GET", self._prefix + path, headers=headers)
            response = connection.getresponse()
            if response.status in _PROXY_TROUBLE:
                raise http.client.HTTPException(f"{response.status} {response.reason}")
            self._check_is_enamel(response)
            if response.status >= 400:
                raise refused(Reply(response.status, {}, self._decode(response.read())))
            if response.status == 204:
                raise _Over
            contact.hear()
            for line in response:
                contact.hear()
                # A line without an end was cut off when the connection broke.
                if line.startswith(b"data: ") and line.endswith(b"\n"):
                    yield safe_text.of(json.loads(line[6:]))
        finally:
            connection.close()


def _console(text: bytes) -> str:
    return control_characters.without_colours(text.decode(errors="replace"))


def _reason(cause: Exception | None) -> str:
    """Return why a stream broke, in a few words."""
    match cause:
        case None:
            return "it ended the connection"
        case TimeoutError():
            return "no data"
        case ConnectionRefusedError():
            return "connection refused"
    return str(cause) or type(cause).__name__


def _is_in_flight(reply: Reply) -> bool:
    """Return whether an earlier try of the same request is still being accepted."""
    faults = reply.data.get("errors", ()) if isinstance(reply.data, dict) else ()
    return any(error.get("code") == _IN_FLIGHT for error in faults)


def refused(reply: Reply) -> Failure:
    """Return the failure for an error that the service answered with."""
    refused = reply.data.get("errors", []) if isinstance(reply.data, dict) else []
    lines = refusal.lines(refused) or [f"The service answered {reply.status}."]
    return Failure(*lines, data=reply.data)


def segment(text: str) -> str:
    """Return a text as one segment of a path."""
    return quote(text, safe="")
