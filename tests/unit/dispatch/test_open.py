"""The ways of dispatching: one setting chooses, and what it cannot mean is refused in words that help."""

import sys

import pytest

from enamel.dispatch import local, polling
from enamel.dispatch import open as dispatch_open
from enamel.dispatch.rabbit import hosts
from enamel.dispatch.remote import Remote
from enamel.model.errors import ServiceError

# A port on which nobody listens: being away is no reason not to start.
NOBODY = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("url", "store", "way"),
    [
        (None, "sqlite:////var/lib/enamel/enamel.db", local.Local),
        (None, "mariadb+pymysql://u:p@db/enamel", polling.Polling),
        (None, f"postgresql+psycopg://u:p@{NOBODY}/enamel", Remote),
        ("polling", f"postgresql+psycopg://u:p@{NOBODY}/enamel", polling.Polling),
        ("", "sqlite://", local.Local),
        (f"amqp://u:p@{NOBODY}//", "mariadb+pymysql://u:p@db/enamel", Remote),
        (f"rabbit://u:p@{NOBODY},u:p@{NOBODY}/", "sqlite://", Remote),
        (f"postgresql://u:p@{NOBODY}/enamel", "sqlite://", Remote),
    ],
)
async def test_the_setting_chooses(url: str | None, store: str, way: type) -> None:
    async with dispatch_open.open(url, store=store, types=["server.create"]) as dispatch:
        assert type(dispatch) is way
        assert isinstance(dispatch.trouble, str) is (way is Remote)


@pytest.mark.parametrize("url", ["kafka://broker", "amqp", "amqp://", "redis", "sqlite:///x"])
async def test_a_setting_without_meaning_is_refused(url: str) -> None:
    with pytest.raises(ServiceError, match=r"\[dispatch\] url") as refused:
        async with dispatch_open.open(url, store="sqlite://", types=[]):
            pass
    assert "amqp://user" in refused.value.advice


@pytest.mark.parametrize(
    "url",
    [
        "amqp://me:hunter2#x@broker//",
        "amqp://me:hunter2/x@broker//",
        "rabbit://u:p@one:5672,u:p@two:hunter2/",
        "amqp://me:hunter2@[::1//",
        "postgresql://me:x@db:hunter2/enamel",
    ],
)
async def test_a_url_that_can_never_work_is_refused_at_once(url: str) -> None:
    with pytest.raises(ServiceError, match=r"\[dispatch\] url") as refused:
        async with dispatch_open.open(url, store="sqlite://", types=[]):
            pass
    assert "hunter2" not in f"{refused.value}{refused.value.advice}"
    assert "%23 for #" in refused.value.advice


async def test_a_secret_in_the_setting_is_not_repeated() -> None:
    with pytest.raises(ServiceError) as refused:
        async with dispatch_open.open("redis://me:hunter2@broker", store="sqlite://", types=[]):
            pass
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [("amqp://u:p@h//", "kombu", "rabbitmq"), ("postgresql://u:p@h/d", "psycopg", "postgres")],
)
async def test_a_missing_package_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, url: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ServiceError, match=package) as refused:
        async with dispatch_open.open(url, store="sqlite://", types=[]):
            pass
    assert f"enamel[{extra}]" in refused.value.advice


def test_several_brokers_of_one_cluster() -> None:
    assert hosts("rabbit://a:b@one:5672,c:d@two:5673/vhost") == [
        "amqp://a:b@one:5672/vhost",
        "amqp://c:d@two:5673/vhost",
    ]
    assert hosts("amqps://a:b@one//") == ["amqps://a:b@one//"]


async def test_polling_looks_often_where_something_happens() -> None:
    bell = polling.Bell()
    pauses = []
    for _ in range(4):
        pauses.append(bell._pause)
        assert not await bell.wait(timeout=0)
    assert pauses == sorted(pauses) and pauses[-1] > pauses[0]
    bell.ring()
    assert await bell.wait(timeout=0)
    assert bell._pause == pauses[0]
