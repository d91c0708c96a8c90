"""What running tasks are about to take of a project's quotas, and which host names."""

from collections import Counter
from collections.abc import Mapping, Sequence

from enamel.flow import view
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.store import items, tasks
from enamel.store.transaction import Tx

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


def exact(tx: Tx, *, project_id: str, cloud: str) -> dict[str, int]:
    """Return what unfinished tasks have yet to take, by looking at what each has made already."""
    total: Counter[str] = Counter()
    found = tasks.unfinished(tx, project_id=project_id, cloud=cloud)
    steps = items.of_tasks(tx, [one.id for one in found])
    for one in found:
        total.update(outstanding(one.reserves, _made(one, steps.get(one.id, ()))))
    return dict(total)


def _made(found: Task, steps: Sequence[Item]) -> dict[str, int]:
    return {kind: len(things) for kind, things in view.made(found.cloud, steps).items()}
