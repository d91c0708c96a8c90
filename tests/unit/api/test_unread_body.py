"""A refusal reaches clients that are still sending, whatever they send and however they connect."""

import asyncio

import pytest

from enamel.api import unread_body
from tests.unit.api.conftest import Web

MIB = 1024 * 1024


async def sent(web: Web, head: str, *, size: int, chunked: bool = False) -> tuple[bytes, bytes]:
    """Send a whole request and only then read; return the status line and the rest of the answer."""
    host, port = web.url.removeprefix("http://").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    writer.write(f"{head}\r\nHost: {host}:{port}\r\n{length}\r\n\r\n".encode())
    part = b" " * 65536
    for _ in range(size // len(part)):
        writer.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
        await writer.drain()
    if chunked:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    answer = await reader.readuntil(b"\r\n"), await reader.readuntil(b"}]}")
    writer.close()
    return answer


JSON = "Content-Type: application/json"
REFUSED = {
    "too large": (f"POST /servers HTTP/1.1\r\n{JSON}\r\nConnection: close", 413),
    "too large, kept alive": (f"POST /servers HTTP/1.1\r\n{JSON}", 413),
    "HTTP/1.0": (f"POST /servers HTTP/1.0\r\n{JSON}", 413),
    "no JSON": ("POST /servers HTTP/1.1\r\nContent-Type: text/plain\r\nConnection: close", 415),
    "no route": ("POST /nothing HTTP/1.1\r\nConnection: close", 404),
    "no method": ("PUT /servers HTTP/1.1\r\nConnection: close", 405),
}


@pytest.mark.parametrize(("head", "status"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("size", [2 * MIB, 12 * MIB])
async def test_a_refusal_reaches_who_reads_only_afterwards(
    web: Web, head: str, status: int, size: int
) -> None:
    line, rest = await sent(web, head, size=size)
    assert f" {status} ".encode() in line
    assert b'"errors"' in rest


async def test_so_it_does_where_the_length_is_not_announced(web: Web) -> None:
    head = f"POST /servers HTTP/1.1\r\n{JSON}\r\nConnection: close"
    line, _ = await sent(web, head, size=8 * MIB, chunked=True)
    assert b" 413 " in line


async def test_what_is_drained_has_a_bound(web: Web) -> None:
    head = f"POST /servers HTTP/1.1\r\n{JSON}"
    with pytest.raises(OSError, match=r"reset|pipe|lost"):
        await sent(web, head, size=64 * unread_body.MOST_DRAINED)


async def test_who_stops_sending_is_let_go(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread_body, "QUIET", 0.05)
    host, port = web.url.removeprefix("http://").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST /servers HTTP/1.1\r\nHost: {host}:{port}\r\n{JSON}\r\n".encode())
    writer.write(b"Content-Length: 5000000\r\n\r\nabc")
    assert b" 413 " in await reader.readline()
    assert b"too_large" in await reader.read()
    writer.close()


async def test_who_waits_to_be_asked_for_the_body_is_not_asked(web: Web) -> None:
    host, port = web.url.removeprefix("http://").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST /servers HTTP/1.1\r\nHost: {host}:{port}\r\n{JSON}\r\n".encode())
    writer.write(b"Expect: 100-continue\r\nContent-Length: 5000000\r\n\r\n")
    assert b" 413 " in await reader.readline()
    assert b"too_large" in await reader.read()
    writer.close()


async def test_a_connection_outlives_a_refusal_whose_body_is_small(web: Web) -> None:
    host, port = web.url.removeprefix("http://").rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    for _ in range(2):
        writer.write(
            f"POST /nothing HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        )
        assert b" 404 " in await reader.readline()
        await reader.readuntil(b"}]}")
    writer.close()
