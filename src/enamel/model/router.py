"""The router: what leads from subnets to external networks."""

from msgspec import Struct


class RouterEnd(Struct, frozen=True, kw_only=True):
    """An address of a router, on a subnet that it is connected to or on an external network that it leads to."""

    network_id: str
    subnet_id: str
    address: str


class Router(Struct, frozen=True, kw_only=True):
    """What leads from subnets to external networks, as far as the project may see it."""

    id: str
    subnets: tuple[str, ...] = ()
    """Ids of the subnets that it is connected to."""
    gateways: tuple[str, ...] | None = ()
    """Ids of the external networks that it leads to; None for another project's router, of which only the ends show."""
    translates: bool = True
    """Whether addresses that leave through it are translated to its own."""
    ends: tuple[RouterEnd, ...] = ()
    """Its addresses, as far as the project may see them."""
