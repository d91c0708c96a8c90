"""What running tasks have reserved of a project's quotas."""

from collections import Counter
from collections.abc import Sequence

from enamel.commands import quota
from enamel.flow import task_view
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.store import items, tasks
from enamel.store.transaction import Tx


def exact(tx: Tx, *, project_id: str, cloud: str) -> dict[str, int]:
    """Return what unfinished tasks have yet to take, from what each has made already."""
    total: Counter[str] = Counter()
    unfinished = tasks.unfinished(tx, project_id=project_id, cloud=cloud)
    steps = items.of_tasks(tx, [task.id for task in unfinished])
    for task in unfinished:
        total.update(quota.outstanding(task.reserves, _made(task, steps.get(task.id, ()))))
    return dict(total)


def _made(task: Task, steps: Sequence[Item]) -> dict[str, int]:
    return {kind: len(resources) for kind, resources in task_view.made(task.cloud, steps).items()}
