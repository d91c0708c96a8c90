"""Whether a request fits the project's quota, less what running tasks have reserved."""

from collections.abc import Mapping

from enamel.commands.facts import Facts
from enamel.model.errors import Fault

NAMES = {
    "servers": "servers",
    "cores": "cores",
    "memory_mb": "MB of memory",
    "keypairs": "keypairs",
    "server_groups": "server groups",
    "server_group_members": "servers in a server group",
    "properties": "properties of a server",
    "volumes": "volumes",
    "gigabytes": "GB of volumes",
    "ports": "ports",
    "addresses": "public addresses",
    "security_groups": "security groups",
    "networks": "networks",
}
"""The names of the quotas in sentences."""

SERVERS = frozenset({"servers", "cores", "memory_mb"})
"""The quotas that new servers use up …"""
VOLUMES = frozenset({"volumes", "gigabytes"})
"""… and those that new volumes do."""


COUNTED = {
    "server": "servers",
    "port": "ports",
    "address": "addresses",
    "volume": "volumes",
    "security_group": "security_groups",
    "keypair": "keypairs",
    "server_group": "server_groups",
}
"""Kinds of resources that a task makes, and the quotas against which they count."""

SHARED = {"servers": ("cores", "memory_mb"), "volumes": ("gigabytes",)}
"""Quotas that are used up along with another one."""


def numbers(needs: Mapping[str, int], facts: Facts) -> dict[str, dict[str, int]]:
    """Return what is needed of each quota that has a limit, and how much of it is free."""
    limited = {}
    for kind, number in needs.items():
        limit = facts.quota.get(kind)
        if limit is not None and limit.free is not None:
            reserved = facts.reserved.get(kind, 0)
            limited[kind] = {
                "wanted": number,
                "free": max(0, limit.free - reserved),
                "limit": limit.limit,
                "used": limit.used,
                "reserved": reserved,
            }
    return limited


def faults(needs: Mapping[str, int], facts: Facts) -> list[Fault]:
    """Return a fault for each quota that is not enough, with the numbers."""
    lacking = []
    for kind, known in numbers(needs, facts).items():
        if known["wanted"] > known["free"]:
            others = f", {known['reserved']} reserved by running tasks" if known["reserved"] else ""
            detail = (
                f"{known['wanted']} {NAMES[kind]} wanted, {known['free']} free "
                f"(limit {known['limit']}, {known['used']} used{others})."
            )
            lacking.append(Fault(pointer="", code="quota_exceeded", detail=detail))
    return lacking


def outstanding(reserves: Mapping[str, int], existing: Mapping[str, int]) -> dict[str, int]:
    """Return what a task still needs: its reservations less what it has made."""
    left = dict(reserves)
    for kind, quota in COUNTED.items():
        reserved = reserves.get(quota, 0)
        if not reserved:
            continue
        used = min(reserved, existing.get(kind, 0))
        left[quota] = reserved - used
        for other in SHARED.get(quota, ()):
            left[other] = -(-reserves.get(other, 0) * (reserved - used) // reserved)
    return left
