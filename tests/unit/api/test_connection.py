"""Connections of clients: bounded in number, in time and in what their requests hold."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from enamel.api import connection, serve
from tests.unit.api.test_serve import ASK, Face, connected

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


@asynccontextmanager
async def served(face: Any, **limits: Any) -> AsyncIterator[tuple[str, int]]:
    with serve.listen("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        async with serve.running(face, listener=listener, connections=connection.limited(**limits)):
            yield address


@pytest.mark.parametrize("filler", [b"X: " + b"a" * 1000, b"X: 1\r\n" * 200, b"a" * 1000])
async def test_a_head_without_end_is_refused(filler: bytes) -> None:
    most = 1024 * connection.LARGEST_HEAD
    async with served(Face()) as address:
        sent = 0
        with contextlib.suppress(OSError):
            async with connected(address) as (reader, writer):
                writer.write(HEAD)
                while sent < most and not reader.at_eof():
                    writer.write(filler)
                    sent += len(filler)
                    await writer.drain()
                    await asyncio.sleep(0)
        assert sent < most


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X: " + b"a" * connection.LARGEST_HEAD + b"\r\n\r\n",
        HEAD + b"X: 1\r\n" * connection.MOST_HEADERS + b"\r\n",
        HEAD.replace(b"/", b"/" + b"a" * connection.LARGEST_HEAD, 1) + b"\r\n",
    ],
)
async def test_too_many_headers_are_refused_by_name(head: bytes) -> None:
    face = Face()
    async with served(face) as address, connected(address) as (reader, writer):
        writer.write(head)
        assert b" 431 " in await reader.readline()
    assert not face.asked.is_set()


async def test_who_says_nothing_is_let_go() -> None:
    async with served(Face(), head_within=0.05) as address, connected(address) as (reader, _):
        assert await reader.read() == b""


async def test_who_sends_headers_byte_by_byte_is_told_and_let_go() -> None:
    async with served(Face(), head_within=0.05) as address, connected(address) as (reader, writer):
        writer.write(HEAD)
        assert b" 408 " in await reader.readline()


async def test_a_slow_second_request_is_let_go_as_well() -> None:
    async with served(Face(), head_within=0.2) as address, connected(address) as (reader, writer):
        writer.write(ASK)
        assert b" 200 " in await reader.readline()
        await reader.readuntil(b"ok")
        writer.write(HEAD)
        assert b" 408 " in await reader.readline()


async def test_a_long_request_is_no_slow_one() -> None:
    face = Face()
    face.let.clear()
    async with served(face, head_within=0.05) as address, connected(address) as (reader, writer):
        writer.write(ASK)
        await asyncio.sleep(0.2)
        face.let.set()
        assert b" 200 " in await reader.readline()


async def test_who_reads_nothing_is_let_go() -> None:
    over = asyncio.Event()

    async def flood(_scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(200):
            await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        over.set()

    async with served(flood, read_within=0.1) as address, connected(address) as (_, writer):
        writer.write(ASK)
        await over.wait()


async def test_room_is_made_by_closing_the_oldest_idle_connection() -> None:
    async with served(Face(), most=3) as address:
        idle = [await asyncio.open_connection(*address) for _ in range(3)]
        async with connected(address) as (reader, writer):
            writer.write(ASK)
            assert b" 200 " in await reader.readline()
        assert await idle[0][0].read() == b""
        idle[2][1].write(ASK)
        assert b" 200 " in await idle[2][0].readline()
        for _, writer in idle:
            writer.close()


async def test_who_is_one_too_many_is_refused() -> None:
    face = Face()
    face.let.clear()
    async with served(face, most=2) as address:
        busy = [await asyncio.open_connection(*address) for _ in range(2)]
        for _, writer in busy:
            face.asked.clear()
            writer.write(ASK)
            await face.asked.wait()
        async with connected(address) as (reader, _):
            assert b" 503 " in await reader.readline()
        face.let.set()
        for reader, writer in busy:
            assert b" 200 " in await reader.readline()
            writer.close()


def test_the_store_keeps_descriptors_of_its_own() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
        assert connection.most_connections() == 768
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, before[1]))
        assert connection.most_connections() == 150
        connection.raise_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
