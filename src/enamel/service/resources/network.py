"""The network as people see it: with its ranges of addresses, and whether public addresses come from it."""

from collections.abc import Iterable

from msgspec import Struct

from enamel.model import cloud


class Range(Struct, frozen=True, kw_only=True):
    """A range of addresses on a network."""

    id: str
    name: str
    cidr: str
    ip_version: int


class Network(Struct, frozen=True, kw_only=True):
    """A network that a server can be plugged into, or that public addresses come from."""

    id: str
    name: str
    external: bool
    """Whether public addresses come from it."""
    shared: bool
    """Whether it belongs to everyone."""
    default: bool
    up: bool
    subnets: tuple[Range, ...]
    """Those that the project may see."""


def listed(networks: Iterable[cloud.Network], subnets: Iterable[cloud.Subnet]) -> list[Network]:
    """Return all networks, in the order of their names."""
    ranges: dict[str, list[Range]] = {}
    for one in subnets:
        told = Range(id=one.id, name=one.name, cidr=one.cidr, ip_version=one.ip_version)
        ranges.setdefault(one.network_id, []).append(told)
    found = [
        Network(
            id=one.id,
            name=one.name,
            external=one.external,
            shared=one.shared,
            default=one.default,
            up=one.up,
            subnets=tuple(ranges.get(one.id, ())),
        )
        for one in networks
    ]
    return sorted(found, key=lambda one: (one.name, one.id))
