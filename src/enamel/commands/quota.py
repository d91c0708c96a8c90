"""Whether a request fits the project's quota, less what running tasks have reserved."""

from collections.abc import Mapping

import msgspec

from enamel.commands.facts import Facts
from enamel.model import quota
from enamel.model.errors import Fault
from enamel.model.quota import Quota

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
    """Return the quotas that have a limit and of which something is needed, as data of an error."""
    data: dict[str, dict[str, int]] = msgspec.to_builtins(_limited(needs, facts))
    return data


def _limited(needs: Mapping[str, int], facts: Facts) -> dict[str, Quota]:
    return {
        kind: quota.of(facts.quota[kind], reserved=facts.reserved.get(kind, 0), wanted=number)
        for kind, number in needs.items()
        if kind in facts.quota and facts.quota[kind].free is not None
    }


def faults(needs: Mapping[str, int], facts: Facts) -> list[Fault]:
    """Return a fault for each quota that is not enough, with the numbers."""
    lacking = []
    for kind, known in _limited(needs, facts).items():
        number = needs[kind]
        if known.free is not None and number > known.free:
            others = f", {known.reserved} reserved by running tasks" if known.reserved else ""
            detail = (
                f"{number} {NAMES[kind]} wanted, {known.free} free "
                f"(limit {known.limit}, {known.used} used{others})."
            )
            lacking.append(Fault(pointer="", code="quota_exceeded", detail=detail))
    return lacking


def outstanding(reserves: Mapping[str, int], existing: Mapping[str, int]) -> dict[str, int]:
    """Return what a task still needs: its reservations less what it has made."""
    left = dict(reserves)
    for kind, counted in COUNTED.items():
        reserved = reserves.get(counted, 0)
        if not reserved:
            continue
        used = min(reserved, existing.get(kind, 0))
        left[counted] = reserved - used
        for other in SHARED.get(counted, ()):
            left[other] = -(-reserves.get(other, 0) * (reserved - used) // reserved)
    return left
