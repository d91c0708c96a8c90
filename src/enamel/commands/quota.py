"""Whether a launch fits the project's quota, less what running tasks are about to take."""

from collections.abc import Iterable, Mapping

from enamel.commands.choice import Choice
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


def needs(choices: Iterable[Choice], *, imports: int, groups: int, server_groups: int) -> dict[str, int]:
    """Return what servers take of each quota; what they take nothing of is left out."""
    choices = list(choices)
    disks = [disk for choice in choices for disk in choice.disks if disk.volume_id is None]
    found = {
        "servers": len(choices),
        "cores": sum(choice.flavor.vcpus for choice in choices),
        "memory_mb": sum(choice.flavor.memory_mb for choice in choices),
        "ports": sum(
            interface.port_id is None for choice in choices for interface in choice.interfaces or ()
        ),
        "addresses": sum(choice.public_from is not None for choice in choices),
        "volumes": len(disks),
        "gigabytes": sum(disk.size_gb for disk in disks),
        "keypairs": imports,
        "security_groups": groups,
        "server_groups": server_groups,
    }
    return {kind: number for kind, number in found.items() if number}


def faults(wanted: Mapping[str, int], facts: Facts) -> list[Fault]:
    """Return a fault for each quota that is not enough, with the numbers."""
    found = []
    for kind, number in wanted.items():
        limit = facts.quota.get(kind)
        if limit is None or limit.free is None:
            continue
        free = max(0, limit.free - facts.reserved.get(kind, 0))
        if number > free:
            promised = facts.reserved.get(kind, 0)
            others = f", {promised} promised to running tasks" if promised else ""
            found.append(
                Fault(
                    pointer="",
                    code="quota_exceeded",
                    detail=f"{number} {NAMES[kind]} wanted, {free} free (limit {limit.limit}, {limit.used} used{others}).",
                )
            )
    return found
