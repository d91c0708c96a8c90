"""Routers: which subnets are connected to which external networks, as far as the project may see it."""

import asyncio
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from enamel.clouds.methods import network as methods
from enamel.clouds.openstack import service
from enamel.clouds.openstack.network.network import ROUTERS
from enamel.model import cloud, role
from enamel.model.errors import CapabilityMissing, Gone

SERVICE = "network"
_FIELDS = ("id", "external_gateway_info", "external_gateways")
_INTERFACES = (
    "network:router_interface",
    "network:router_interface_distributed",
    "network:ha_router_replicated_interface",
)
"""The owners of the ports that connect subnets to routers."""


class _Address(Struct):
    subnet_id: str = ""
    ip_address: str = ""


class _Gateway(Struct):
    network_id: str | None = None
    enable_snat: bool | None = True
    addresses: list[_Address] | None = field(name="external_fixed_ips", default=None)


class _Router(Struct):
    id: service.Id
    gateway: _Gateway | None = field(name="external_gateway_info", default=None)
    gateways: list[_Gateway] | None = field(name="external_gateways", default=None)
    """All of them, on clouds that allow several."""

    def all_gateways(self) -> list[_Gateway]:
        gateways = self.gateways or [self.gateway or _Gateway()]
        return [gateway for gateway in gateways if gateway.network_id]


class _Routers(service.Page):
    routers: list[_Router]
    routers_links: list[service.Link] = field(default_factory=list)


class _Interface(Struct):
    device_id: str = ""
    network_id: str = ""
    addresses: list[_Address] | None = field(name="fixed_ips", default=None)


class _Interfaces(service.Page):
    ports: list[_Interface]
    ports_links: list[service.Link] = field(default_factory=list)


class Routers(service.Service, methods.Networks):
    """The routers of a project, and what connects its networks to those of others."""

    _routed = True
    """Whether the cloud has routers, as far as it has shown."""

    async def routers(self) -> Sequence[cloud.Router]:
        """Return the routers that the project may see, and those that are connected to its networks."""
        if self._routed:
            try:
                return await self.kept.get(
                    ROUTERS, self._routers, keep=service.OFTEN_CHANGED, answer=list[cloud.Router]
                )
            except Gone:
                self._routed = False
        raise CapabilityMissing(
            f"Cloud {self.name} has no routers, and so no floating IPs.",
            cloud=self.name,
            remedy="Use a network whose addresses are public.",
        )

    async def _routers(self) -> list[cloud.Router]:
        # An operator would be shown those of all projects.
        project = ("project_id", (await self.keystone.access()).identity.project_id)
        mine = (project,) if await self._sees_all() else ()
        routers, interfaces = await asyncio.gather(
            self._pages(SERVICE, "/routers", answer=_Routers, params=(*mine, *_fields(_FIELDS))),
            self._pages(
                SERVICE,
                "/ports",
                answer=_Interfaces,
                params=(
                    *(("device_owner", owner) for owner in _INTERFACES),
                    *mine,
                    *_fields(("device_id", "network_id", "fixed_ips")),
                ),
            ),
        )
        return _joined(routers[0], interfaces[0])

    async def _sees_all(self) -> bool:
        identity = (await self.keystone.access()).identity
        return role.is_admin(identity.roles)


def _fields(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple(("fields", name) for name in names)


def _joined(routers: Sequence[_Router], interfaces: Sequence[_Interface]) -> list[cloud.Router]:
    """Return the routers with the subnets that they are connected to; of others' routers only the ends show."""
    ends: dict[str, list[cloud.RouterEnd]] = {router.id: [] for router in routers}
    for interface in interfaces:
        ends.setdefault(interface.device_id, []).extend(_ends(interface.network_id, interface.addresses))
    known = {router.id: router.all_gateways() for router in routers}
    return [
        cloud.Router(
            id=id,
            subnets=tuple(dict.fromkeys(end.subnet_id for end in inner)),
            gateways=tuple(gateway.network_id or "" for gateway in known[id]) if id in known else None,
            translates=any(gateway.enable_snat is not False for gateway in known.get(id, ())),
            ends=(
                *inner,
                *(
                    end
                    for gateway in known.get(id, ())
                    for end in _ends(gateway.network_id, gateway.addresses)
                ),
            ),
        )
        for id, inner in ends.items()
    ]


def _ends(network_id: str | None, addresses: Iterable[_Address] | None) -> list[cloud.RouterEnd]:
    return [
        cloud.RouterEnd(network_id=network_id or "", subnet_id=address.subnet_id, address=address.ip_address)
        for address in addresses or ()
    ]
