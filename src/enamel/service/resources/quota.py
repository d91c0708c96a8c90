"""The quota: how much a project may have, has, and is about to have."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from enamel.clouds.capability import Capability
from enamel.model import cloud

KINDS: dict[Capability, tuple[str, ...]] = {
    Capability.COMPUTE: ("servers", "cores", "memory_mb", "keypairs", "server_groups"),
    Capability.NETWORK: ("ports", "addresses", "security_groups", "networks"),
    Capability.VOLUME: ("volumes", "gigabytes"),
}
"""What there are quotas of, by the capability that brings them."""


class Allotment(Struct, frozen=True, kw_only=True):
    """One quota of a project."""

    limit: int
    """-1 where there is none."""
    used: int
    """In use and reserved."""
    promised: int
    """What running tasks are about to take."""
    free: int | None
    """What is left for others; null where there is no limit."""


class Quotas(Struct, frozen=True, kw_only=True):
    """All quotas of a project on a cloud."""

    cloud: str
    quotas: dict[str, Allotment]


def kinds(capabilities: Collection[Capability]) -> list[str]:
    """Return the kinds of quotas that a cloud with these capabilities has."""
    return [kind for capability, some in KINDS.items() if capability in capabilities for kind in some]


def quota(name: str, limits: Mapping[str, cloud.Limit], promised: Mapping[str, int]) -> Quotas:
    """Return what a project may have, has, and is about to have."""
    found = {
        kind: Allotment(
            limit=one.limit,
            used=one.used,
            promised=promised.get(kind, 0),
            free=None if one.free is None else max(0, one.free - promised.get(kind, 0)),
        )
        for kind, one in limits.items()
    }
    return Quotas(cloud=name, quotas=found)
