"""Serve the application within a running loop, and end it so that no request gets lost."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import uvicorn
from starlette.types import ASGIApp

_BACKLOG = 2048
_LAST_CALL = 0.1
"""Seconds in which a request may still come over a connection that was opened before the end began."""
_HANDED_OVER = 3
"""The number under which systemd hands the first socket over."""


def listen(host: str, port: int, *, reuse_port: bool = False) -> socket.socket:
    """Return a listening socket.

    Args:
        host: The address to listen on.
        port: The port; 0 takes a free one.
        reuse_port: Whether other processes may listen there, too.

    Raises:
        OSError: The address or port cannot be had.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only on sockets that name their protocol; with it, calls take 40 ms.
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

    Such a socket outlives the process: what connects while there is none waits for the next one.
    """
    if environ.get("LISTEN_PID") != str(os.getpid()) or environ.get("LISTEN_FDS", "0") == "0":
        return None
    return socket.socket(fileno=_HANDED_OVER)


@asynccontextmanager
async def running(
    application: ASGIApp,
    *,
    listener: socket.socket,
    graceful_shutdown_timeout: timedelta = timedelta(seconds=2),
    ending: Callable[[], None] = lambda: None,
) -> AsyncIterator[str]:
    """Serve an application until the block ends; its URL is what the block gets.

    Args:
        application: What to serve.
        listener: What to listen on; it is closed at the end.
        graceful_shutdown_timeout: How long requests that are under way at the end may take.
        ending: Called when the end begins: has streams and long polls come to theirs.

    """
    config = uvicorn.Config(
        cast("Callable[..., object]", application),
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        # A header must not say who asks.
        proxy_headers=False,
        # Clients and proxies keep connections for a minute or so; the one who waits longer is not cut off in a request.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(graceful_shutdown_timeout.total_seconds())),
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    # `Server.serve` would take over the process's signals, which belong to whoever runs the loop.
    await server.startup(sockets=[listener])
    loop = asyncio.create_task(server.main_loop())
    try:
        yield _url(listener)
    finally:
        loop.cancel()
        await asyncio.wait({loop})
        ending()
        await _last_call(server)
        await server.shutdown(sockets=[listener])


async def _last_call(server: uvicorn.Server) -> None:
    """Take no new connections, and hear those out that are open: uvicorn closes the ones on which nothing came yet."""
    for one in server.servers:
        one.close()
    # In place, so that answers to what came before are marked, too.
    server.server_state.default_headers.append((b"connection", b"close"))
    if server.server_state.connections:
        await asyncio.sleep(_LAST_CALL)


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
