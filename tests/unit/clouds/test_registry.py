"""The registry: one handle for each entry and project, opened on first use, closed when nobody uses it."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from enamel.clouds import driver, drivers, registry
from enamel.clouds.openstack.cloud import OpenStackCloud
from enamel.clouds.openstack.driver import OpenStack
from enamel.clouds.pacing.gate import Paces
from enamel.clouds.registry import Registry
from enamel.clouds.shared.store import SharedStore
from enamel.model import driver_path
from enamel.model.errors import CloudUnknown, Invalid
from enamel.sandbox import serve
from tests.unit.clouds import timeless

IDLE = timedelta(minutes=10)
SECONDS = IDLE.total_seconds()


class Handle:
    """A cloud that counts how often it was closed."""

    def __init__(self, name: str, project: str | None) -> None:
        self.name = name
        self.project = project
        self.in_use = False
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1


class Memory:
    """A driver whose entries are its arguments."""

    def __init__(self, **entries: str) -> None:
        self._entries = entries or {"north": "", "south": ""}
        self.opened: list[Handle] = []

    def names(self) -> Sequence[str]:
        return list(self._entries)

    def open(self, name: str, *, project: str | None, board: SharedStore, paces: Paces) -> driver.Cloud:
        self.opened.append(Handle(name, project))
        return cast(driver.Cloud, self.opened[-1])


def a_registry(*kinds: drivers.Driver, **options: Any) -> Registry:
    return Registry(kinds, idle_timeout=IDLE, now=timeless.now, **options)


def handle(clouds: Registry, name: str, *, project: str | None = None) -> Handle:
    return cast(Handle, clouds.get(name, project=project))


def test_there_is_one_handle_for_each_entry_and_project() -> None:
    async def story() -> None:
        memory = Memory()
        clouds = a_registry(memory)
        for _ in range(2):
            clouds.get("north")
            clouds.get("north", project="p")
            clouds.get("south")
        opened = [(handle.name, handle.project) for handle in memory.opened]
        assert opened == [("north", None), ("north", "p"), ("south", None)]
        await clouds.close()
        assert [handle.closed for handle in memory.opened] == [1, 1, 1]

    timeless.run(story())


@pytest.mark.parametrize("name", ["north@p", "p@north", "", "west"])
def test_only_entries_are_names(name: str) -> None:
    with pytest.raises(CloudUnknown, match="Its clouds: north, south"):
        Registry([Memory()]).get(name)


def test_who_is_not_used_is_closed_and_opened_again_on_the_next_use() -> None:
    async def story() -> None:
        memory = Memory()
        clouds = a_registry(memory)
        clouds.get("north")
        await asyncio.sleep(SECONDS - 1)
        clouds.get("south")
        await clouds.close_idle()
        assert clouds.opened == 2
        await asyncio.sleep(1)
        await clouds.close_idle()
        north, south = memory.opened
        assert (clouds.opened, north.closed, south.closed) == (1, 1, 0)
        assert handle(clouds, "north").closed in (0, 1) and clouds.opened == 2

    timeless.run(story())


def test_who_is_in_use_stays_open_and_is_idle_only_after_that() -> None:
    async def story() -> None:
        memory = Memory()
        clouds = a_registry(memory)
        clouds.get("north")
        (north,) = memory.opened
        north.in_use = True
        for _ in range(10):
            await asyncio.sleep(SECONDS)
            await clouds.close_idle()
        assert north.closed == 0
        north.in_use = False
        await asyncio.sleep(SECONDS - 1)
        await clouds.close_idle()
        assert north.closed == 0
        await asyncio.sleep(1)
        await clouds.close_idle()
        assert north.closed == 1 and clouds.opened == 0

    timeless.run(story())


def test_who_keeps_a_handle_that_was_closed_may_go_on_using_it() -> None:
    async def story() -> None:
        memory = Memory()
        clouds = a_registry(memory)
        kept = handle(clouds, "north")
        await asyncio.sleep(SECONDS)
        await clouds.close_idle()
        assert (kept.closed, clouds.opened) == (1, 0)
        # It has opened connections, which nobody else would give back.
        kept.in_use = True
        await clouds.close_idle()
        assert clouds.opened == 1
        kept.in_use = False
        await asyncio.sleep(SECONDS)
        await clouds.close_idle()
        assert (kept.closed, clouds.opened) == (2, 0)
        assert handle(clouds, "north") is kept
        assert len(memory.opened) == 1

    timeless.run(story())


def test_a_handle_that_nobody_keeps_is_forgotten() -> None:
    async def story() -> None:
        memory = Memory()
        clouds = a_registry(memory)
        clouds.get("north")
        await asyncio.sleep(SECONDS)
        await clouds.close_idle()
        memory.opened.clear()
        gc.collect()
        clouds.get("north")
        (fresh,) = memory.opened
        assert fresh.closed == 0

    timeless.run(story())


def test_idle_handles_are_closed_in_the_background() -> None:
    async def story() -> None:
        memory = Memory()
        clouds = a_registry(memory)
        clouds.get("north")
        closing = asyncio.create_task(clouds.close_idle_forever())
        await asyncio.sleep(1.5 * SECONDS)
        assert memory.opened[0].closed >= 1 and clouds.opened == 0
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)

    timeless.run(story())


class Stubborn(Handle):
    async def close(self) -> None:
        raise OSError("the connection is gone already")


def test_one_that_cannot_be_closed_does_not_keep_the_others_open() -> None:
    async def story() -> None:
        memory = Memory()
        clouds = a_registry(memory)
        clouds.get("north").__class__ = Stubborn
        clouds.get("south")
        closing = asyncio.create_task(clouds.close_idle_forever())
        await asyncio.sleep(2 * SECONDS)
        assert memory.opened[1].closed >= 1
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)

    timeless.run(story())


def test_drivers_are_loaded_by_path_with_arguments() -> None:
    paths = driver_path.parse(f"{__name__}:Memory east=1 west=2, {__name__}:Memory")
    clouds = registry.installed(more=paths, default="west")
    assert clouds.names() == ["west", "east", "north", "south"]
    assert driver_path.parse(driver_path.text(paths)) == paths


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nowhere.at.all:Driver", "cannot be imported: No module named 'nowhere'"),
        (f"{__name__}:Nothing", "cannot be imported: .* has no attribute 'Nothing'"),
        ("enamel.clouds.openstack.driver:OpenStack colour=red", "unexpected keyword argument 'colour'"),
    ],
)
def test_a_driver_that_cannot_be_loaded_is_named(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=rf"\[clouds\] drivers: {text.split(' ', maxsplit=1)[0]} .*{why}"):
        registry.installed(more=driver_path.parse(text))


@pytest.mark.parametrize("text", ["driver", "a.b.C", "a:b:c", "a:B c", "a:B 1=2", "/etc/x:Y"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write package\.module:Class|write NAME=VALUE"):
        driver_path.parse(text)


# -- with the driver of OpenStack


@pytest.fixture
async def sandbox() -> AsyncIterator[serve.Sandbox]:
    async with serve.running() as sandbox:
        yield sandbox


async def test_an_openstack_handle_leaves_nothing_open(sandbox: serve.Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "clouds.yaml"
    file.write_text(sandbox.clouds_yaml())
    clouds = Registry([OpenStack(file=file)], idle_timeout=timedelta(0))
    kept = clouds.get("sandbox")
    assert isinstance(kept, OpenStackCloud)
    for _ in range(3):
        assert await kept.quota(["servers", "volumes"])
        assert await kept.servers.all() == []
        assert not kept.in_use
        connections = kept.calls._client._reading
        assert connections is not None and not connections.closed
        await clouds.close_idle()
        assert connections.closed and clouds.opened == 0
    await clouds.close()


async def test_an_openstack_handle_is_in_use_while_somebody_waits(
    sandbox: serve.Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "clouds.yaml"
    file.write_text(sandbox.clouds_yaml())
    clouds = Registry([OpenStack(file=file)], idle_timeout=timedelta(0))
    cloud = clouds.get("sandbox")
    waiting = asyncio.create_task(cloud.servers.until("no-such-server", lambda server: False))
    calling = asyncio.create_task(cloud.flavors())
    await asyncio.sleep(0)
    assert cloud.in_use
    await calling
    await clouds.close_idle()
    assert clouds.opened == 1 and not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    while cloud.in_use:
        await asyncio.sleep(0.01)
    await clouds.close_idle()
    assert clouds.opened == 0
    await clouds.close()
