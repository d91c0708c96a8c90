"""The board on real servers: what it keeps, how it shares, and what becomes of those who use it when it dies."""

import asyncio
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from enamel.clouds.shared import open as shared_open
from enamel.clouds.shared.store import SharedStore
from tests.integration.services import debian
from tests.integration.services.daemon import Daemon
from tests.integration.services.memcached import Memcached
from tests.integration.services.redis import Redis

pytestmark = [pytest.mark.integration]

MINUTE = timedelta(minutes=1)
PATIENT = 20.0
"""Seconds in which a server answers, however busy the machine is."""


@pytest.fixture(params=[Memcached, Redis], ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Daemon]:
    """A server of the test's own, which it may kill."""
    try:
        with request.param(tmp_path).running() as started:
            yield started
    except debian.Unavailable as why:
        pytest.skip(str(why))


@pytest.fixture
def there(server: Daemon) -> SharedStore:
    return shared_open.open(server.url)  # type: ignore[attr-defined]


async def back(there: SharedStore) -> None:
    async with asyncio.timeout(30):
        while there.trouble:
            await there.look()
            await asyncio.sleep(0.05)


async def test_what_is_left_is_found(server: Daemon) -> None:
    there, other = [shared_open.open(server.url, patience=PATIENT) for _ in range(2)]  # type: ignore[attr-defined]
    large = bytes(range(256)) * 2_000
    assert await there.write("a", b"\r\nEND\r\n", keep=MINUTE)
    assert await there.write("b", large, keep=MINUTE)
    assert await other.read("a", "b", "c") == {"a": b"\r\nEND\r\n", "b": large}
    assert await there.claim("lock", keep=MINUTE) and not await other.claim("lock", keep=MINUTE)
    await other.erase("lock", "a", "nothing")
    assert await there.claim("lock", keep=MINUTE)
    counted = await asyncio.gather(*(one.count("n", by=2, keep=MINUTE) for one in (there, other) * 50))
    assert sorted(counted) == list(range(2, 202, 2))
    assert await there.count("n", by=-150, keep=MINUTE) == 50
    assert there.trouble is None is other.trouble
    await there.close()
    await other.close()


async def test_what_is_kept_for_a_second_is_gone_after_two(there: SharedStore) -> None:
    second = timedelta(seconds=1)
    await there.write("a", b"a", keep=second)
    await there.claim("b", keep=second)
    await there.count("c", keep=second)
    async with asyncio.timeout(10):
        while await there.read("a", "b", "c"):
            await asyncio.sleep(0.2)
    await there.close()


async def test_who_gives_up_waiting_takes_nobodys_answer(there: SharedStore) -> None:
    for number in range(50):
        await there.write(f"k{number}", str(number).encode(), keep=MINUTE)
    asking = [asyncio.create_task(there.read(f"k{number % 50}")) for number in range(500)]
    await asyncio.sleep(0)
    for task in asking[::3]:
        task.cancel()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    for number, answer in enumerate(answers):
        if not isinstance(answer, asyncio.CancelledError) and answer:
            assert answer == {f"k{number % 50}": str(number % 50).encode()}
    await back(there)
    assert await there.read("k7") == {"k7": b"7"}
    await there.close()


async def test_a_server_that_dies_is_missed_at_once_and_found_again(
    there: SharedStore, server: Daemon
) -> None:
    await there.write("a", b"a", keep=MINUTE)
    server.kill()
    assert await there.read("a") == {} and there.trouble
    server.start()
    await back(there)
    assert await there.write("a", b"b", keep=MINUTE)
    assert await there.read("a") == {"a": b"b"}
    await there.close()


async def test_a_server_that_freezes_is_missed_and_found_again(there: SharedStore, server: Daemon) -> None:
    await there.write("a", b"a", keep=MINUTE)
    server.freeze()
    answers = await asyncio.gather(*(there.read("a") for _ in range(20)))
    assert not any(answers) and there.trouble
    server.thaw()
    await back(there)
    assert await there.read("a") == {"a": b"a"}
    await there.close()


async def test_a_value_that_is_too_large_is_refused_without_harm(server: Daemon) -> None:
    if isinstance(server, Redis):
        pytest.skip("Redis takes values up to 512 MB")
    there = shared_open.open(server.url)
    assert not await there.write("a", os.urandom(2_000_000), keep=MINUTE)
    assert there.trouble is None
    await there.close()
