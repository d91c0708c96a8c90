"""A board that is away costs nothing but what it would have saved."""

import asyncio
from datetime import timedelta

import pytest
import structlog
from structlog.testing import capture_logs

from enamel.clouds.shared import open as shared_open
from enamel.clouds.shared import store
from enamel.clouds.shared.store import SharedStore
from enamel.model.errors import ServiceError
from tests.unit.clouds.shelf import Shelf

MINUTE = timedelta(minutes=1)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_key_is_the_same_for_all_and_tells_nobody_what_it_is_made_of() -> None:
    told = store.key("flavors", "https://cloud/v3", "R", "project")
    assert told == store.key("flavors", "https://cloud/v3", "R", "project")
    assert told != store.key("flavors", "https://cloud/v3", "R", "projec", "t")
    assert told.startswith(f"enamel:{store.VERSION}:flavors:") and "project" not in told and len(told) < 100


async def test_what_is_left_is_found() -> None:
    there = SharedStore(Shelf())
    small, large = b"\1small", b"large" * 10_000
    assert await there.write("small", small, keep=MINUTE)
    assert await there.write("large", large, keep=MINUTE)
    assert await there.read("small", "large", "none") == {"small": small, "large": large}
    await there.erase("small")
    assert await there.read("small") == {} == await there.read()


async def test_what_is_large_is_squeezed() -> None:
    shelf = Shelf()
    await SharedStore(shelf).write("large", b"server " * 10_000, keep=MINUTE)
    assert len(shelf.kept["large"]) < 1_000


async def test_rubbish_under_a_key_counts_as_nothing() -> None:
    shelf = Shelf()
    shelf.kept = {"a": b"\1rubbish"}
    assert await SharedStore(shelf).read("a") == {}


async def test_only_one_gets_a_claim() -> None:
    one, other = SharedStore(shelf := Shelf()), SharedStore(shelf)
    assert await one.claim("lock", keep=MINUTE) is True
    assert await other.claim("lock", keep=MINUTE) is False
    assert [await one.count("n", keep=MINUTE), await other.count("n", by=2, keep=MINUTE)] == [1, 3]


async def test_without_a_backend_nobody_knows_anything() -> None:
    alone = SharedStore()
    assert not alone.there and alone.trouble is None
    assert not await alone.write("a", b"a", keep=MINUTE)
    assert await alone.read("a") == {}
    assert await alone.claim("a", keep=MINUTE) is None
    assert await alone.count("a", keep=MINUTE) is None
    await alone.look()
    await alone.close()


async def test_a_board_that_is_lost_is_left_alone_for_a_while_said_once_and_found_again() -> None:
    shelf, clock = Shelf(), Clock()
    there = SharedStore(shelf, now=clock)
    await there.write("a", b"a", keep=MINUTE)
    shelf.away = ConnectionRefusedError("refused")
    structlog.reset_defaults()
    with capture_logs() as lines:
        assert await there.read("a") == {}
        assert await there.claim("b", keep=MINUTE) is None
        assert there.trouble == "a shelf: ConnectionRefusedError: refused"
        assert shelf.asked == ["write", "read"] and shelf.closed == 1
        clock.now += store.FIRST_PAUSE
        await there.look()
        clock.now += store.FIRST_PAUSE
        await there.look()
        assert shelf.asked == ["write", "read", "read"]
        shelf.away = None
        clock.now += store.FIRST_PAUSE
        assert await there.read("a") == {"a": b"a"}
    assert there.trouble is None
    assert [line["event"] for line in lines] == ["cache.away", "cache.back"]


async def test_one_finds_out_for_all_whether_it_is_back() -> None:
    shelf, clock = Shelf(), Clock()
    there = SharedStore(shelf, now=clock)
    shelf.away = OSError("gone")
    await there.look()
    clock.now += store.FIRST_PAUSE
    await asyncio.gather(*(there.look() for _ in range(100)))
    assert len(shelf.asked) == 2


async def test_the_pauses_grow_once_for_all_who_were_under_way_together() -> None:
    shelf, clock = Shelf(), Clock()
    there = SharedStore(shelf, now=clock)
    shelf.away = OSError("gone")
    await asyncio.gather(*(there.look() for _ in range(100)))
    clock.now += store.FIRST_PAUSE
    shelf.away = None
    await there.look()
    assert there.trouble is None


async def test_a_slow_board_is_as_good_as_none() -> None:
    shelf = Shelf()
    shelf.slow = 60.0
    there = SharedStore(shelf, patience=0.01)
    assert await there.read("a") == {}
    assert there.trouble == "a shelf: no answer"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("memcached://cache", "memcached at cache:11211"),
        ("memcached://10.0.0.9:11311/", "memcached at 10.0.0.9:11311"),
        ("redis://:secret@cache/1", "Redis at cache:6379"),
        ("rediss://cache:6380", "Redis at cache:6380"),
    ],
)
async def test_the_setting_names_a_board(url: str, name: str) -> None:
    there = shared_open.open(url)
    assert there.there and there._backend is not None and there._backend.name == name
    await there.close()


def test_without_the_setting_there_is_none() -> None:
    assert not shared_open.open(None).there


@pytest.mark.parametrize(
    "url",
    [
        *("cache:11211", "memcached://", "memcached://cache:port", "redis://cache:99999", "mysql://cache:1"),
        *("memcached://user:pw@cache:1", "memcached://cache/0", "redis://cache/db"),
    ],
)
def test_a_setting_that_names_none_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(ServiceError, match=r"\[cache\] url") as error:
        shared_open.open(url)
    assert "memcached://host:port or redis://host:port/0" in error.value.advice
    assert "pw" not in error.value.detail
