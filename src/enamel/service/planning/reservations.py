"""What running tasks are about to take of a project's quotas, and which host names."""

from collections import Counter
from collections.abc import Sequence

from enamel.commands import quota
from enamel.flow import task_view
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.store import items, tasks
from enamel.store.transaction import Tx


def exact(tx: Tx, *, project_id: str, cloud: str) -> dict[str, int]:
    """Return what unfinished tasks have yet to take, by looking at what each has made already."""
    total: Counter[str] = Counter()
    found = tasks.unfinished(tx, project_id=project_id, cloud=cloud)
    steps = items.of_tasks(tx, [one.id for one in found])
    for one in found:
        total.update(quota.outstanding(one.reserves, _made(one, steps.get(one.id, ()))))
    return dict(total)


def _made(found: Task, steps: Sequence[Item]) -> dict[str, int]:
    return {kind: len(things) for kind, things in task_view.made(found.cloud, steps).items()}
