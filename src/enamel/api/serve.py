"""Serve the application within a running loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import uvicorn
from starlette.types import ASGIApp

_LAST_WORDS = 2
"""Seconds that streams and waiting requests have to end."""


@asynccontextmanager
async def running(application: ASGIApp, *, host: str, port: int) -> AsyncIterator[str]:
    """Serve an application until the block ends; its URL is what the block gets.

    Args:
        application: What to serve.
        host: The address to listen on.
        port: The port; 0 takes a free one.

    Raises:
        OSError: The address or port cannot be had.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=2048)
    config = uvicorn.Config(
        cast("Callable[..., object]", application),
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        # No proxy stands before a service on loopback: a header must not say who asks.
        proxy_headers=False,
        timeout_graceful_shutdown=_LAST_WORDS,
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    # `Server.serve` would take over the process's signals, which belong to whoever runs the loop.
    await server.startup(sockets=[listener])
    loop = asyncio.create_task(server.main_loop())
    try:
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        loop.cancel()
        await asyncio.wait({loop})
        await server.shutdown(sockets=[listener])
