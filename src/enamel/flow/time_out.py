"""The time-out of a task: who or what it was still waiting for."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice

from enamel.flow.plan import Node
from enamel.model.errors import TaskTimedOut
from enamel.model.item import Item, State
from enamel.model.task import Task

REACH = "server.reach"
_WAITS = {REACH: "did not answer on {ready_when}", "server.await_active": "did not become ACTIVE"}
"""What a server did not do while a step waited for it, by the kind of the step; other steps are named."""
_NAMED = 3
"""Most servers, or steps, that are named."""
_REACH_REMEDY = (
    "Raise the `timeout`, or check the security group's rules, what the image starts, and whether this service can reach "
    "the address."
)


def error(task: Task, items: Mapping[str, Item], nodes: Mapping[str, Node], *, now: datetime) -> TaskTimedOut:
    """Return the error of a task whose time is over: the steps that were running say what it lacked.

    Args:
        task: The task.
        items: Its steps, by name.
        nodes: The same in its plan.
        now: The time.

    """
    running = [nodes[name] for name, step in items.items() if step.state is State.RUNNING]
    lacks: dict[str, list[str]] = {}
    for node in running:
        who, sentence = _lack(node, items[node.name])
        lacks.setdefault(sentence, []).append(who)
    reasons = [f"{_listed(who)} {sentence}" for sentence, who in lacks.items()]
    began = max(filter(None, (task.created_at, task.not_before)))
    reaches = any(node.kind == REACH for node in running)
    return TaskTimedOut(
        f"Timed out after {_seconds(now - began)}: {'; '.join(reasons) or 'no step was running'}.",
        remedy=_REACH_REMEDY if reaches else None,
    )


def _lack(node: Node, step: Item) -> tuple[str, str]:
    """Return whom a running step serves, and what was missing."""
    if node.kind in _WAITS and node.group:
        return node.group, _WAITS[node.kind].format_map(node.inputs)
    why = f" ({step.error.detail.rstrip('.')})" if step.error else ""
    return f"step '{node.name}'", f"had not ended{why}"


def _listed(names: list[str]) -> str:
    """Return names as part of a sentence."""
    named = list(islice(names, _NAMED))
    more = len(names) - len(named)
    if more:
        return f"{', '.join(named)} and {more} more"
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))


def _seconds(time: timedelta) -> str:
    seconds = time.total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
