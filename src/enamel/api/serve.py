"""Serve the application within a running loop, and stop it without losing requests."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from enamel.api import connection

_BACKLOG = 2048
_LAST_CALL = 0.1
"""Seconds in which requests on open connections are still accepted during shutdown."""
_HANDED_OVER = 3
"""The file descriptor of the first socket that systemd passes."""


def listen(host: str, port: int, *, reuse_port: bool = False) -> socket.socket:
    """Return a listening socket.

    Args:
        host: The address to listen on.
        port: The port; 0 chooses a free one.
        reuse_port: Whether other processes may listen on it, too.

    Raises:
        OSError: The address or port is not available.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm only on sockets that name their protocol; with it, calls take 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def handed_over(environ: Mapping[str, str]) -> socket.socket | None:
    """Return the socket that systemd listened on for this process, if it did.

    Such a socket outlives the process: connections made while no process runs wait for the next one.
    """
    if environ.get("LISTEN_PID") != str(os.getpid()) or environ.get("LISTEN_FDS", "0") == "0":
        return None
    return socket.socket(fileno=_HANDED_OVER)


@asynccontextmanager
async def running(
    application: ASGIApp,
    *,
    listener: socket.socket,
    own: socket.socket | None = None,
    graceful_shutdown_timeout: timedelta = timedelta(seconds=2),
    ending: Callable[[], None] = lambda: None,
    connections: type[connection.Connection] | None = None,
) -> AsyncIterator[str]:
    """Serve an application until the block ends, and yield its URL.

    Args:
        application: What to serve.
        listener: What to listen on; it is closed at the end.
        own: Another one to listen on, which only the user of this process can open.
        graceful_shutdown_timeout: How long requests that are under way at the end may take.
        connections: What bounds the connections of clients; if not set, the limits of this process.
        ending: Called when shutdown begins: ends streams and long polls.

    """
    config = uvicorn.Config(
        cast("Callable[..., object]", application),
        http=connections or connection.limited(),
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        # No header may say who the client is.
        proxy_headers=False,
        # Clients and proxies keep connections for about a minute; the side that waits longer does not cut off a request.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(graceful_shutdown_timeout.total_seconds())),
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    # `Server.serve` would take over the process's signals, which belong to whoever runs the loop.
    listeners = [listener] if own is None else [listener, own]
    await server.startup(sockets=listeners)
    loop = asyncio.create_task(server.main_loop())
    try:
        yield _url(listener)
    finally:
        loop.cancel()
        await asyncio.wait({loop})
        ending()
        await _last_call(server)
        await server.shutdown(sockets=listeners)


async def _last_call(server: uvicorn.Server) -> None:
    """Accept no new connections, and wait for requests on the open ones: uvicorn closes those without any yet."""
    for listening in server.servers:
        listening.close()
    # In place, so that the answers to earlier requests get it, too.
    server.server_state.default_headers.append((b"connection", b"close"))
    if server.server_state.connections:
        await asyncio.sleep(_LAST_CALL)


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
