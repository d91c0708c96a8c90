"""Addresses as people see them: what outlives servers, whether the cloud calls it a floating IP or a port."""

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.model import cloud, mark
from enamel.model.errors import NotFound
from enamel.steps import address


class Addresses:
    """Lists the addresses of the default cloud."""

    def __init__(self, clouds: driver.Clouds) -> None:
        self._clouds = clouds

    async def all(self) -> list[cloud.Address]:
        """Return the project's addresses, in their own order.

        Raises:
            CapabilityMissing: The cloud has no network service.

        """
        where = self._clouds.get(self._clouds.names()[0])
        return sorted(await listed(where), key=lambda one: (one.address, one.id))

    async def one(self, id: str) -> cloud.Address:
        """Return one address.

        Raises:
            NotFound: There is none of that id.
            CapabilityMissing: The cloud has no network service.

        """
        found = next((one for one in await self.all() if one.id == id.lower()), None)
        if found is None:
            raise NotFound(f"There is no address '{id[:64]}'.")
        return found


async def listed(where: driver.Cloud) -> Sequence[cloud.Address]:
    """Return the floating IPs of a project, and those of its ports that are addresses of their own."""
    has = await where.capabilities()
    floating, ports = await asyncio.gather(
        where.addresses_list() if Capability.FLOATING_IP in has else _none(),
        where.ports_list() if Capability.NETWORK in has else _none(),
    )
    behind = {port.id: port.server_id for port in ports}
    return (
        *(replace(one, server_id=behind.get(one.port_id or "", "")) for one in floating),
        *(address.as_address(port) for port in ports if mark.is_lasting(port.mark)),
    )


async def _none() -> Sequence[Any]:
    return ()
