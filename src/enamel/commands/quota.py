"""Whether a launch fits the project's quota, less what running tasks are about to take."""

from collections.abc import Mapping

from enamel.commands.facts import Facts
from enamel.model.errors import Fault

NAMES = {
    "servers": "servers",
    "cores": "cores",
    "memory_mb": "MB of memory",
    "keypairs": "keypairs",
    "server_groups": "server groups",
    "volumes": "volumes",
    "gigabytes": "GB of volumes",
    "ports": "ports",
    "addresses": "public addresses",
    "security_groups": "security groups",
    "networks": "networks",
}
"""What the quotas are called in sentences."""

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
"""Kinds of things that a task makes, and the quotas that they count against."""

SHARED = {"servers": ("cores", "memory_mb"), "volumes": ("gigabytes",)}
"""Quotas that are used up along with another one."""


def numbers(wanted: Mapping[str, int], facts: Facts) -> dict[str, dict[str, int]]:
    """Return what is wanted of each quota that has a limit, and how much of it is free."""
    found = {}
    for kind, number in wanted.items():
        limit = facts.quota.get(kind)
        if limit is not None and limit.free is not None:
            promised = facts.reserved.get(kind, 0)
            found[kind] = {
                "wanted": number,
                "free": max(0, limit.free - promised),
                "limit": limit.limit,
                "used": limit.used,
                "promised": promised,
            }
    return found


def faults(wanted: Mapping[str, int], facts: Facts) -> list[Fault]:
    """Return a fault for each quota that is not enough, with the numbers."""
    found = []
    for kind, one in numbers(wanted, facts).items():
        if one["wanted"] > one["free"]:
            others = f", {one['promised']} promised to running tasks" if one["promised"] else ""
            detail = (
                f"{one['wanted']} {NAMES[kind]} wanted, {one['free']} free "
                f"(limit {one['limit']}, {one['used']} used{others})."
            )
            found.append(Fault(pointer="", code="quota_exceeded", detail=detail))
    return found


def outstanding(reserves: Mapping[str, int], made: Mapping[str, int]) -> dict[str, int]:
    """Return what a task has yet to take: what it needs less what it has made."""
    left = dict(reserves)
    for kind, quota in COUNTED.items():
        wanted = reserves.get(quota, 0)
        if not wanted:
            continue
        there = min(wanted, made.get(kind, 0))
        left[quota] = wanted - there
        for other in SHARED.get(quota, ()):
            left[other] = -(-reserves.get(other, 0) * (wanted - there) // wanted)
    return left
