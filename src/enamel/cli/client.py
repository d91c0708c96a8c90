"""The client: requests to the service, and what its answers mean for the command line."""

import http.client
import json
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import enamel
from enamel.cli.failure import Exit, Failure

DEFAULT_URL = "http://127.0.0.1:8780"
_ANSWERS_WITHIN = 120.0
_SILENT_FOR = 45.0
"""Seconds without a word after which a stream counts as broken; the service says something every 15."""
_TRIES = 3
_KEY_IS_FREE_WITHIN = 15.0
"""Seconds for which the answer to a request is waited for that somebody is still said to be accepting."""
_IN_FLIGHT = "enamel.request.key_in_flight"
_BROKEN = (http.client.HTTPException, OSError)


FINAL = frozenset({"task.completed", "task.aborted", "task.timed_out"})
"""After one of these events, nothing happens to a task any more."""


class _Over(Exception):
    """There are no more events to come."""


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
        parts = urlsplit(self.url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in {"http", "https"} or not parts.hostname or port == -1:
            raise Failure(
                f"'{url}' is not the address of a service: write http://HOST:PORT.", code=Exit.USAGE
            )
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port, self._prefix = parts.hostname, port, parts.path

    # -- one request

    def get(self, path: str, /, **query: Any) -> Any:
        """Return what is at a path."""
        return self.call("GET", _with(path, query)).data

    def post(self, path: str, body: Any = None, /, **query: Any) -> Any:
        """Send a command and return the answer; a connection that breaks does not carry it out twice."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self.call("POST", _with(path, query), body=body, headers=headers).data

    def patch(self, path: str, body: Any, /, **query: Any) -> Any:
        """Send a change and return the answer."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self.call("PATCH", _with(path, query), body=body, headers=headers).data

    def put(self, path: str, body: Any = None, /, **query: Any) -> Any:
        """Send what is to be there and return the answer."""
        return self.call("PUT", _with(path, query), body=body).data

    def delete(self, path: str, /, **query: Any) -> Any:
        """Have something removed and return the answer."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self.call("DELETE", _with(path, query), headers=headers).data

    def pages(
        self, path: str, key: str, each: Callable[[Any], None] = lambda page: None, /, **query: Any
    ) -> Iterator[Any]:
        """Yield the entries of a collection, page after page; `each` sees every page as a whole."""
        onward: str | None = _with(path, query)
        while onward:
            page = self.call("GET", onward).data
            each(page)
            yield from page[key]
            onward = page["_links"].get("next", {}).get("href")

    def call(
        self, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request and return its answer.

        Raises:
            Failure: The service does not answer, or refuses.

        """
        reply = self._sent(method, path, body=body, headers=headers or {})
        until = time.monotonic() + _KEY_IS_FREE_WITHIN
        while _is_in_flight(reply) and time.monotonic() < until:
            # What took the request before is slow, or has died with it: then its key comes free by itself.
            time.sleep(float(reply.headers.get("Retry-After") or 1))
            reply = self._sent(method, path, body=body, headers=headers or {})
        if reply.status >= 400:
            raise refused(reply)
        return reply

    def _sent(self, method: str, path: str, *, body: Any, headers: Mapping[str, str]) -> Reply:
        """Send a request, again where the connection breaks, and return whatever is answered."""
        for attempt in range(1, _TRIES + 1):
            try:
                return self._once(method, path, body=body, headers=headers)
            except ConnectionRefusedError as error:
                raise self._unreachable() from error
            except socket.gaierror as error:
                raise self._unreachable(f"There is no host '{self._host}'.") from error
            except _BROKEN as error:
                if attempt == _TRIES:
                    raise self._unreachable(
                        f"The connection broke: {error or type(error).__name__}."
                    ) from error
                time.sleep(0.2 * attempt)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, method: str, path: str, *, body: Any, headers: Mapping[str, str]) -> Reply:
        connection = self._open(_ANSWERS_WITHIN)
        try:
            sent = {"Accept": "application/json", "User-Agent": f"enamel/{enamel.__version__}", **headers}
            raw = None
            if body is not None:
                raw = json.dumps(body).encode()
                sent["Content-Type"] = "application/json"
            connection.request(method, self._prefix + path, body=raw, headers=sent)
            response = connection.getresponse()
            text = response.read()
            plain = (response.getheader("Content-Type") or "").startswith("text/plain")
            data = text.decode(errors="replace") if plain else self._decode(text)
            return Reply(response.status, dict(response.getheaders()), data)
        finally:
            connection.close()

    def _decode(self, text: bytes) -> Any:
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise self._unreachable("What answers there does not speak Enamel's language.") from error

    def _open(self, timeout: float) -> http.client.HTTPConnection:
        return self._kind(self._host, self._port, timeout=timeout)

    def _unreachable(self, why: str = "Nothing listens there.") -> Failure:
        return Failure(
            f"The service at {self.url} cannot be reached. {why}",
            "Start it with `enamel up`, or name another with --url or ENAMEL_URL.",
            code=Exit.UNREACHABLE,
        )

    # -- a stream

    def stream(self, path: str, *, after: int, patience: float = 60.0) -> Iterator[dict[str, Any]]:
        """Yield the events of a task as they happen; a stream that breaks is taken up where it broke.

        Args:
            path: Where the events are.
            after: The number of the last event that is known.
            patience: Seconds for which the service may be away.

        Raises:
            Failure: The service stayed away, or refuses.

        """
        away_since: float | None = None
        while True:
            why: Exception | None = None
            try:
                for event in self._listen(path, after=after):
                    away_since = None
                    after = event["seq"]
                    yield event
                    if event["type"] in FINAL:
                        return
            except _Over:
                return
            except _BROKEN as error:
                why = error
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > patience:
                raise self._unreachable(f"It stayed away for {patience:.0f} seconds.") from why
            time.sleep(0.5)

    def _listen(self, path: str, *, after: int) -> Iterator[dict[str, Any]]:
        """Yield the events of one connection."""
        connection = self._open(_SILENT_FOR)
        try:
            headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
            connection.request("GET", self._prefix + path, headers=headers)
            response = connection.getresponse()
            if response.status >= 400:
                raise refused(Reply(response.status, {}, self._decode(response.read())))
            if response.status == 204:
                raise _Over
            for line in response:
                # A line that the end of the connection has cut has no end of its own.
                if line.startswith(b"data: ") and line.endswith(b"\n"):
                    yield json.loads(line[6:])
        finally:
            connection.close()


def _is_in_flight(reply: Reply) -> bool:
    """Tell whether an earlier try of the same request is still being accepted."""
    errors = reply.data.get("errors", ()) if isinstance(reply.data, dict) else ()
    return any(error.get("code") == _IN_FLIGHT for error in errors)


def refused(reply: Reply) -> Failure:
    """Return the failure that an error's body tells of: each fault with its place, and what to do once."""
    errors = reply.data.get("errors", []) if isinstance(reply.data, dict) else []
    lines = []
    for error in errors:
        pointer = error.get("pointer")
        place = f"{pointer}: " if pointer else ""
        lines.append(f"{place}{error.get('detail', error.get('title', 'refused'))}")
    remedies = dict.fromkeys(error["remedy"] for error in errors if error.get("remedy"))
    cloud_ids = dict.fromkeys(id for error in errors for id in error.get("request_ids", ()))
    if cloud_ids:
        lines.append(f"Request ids of the cloud: {', '.join(cloud_ids)}")
    return Failure(*(lines or [f"The service answered {reply.status}."]), *remedies, data=reply.data)


def segment(text: str) -> str:
    """Return a text as one segment of a path."""
    return quote(text, safe="")


def _with(path: str, query: Mapping[str, Any]) -> str:
    given = {name: value for name, value in query.items() if value not in (None, False, ())}
    texts = {name: "true" if value is True else value for name, value in given.items()}
    return f"{path}?{urlencode(texts)}" if texts else path
