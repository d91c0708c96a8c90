"""Each test runs on every cloud that a driver reaches: the sandbox always, a real one when the environment names it.

`ENAMEL_TEST_CLOUD=lab` selects the entry `lab` of the clouds.yaml that openstacksdk finds.
"""

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from enamel.clouds import driver, registry
from enamel.clouds.openstack.driver import OpenStack
from enamel.model import cloud
from enamel.model.states import ServerState
from enamel.sandbox import kernel, serve
from tests import real_cloud

SOON = timedelta(seconds=0.2)
REAL = os.environ.get("ENAMEL_TEST_CLOUD")


class World:
    """A cloud, what is in it, and a broom."""

    def __init__(self, there: driver.Cloud, prefix: str) -> None:
        self.cloud = there
        self.prefix = prefix
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

    async def flavor(self) -> str:
        return next(one.id for one in await self.cloud.flavors() if one.name == "m1.tiny")

    async def image(self) -> str:
        return next(one.id for one in await self.cloud.images() if one.name == "cirros")

    async def inside(self) -> str:
        return next(one.id for one in await self.cloud.networks() if one.name == "private")

    async def outside(self) -> str:
        return next(one.id for one in await self.cloud.networks() if one.external)

    async def port(self, what: str = "port") -> cloud.Port:
        want = cloud.PortSpec(network_id=await self.inside(), name=self.name(what), mark=self.mark(what))
        (port,) = await self.cloud.create_ports([want])
        self.later(lambda: self.cloud.delete_port(port.id))
        return port

    async def boot(self, **more: object) -> list[str]:
        fields: dict[str, object] = {
            "name": self.name("server"),
            "flavor_id": await self.flavor(),
            "image_id": await self.image(),
            "mark": self.mark("boot"),
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


@pytest.fixture(params=["sandbox", pytest.param("real", marks=pytest.mark.lab)])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    prefix = f"drv{secrets.token_hex(3)}"
    if request.param == "real":
        if REAL is None:
            pytest.skip(real_cloud.NEEDED)
        clouds = registry.installed()
        world = World(clouds.get(REAL), prefix)
        try:
            yield world
            await world.sweep()
        finally:
            await clouds.close()
        return
    async with serve.running(kernel.Settings(boot_seconds=(0.1, 0.3), pace=0.1)) as sandbox:
        file = tmp_path / "clouds.yaml"
        file.write_text(sandbox.clouds_yaml())
        clouds = registry.Registry([OpenStack(file=file)])
        world = World(clouds.get("sandbox"), prefix)
        try:
            yield world
            await world.sweep()
        finally:
            await clouds.close()
