"""Local mode is one user's: the kernel says whose process is at the other end, and all others need the token."""

import asyncio
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from enamel.api import local_listener, middleware, serve
from enamel.api.local_guard import LocalGuard
from tests.unit.api.test_serve import Face

NOBODY = 65534
ASKS = """
import encodings.idna, os, socket, sys
_, where, host, token, user = sys.argv
if user:
    os.setgroups([])
    os.setgid(int(user))
    os.setuid(int(user))
if where.startswith("/"):
    plain = socket.socket(socket.AF_UNIX)
    plain.connect(where)
else:
    plain = socket.create_connection(("127.0.0.1", int(where)))
shown = f"Authorization: Bearer {token}\\r\\n" if token else ""
plain.sendall(f"GET /metrics HTTP/1.1\\r\\nHost: {host}\\r\\n{shown}Connection: close\\r\\n\\r\\n".encode())
print(plain.recv(9999).split()[1].decode())
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that others can enter."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@asynccontextmanager
async def served(directory: Path) -> AsyncIterator[int]:
    """Serve as `enamel up` does: on a socket in a directory, and on a port of TCP."""
    guard = LocalGuard(directory=directory, token=local_listener.token(directory))
    face = middleware.RequestMiddleware(Face(), guard=guard)
    own = local_listener.listen(directory)
    with serve.listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        async with serve.running(face, listener=listener, own=own):
            yield port


async def ask(where: object, *, host: str = "localhost", token: str = "", user: int | None = None) -> str:
    """Return the status that a process gets, as a user of its own if one is named; empty if it cannot connect."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        ASKS,
        str(where),
        host,
        token,
        "" if user is None else str(user),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    return (await process.communicate())[0].decode().strip()


async def test_their_user_needs_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as port:
        assert await ask(port) == "200"
        assert await ask(tmp_path / "enamel.sock") == "200"
        assert await ask(tmp_path / "enamel.sock", host="whatever") == "200"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_another_user_needs_the_token(place: Path) -> None:
    async with served(place) as port:
        assert await ask(port, user=NOBODY) == "401"
        assert await ask(port, user=NOBODY, token="wrong") == "401"
        assert await ask(port, user=NOBODY, token=(place / "token").read_text().strip()) == "200"
        assert await ask(place / "enamel.sock", user=NOBODY) == ""
        # Not even an open socket helps: the kernel tells who has opened it.
        os.chmod(place / "enamel.sock", 0o666)
        assert await ask(place / "enamel.sock", user=NOBODY) == "401"


async def test_every_route_looks_at_the_host(tmp_path: Path) -> None:
    async with served(tmp_path) as port:
        assert await ask(port, host="evil.example") == "403"
        assert await ask(port, host=f"127.0.0.1:{port}") == "200"
        assert await ask(port, host="evil.example", token=(tmp_path / "token").read_text().strip()) == "403"


def test_socket_and_token_are_for_their_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with local_listener.listen(tmp_path):
            token = local_listener.token(tmp_path)
            for name in ("enamel.sock", "token"):
                assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    finally:
        os.umask(before)
    assert len(token) >= 32 and local_listener.token(tmp_path) == token


def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 100) / ("b" * 100)
    deep.mkdir(parents=True)
    for _ in range(2):
        local_listener.listen(deep).close()
    assert (deep / "enamel.sock").is_socket()
