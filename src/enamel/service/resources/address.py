"""The address: it outlives servers, whether the cloud calls it a floating IP or a port."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.model import cloud as cloud_model
from enamel.model import ids, mark
from enamel.model.call_context import CallContext
from enamel.model.cloud import AddressKind
from enamel.model.errors import NotFound
from enamel.model.states import ServerState
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.resources import naming, paging
from enamel.service.resources.paging import Page
from enamel.steps import address as address_steps


class Address(Struct, frozen=True, kw_only=True):
    """An address that outlives servers."""

    id: str
    address: str
    kind: AddressKind
    """FLOATING: a floating IP, which the cloud translates. PORT: a port with a fixed address, on clouds without them."""
    network: str
    """Id of the network that it comes from."""
    used: bool
    """Whether it leads to anything."""
    server: str | None
    """Id of the server that it leads to."""
    fixed_address: str | None
    """The server's own address that a floating IP is translated to."""
    task: str | None
    """The task that created it."""
    created_at: datetime | None
    """Null if the cloud does not report it."""
    cloud: str
    """The cloud that it is on."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which addresses to list; an empty field matches all."""

    used: bool | None = None
    kinds: tuple[AddressKind, ...] = ()

    def matches(self, address: Address) -> bool:
        """Return whether an address is listed."""
        return (self.used is None or address.used is self.used) and (
            not self.kinds or address.kind in self.kinds
        )


EVERYTHING = Filter()


class Addresses:
    """Lists addresses."""

    def __init__(self, clouds: CallerClouds) -> None:
        self._clouds = clouds

    async def list(
        self,
        ctx: CallContext,
        *,
        cloud: str | None = None,
        matching: Filter = EVERYTHING,
        limit: int = paging.LIMIT,
        marker: str | None = None,
    ) -> Page[Address]:
        """Return the project's addresses, in their own order."""
        policy.enforce(ctx, "enamel:address:list")
        account = self._clouds.chosen(ctx, cloud)
        addresses = [_address(address, cloud=account.name) for address in await listed(account)]
        addresses.sort(key=lambda address: (address.address, address.id))
        return paging.page(
            addresses,
            limit=limit,
            marker=marker,
            key=lambda address: address.id,
            what="address",
            keep=matching.matches,
        )

    async def get(self, ctx: CallContext, id: str, *, cloud: str | None = None) -> Address:
        """Return one address, from the cloud that has it.

        Raises:
            NotFound: No address has that id.
        """
        policy.enforce(ctx, "enamel:address:get")
        return (await find(self._clouds, ctx, id, cloud=cloud))[0]

    async def id_of(self, ctx: CallContext, text: str, *, cloud: str | None = None) -> str:
        """Return the id of the address that a text names, as an IP address. Raises as `naming.id_of` does."""
        policy.enforce(ctx, "enamel:address:list")

        async def pairs(account: driver.Cloud) -> naming.Pairs:
            return [(address.id, address.address) for address in await listed(account)]

        return await naming.id_of(self._clouds, ctx, text, cloud=cloud, what="addresses", listed=pairs)


async def find(
    clouds: CallerClouds, ctx: CallContext, id: str, *, cloud: str | None
) -> tuple[Address, driver.Cloud]:
    """Return an address and the cloud that has it. Raises NotFound."""

    async def look(account: driver.Cloud) -> Address:
        canonical = ids.canonical(id)
        address = next((address for address in await listed(account) if address.id == canonical), None)
        if address is None:
            raise NotFound(f"There is no address '{id[:64]}'.")
        return _address(address, cloud=account.name)

    return await clouds.holding(ctx, cloud, look)


async def listed(account: driver.Cloud) -> Sequence[cloud_model.Address]:
    """Return the floating IPs of a project, and those of its ports that are addresses of their own."""
    capabilities = await account.capabilities()
    floating, ports = await asyncio.gather(
        account.addresses_list() if Capability.FLOATING_IP in capabilities else _none(),
        account.ports_list() if Capability.NETWORK in capabilities else _none(),
    )
    server_of = {port.id: port.server_id for port in ports}
    floating = [replace(address, server_id=server_of.get(address.port_id or "", "")) for address in floating]
    deleted = await _deleted(account, {address.server_id for address in floating if address.server_id})
    return (
        *(replace(address, server_deleted=address.server_id in deleted) for address in floating),
        *(address_steps.as_address(port) for port in ports if mark.is_lasting(port.mark)),
    )


async def _deleted(account: driver.Cloud, servers: Collection[str]) -> frozenset[str]:
    """Return those of some servers that were deleted, and that the cloud only keeps for a while."""
    listed = {server.id for server in await account.servers_list()} if servers else set()
    # A list may miss a server that was made a moment ago.
    missing = [id for id in servers if id not in listed]
    answers = await asyncio.gather(*(account.server(id) for id in missing), return_exceptions=True)
    return frozenset(
        answer.id
        for answer in answers
        if isinstance(answer, cloud_model.Server) and answer.state is ServerState.SOFT_DELETED
    )


async def _none() -> Sequence[Any]:
    return ()


def _address(address: cloud_model.Address, *, cloud: str) -> Address:
    by = mark.read(address.mark)
    return Address(
        id=address.id,
        address=address.address,
        kind=address.kind,
        network=address.network_id,
        used=address.used,
        server=address.server_id or None,
        fixed_address=address.fixed_address,
        task=by.task if by else None,
        created_at=address.created,
        cloud=cloud,
    )
