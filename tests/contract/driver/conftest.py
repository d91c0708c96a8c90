"""Each test runs on every cloud that a driver reaches: the sandbox, one in memory, and a real one that is named.

`ENAMEL_TEST_CLOUD=lab` names the entry of a real cloud: one of clouds.yaml, or of the driver that
`ENAMEL_TEST_DRIVER=package.module:Class` names. What a test needs of a cloud it finds through the seam; what a driver does
not declare is skipped.
"""

import contextlib
import importlib
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import Struct

from enamel.clouds import driver, registry
from enamel.clouds.capability import Capability
from enamel.clouds.openstack.driver import OpenStack
from enamel.model import cloud
from enamel.model.states import ImageState, ServerState
from enamel.sandbox import kernel, serve
from tests import real_cloud
from tests.drivers.memory import Memory

SOON = timedelta(seconds=0.2)
REAL = os.environ.get("ENAMEL_TEST_CLOUD")
DRIVER = os.environ.get("ENAMEL_TEST_DRIVER")


class Kind(Struct, frozen=True, kw_only=True):
    """What the tests cannot find out by themselves of a kind of cloud."""

    nobody: str
    """An id that nothing has."""
    project: str | None = None
    """What our project is called."""


OPENSTACK = Kind(nobody="00000000-0000-4000-8000-000000000000", project="demo")
OTHER = Kind(nobody="i-nobody")


class World:
    """A cloud, what is in it, and a broom."""

    def __init__(self, there: driver.Cloud, prefix: str, kind: Kind) -> None:
        self.cloud = there
        self.prefix = prefix
        self.kind = kind
        self._brooms: list[Callable[[], Awaitable[object]]] = []

    def name(self, what: str) -> str:
        """Return a name that nobody else has."""
        return f"{self.prefix}-{what}"

    def mark(self, what: str) -> str:
        return f"enamel:{self.prefix}/{what}"

    def later(self, broom: Callable[[], Awaitable[object]]) -> None:
        """Clean up like this when the test is over, last things first."""
        self._brooms.append(broom)

    async def sweep(self) -> None:
        for broom in reversed(self._brooms):
            await broom()

    async def needs(self, *capabilities: Capability) -> None:
        """Skip the test where the cloud lacks something."""
        has = await self.cloud.capabilities()
        if lacking := [one.value for one in capabilities if one not in has]:
            pytest.skip(f"cloud '{self.cloud.name}' does not declare {', '.join(lacking)}")

    async def image(self) -> str:
        """Return the smallest image that can be booted."""
        bootable = [
            one
            for one in await self.cloud.images()
            if one.state is ImageState.ACTIVE and not one.snapshot and not one.volume_backed
        ]
        return min(bootable, key=lambda one: (one.min_disk_gb, one.size_bytes, one.name)).id

    async def flavor(self) -> str:
        """Return the smallest flavor that is large enough for that image."""
        smallest = await self.image()
        image = next(one for one in await self.cloud.images() if one.id == smallest)
        room = [
            one
            for one in await self.cloud.flavors()
            if one.public
            and one.memory_mb >= image.min_memory_mb
            and one.disk_gb >= max(1, image.min_disk_gb)
        ]
        return min(room, key=lambda one: (one.memory_mb, one.disk_gb, one.name)).id

    async def inside(self) -> str:
        """Return a network that servers can be on, with addresses of version 4."""
        ranges = {one.network_id for one in await self.cloud.subnets() if one.ip_version == 4}
        inner = [one for one in await self.cloud.networks() if not one.external and one.id in ranges]
        return min(inner, key=lambda one: (not one.default, not one.shared, one.name)).id

    async def outside(self) -> str:
        """Return a network from which public addresses come."""
        return next(one.id for one in await self.cloud.networks() if one.external)

    async def volume_type(self) -> str:
        return min(await self.cloud.volume_types(), key=lambda one: one.name).name

    async def port(self, what: str = "port") -> cloud.Port:
        want = cloud.PortSpec(network_id=await self.inside(), name=self.name(what), mark=self.mark(what))
        (port,) = await self.cloud.create_ports([want])
        self.later(lambda: self.cloud.delete_port(port.id))
        return port

    async def boot(self, **more: object) -> list[str]:
        """Boot the smallest server, on no network where the cloud has such servers."""
        alone = Capability.WITHOUT_NETWORK in await self.cloud.capabilities()
        fields: dict[str, object] = {
            "name": self.name("server"),
            "flavor_id": await self.flavor(),
            "image_id": await self.image(),
            "mark": self.mark("boot"),
            "networks": () if alone else (cloud.NetworkPort(network_id=await self.inside()),),
            **more,
        }
        ids = list(await self.cloud.boot(cloud.ServerSpec(**fields)))  # type: ignore[arg-type]
        for id in ids:
            self.later(lambda id=id: self.gone(id))  # type: ignore[misc]
        return ids

    async def active(self, id: str) -> cloud.Server:
        server = await self.cloud.servers.until(
            id, lambda one: one is None or one.state in (ServerState.ACTIVE, ServerState.ERROR)
        )
        assert server is not None and server.state is ServerState.ACTIVE, server
        return server

    async def gone(self, id: str) -> None:
        await self.cloud.delete_server(id, force=True)
        await self.cloud.servers.until(id, lambda one: one is None, due=SOON)


@contextlib.asynccontextmanager
async def _sandbox(folder: Path) -> AsyncIterator[tuple[registry.Registry, str, Kind]]:
    async with serve.running(kernel.Settings(boot_seconds=(0.1, 0.3), pace=0.1)) as sandbox:
        file = folder / "clouds.yaml"
        file.write_text(sandbox.clouds_yaml())
        yield registry.Registry([OpenStack(file=file)]), "sandbox", OPENSTACK


@contextlib.asynccontextmanager
async def _memory(folder: Path) -> AsyncIterator[tuple[registry.Registry, str, Kind]]:
    yield registry.Registry([Memory()]), "memory", OTHER


@contextlib.asynccontextmanager
async def _real(folder: Path) -> AsyncIterator[tuple[registry.Registry, str, Kind]]:
    if REAL is None:
        pytest.skip(real_cloud.NEEDED)
    if DRIVER is None:
        yield registry.installed(), REAL, OPENSTACK
        return
    module, _, name = DRIVER.partition(":")
    yield registry.Registry([getattr(importlib.import_module(module), name)()]), REAL, OTHER


CLOUDS = {"sandbox": _sandbox, "memory": _memory, "real": _real}


@pytest.fixture(params=["sandbox", "memory", pytest.param("real", marks=pytest.mark.lab)])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with CLOUDS[request.param](tmp_path) as (clouds, name, kind):
        world = World(clouds.get(name), f"drv{secrets.token_hex(3)}", kind)
        try:
            yield world
            await world.sweep()
        finally:
            await clouds.close()
