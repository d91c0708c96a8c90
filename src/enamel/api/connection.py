"""The connection of a client: what it may take of memory, of time and of file descriptors.

uvicorn bounds none of that. A header that never ends would fill the memory; clients that connect and say nothing, send a byte
a minute or never read an answer would use up the descriptors, which the store needs as well.
"""

import asyncio
import functools
import resource
import socket
from typing import cast

import structlog
from uvicorn.protocols.http import httptools_impl

from enamel.api import local_peer

log = structlog.get_logger(__name__)

CONNECTION = "enamel.connection"
"""The key of a connection in the scope of its requests."""
LARGEST_HEAD = 64 * 1024
"""Bytes of the first line and the headers of a request."""
MOST_HEADERS = 100
HEAD_WITHIN = 15.0
"""Seconds from the connection, or from the first byte of a request, to the end of its headers."""
READ_WITHIN = 60.0
"""Seconds for which a client may read nothing of an answer that waits for it."""
MOST_CONNECTIONS = 16_384
_RESERVED = 256
"""File descriptors that connections of clients leave to the store and to the clouds."""


def raise_limit() -> None:
    """Let this process open as many files as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_connections() -> int:
    """Return how many connections of clients a process keeps; a part of its descriptors is for others."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return min(MOST_CONNECTIONS, max(soft - _RESERVED, soft // 2))


class Connection(httptools_impl.HttpToolsProtocol):
    """Uvicorn's connection, bounded."""

    most = MOST_CONNECTIONS
    """How many there may be at once."""
    head_within = HEAD_WITHIN
    read_within = READ_WITHIN

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, or make room for it."""
        super().connection_made(transport)
        self._began = self.loop.time()
        self._head = 0
        """Bytes of a head that is not complete."""
        self._in_head = True
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        if len(self.connections) > self.most and not self._make_room():
            self._refuse(503, "There are too many connections. Try again later.")
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._stop_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request; end the connection when its head has no end."""
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head += len(data)
            if self._timer is None:
                self._expect_head()
        super().data_received(data)
        if self._in_head and self._head > LARGEST_HEAD:
            self._refuse(431, f"The headers of a request have at most {LARGEST_HEAD:,} bytes.")

    def on_message_begin(self) -> None:
        """Let the application see whose connection it is."""
        super().on_message_begin()
        cast("dict[str, object]", self.scope)[CONNECTION] = self

    def on_headers_complete(self) -> None:
        """Handle a request whose head has a bearable size."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        self._in_head, self._head = False, 0
        self._stop_waiting()
        if size > LARGEST_HEAD or len(self.headers) > MOST_HEADERS:
            self._refuse(
                431,
                f"A request has at most {MOST_HEADERS} headers of {LARGEST_HEAD:,} bytes, taken together.",
            )
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep a part of a request's body."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        self._in_head = True
        if not self.transport.is_closing():
            super().on_message_complete()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.read_within, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _expect_head(self) -> None:
        self._timer = self.loop.call_later(self.head_within, self._too_slow)

    def _too_slow(self) -> None:
        if self._head:
            self._refuse(408, f"The headers of a request arrive within {self.head_within:.0f} seconds.")
        else:
            self.transport.close()

    def _make_room(self) -> bool:
        """Close the connection that has been without a request for longest; tell whether there was one."""
        idle = (other for other in self._oldest_first() if other is not self and other.is_idle)
        oldest = next(idle, None)
        if oldest is None:
            return False
        self.connections.discard(oldest)
        oldest.transport.close()
        return True

    def _oldest_first(self) -> list["Connection"]:
        mine = [other for other in self.connections if isinstance(other, Connection)]
        return sorted(mine, key=lambda other: other._began)

    @property
    def over_socket(self) -> bool:
        """Whether it goes over a socket in the file system, not over TCP."""
        return bool(self.transport.get_extra_info("socket").family == socket.AF_UNIX)

    @functools.cached_property
    def is_own(self) -> bool:
        """Whether the process at its other end is of the user of this process."""
        return local_peer.is_own(self.transport.get_extra_info("socket"))

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return (self.cycle is None or self.cycle.response_complete) and not self.pipeline

    def _refuse(self, status: int, sentence: str) -> None:
        """Answer in plain text, and end the connection."""
        self._stop_timers()
        log.warning("connection.refused", status=status)
        content = sentence.encode()
        lines = [
            httptools_impl.STATUS_LINE[status].rstrip(),
            b"content-type: text/plain; charset=utf-8",
            b"content-length: %d" % len(content),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join([*lines, b"", content]))
        self.transport.close()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_timers(self) -> None:
        self._stop_waiting()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def limited(
    *, most: int | None = None, head_within: float = HEAD_WITHIN, read_within: float = READ_WITHIN
) -> type[Connection]:
    """Return the kind of connections of a service.

    Args:
        most: How many there may be at once; if not set, what the limits of this process allow.
        head_within: Seconds for the headers of a request.
        read_within: Seconds for which a client may read nothing.
    """
    fields = {
        "most": most_connections() if most is None else most,
        "head_within": head_within,
        "read_within": read_within,
    }
    return type("LimitedConnection", (Connection,), fields)
