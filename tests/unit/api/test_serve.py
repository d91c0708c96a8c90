"""Serving: calls are not held up, and the end of a process loses no request."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from starlette.types import Receive, Scope, Send

from enamel.api import serve

ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Face:
    """An application that answers when it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.let.set()
        self.asked = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.set()
        await self.let.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def connected(
    address: tuple[str, int],
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


async def test_small_answers_are_not_held_back() -> None:
    """asyncio leaves Nagle's algorithm on for sockets that do not name their protocol."""
    with serve.listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
        accepted = asyncio.get_running_loop().create_future()

        class Protocol(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                plain = transport.get_extra_info("socket")
                accepted.set_result(plain.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        server = await asyncio.get_running_loop().create_server(Protocol, sock=listener)
        async with connected(listener.getsockname()):
            assert await accepted
        server.close()
        await server.wait_closed()


async def test_a_port_that_is_taken_is_refused_unless_it_is_shared() -> None:
    with serve.listen("127.0.0.1", 0, reuse_port=True) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            serve.listen("127.0.0.1", port)
        serve.listen("127.0.0.1", port, reuse_port=True).close()


async def test_what_is_under_way_is_finished() -> None:
    face = Face()
    face.let.clear()
    listener = serve.listen("127.0.0.1", 0)
    ending = asyncio.Event()
    async with AsyncExitStack() as client:
        async with serve.running(face, listener=listener, ending=ending.set):
            reader, writer = await client.enter_async_context(connected(listener.getsockname()))
            writer.write(ASK)
            await face.asked.wait()
            asyncio.get_running_loop().call_later(0.05, face.let.set)
        assert ending.is_set()
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"ok")
    # Whoever would go on over this connection is told not to.
    assert b"connection: close" in answer.lower()


async def test_a_connection_that_was_open_is_heard_out() -> None:
    face = Face()
    listener = serve.listen("127.0.0.1", 0)
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as client:
        async with serve.running(face, listener=listener):
            reader, writer = await client.enter_async_context(connected(listener.getsockname()))
            writer.write(ASK)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            # The next request is on its way while the end begins.
            loop.call_later(0.02, writer.write, ASK)
        assert (await reader.read()).startswith(b"HTTP/1.1 200")


async def test_a_socket_of_systemd_is_taken_only_by_whom_it_is_for() -> None:
    assert serve.handed_over({}) is None
    assert serve.handed_over({"LISTEN_PID": "1", "LISTEN_FDS": "1"}) is None
    assert serve.handed_over({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "0"}) is None
