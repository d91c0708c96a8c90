"""The new task: the record of an accepted request, and the transaction that writes it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from enamel.commands import COMMANDS, quota
from enamel.commands.command import Command, Planned
from enamel.commands.facts import Facts
from enamel.commands.task import undo_steps
from enamel.flow import expressions, task_view
from enamel.flow import plan as plans
from enamel.flow.plan import Node, Plan
from enamel.model import errors, ids, task, task_key, webhook
from enamel.model.call_context import CallContext
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import ServerEntry, Task
from enamel.model.task_key import TaskKey
from enamel.model.webhook import Webhook
from enamel.service.planning import taken
from enamel.service.planning.preparation import Prepared
from enamel.service.tasks.idempotency import IdempotencyKey
from enamel.store import reservations, secrets, signals, task_index, tasks, webhooks
from enamel.store.transaction import Tx


def build(
    ctx: CallContext,
    command: Command,
    data: Any,
    prepared: Prepared,
    *,
    plan: Plan,
    hooks: Sequence[Webhook],
    now: datetime,
) -> tuple[Task, list[Item]]:
    """Return the task of a prepared request, and its items.

    Args:
        ctx: Who asks.
        command: What is asked for.
        data: The request's body.
        prepared: What was planned.
        plan: The plan, with references to the key store in place of its secrets.
        hooks: Its webhooks.
        now: When it is accepted.
    """
    planned = prepared.planned
    begin = max(now, planned.not_before or now)
    new = Task(
        id=prepared.id,
        type=planned.type or command.name,
        action=planned.action or command.action,
        created_at=now,
        created_by=ctx.caller.user_id,
        project_id=ctx.caller.project_id,
        request_id=ctx.request_id,
        priority=planned.priority,
        not_before=planned.not_before,
        deadline=begin + planned.timeout,
        cloud=prepared.cloud,
        request={**prepared.params, **(command.blank(data) if isinstance(data, dict) else {})},
        plan=plans.data(plan),
        servers=tuple(
            ServerEntry(hostname=group.name, id=group.id, cloud=prepared.cloud)
            for group in plans.servers(plan)
        ),
        parent=prepared.parent,
        reserves=plan.needs,
        secrets=tuple(
            sorted({ref for node in plan.nodes for ref in expressions.paths(node.inputs, "secret")})
        ),
        groups=dict(planned.groups),
        notifications=tuple(map(webhook.shown, hooks)),
    )
    steps = _items(new, planned)
    new = msgspec.structs.replace(new, progress=task.Progress(total=len(steps)))
    return (task_view.seen(new, steps, plan) if planned.kept else new), steps


def shares(plan: Plan, *, cloud: str) -> dict[str, dict[str, int]]:
    """Return how much of each quota of a task's cloud each of its steps uses up; steps that use up none are left out."""
    return {node.name: node.needs for node in plan.nodes if node.needs and node.cloud in {None, cloud}}


def scheduled_revert(new: Task, planned: Planned) -> Task | None:
    """Return the revert that a `ttl` schedules; it is planned when it is due."""
    if planned.ttl is None:
        return None
    begin = max(new.created_at, new.not_before or new.created_at) + planned.ttl
    return Task(
        id=ids.new_id(),
        type="task.revert",
        action=COMMANDS["task.revert"].action,
        created_at=new.created_at,
        created_by=new.created_by,
        project_id=new.project_id,
        request_id=new.request_id,
        not_before=begin,
        deadline=begin + planned.timeout,
        cloud=new.cloud,
        credential=new.credential,
        request={"task": new.id},
        parent=new.id,
    )


def write(
    tx: Tx,
    new: Task,
    steps: Sequence[Item],
    hooks: Sequence[Webhook],
    facts: Facts,
    *,
    key: IdempotencyKey | None,
    later: Task | None,
    shares: Mapping[str, Mapping[str, int]] = {},
    takes: Collection[TaskKey] = (),
) -> Task:
    """Write a task with its items and its first event.

    Args:
        tx: The transaction.
        new: The task.
        steps: Its items.
        hooks: Its webhooks.
        facts: The facts that it was planned with.
        key: The idempotency key that came with the request.
        later: The revert that its `ttl` schedules.
        shares: What each step uses up of quotas.
        takes: The keys of the existing resources that it takes.

    Raises:
        NameTaken, QuotaExceeded: Other tasks have reserved what it needs since the facts were gathered.
        WrongState: Another task has taken up the earlier one, or an existing resource that this one takes.
    """
    _check_still_free(tx, new, facts)
    taken.take(tx, takes)
    if new.parent is not None:
        _take_up(tx, new, new.parent)
    first = Event(
        task=new.id,
        seq=1,
        time=new.created_at,
        type="task.accepted",
        data={"type": new.type, "steps": len(steps), "servers": len(new.servers)},
    )
    stored = tasks.insert(tx, new, steps, first, shares=shares)
    webhooks.insert(tx, hooks)
    if new.reserves:
        task_index.add(tx, task_key.hostnames(new))
    if later is not None:
        event = Event(
            task=later.id, seq=1, time=new.created_at, type="task.accepted", data={"type": later.type}
        )
        tasks.insert(tx, later, (), event)
    if key is not None:
        key.answer(tx, status=202, body=msgspec.to_builtins(stored))
    return stored


def _items(new: Task, planned: Planned) -> list[Item]:
    """Return the items of a new task; those that it takes over from an earlier one are done already."""
    kept = {item.name: item for item in planned.kept}
    return [
        kept.get(node.name)
        or Item(task=new.id, name=node.name, kind=node.kind, action=node.action, group=node.group)
        for node in awake(planned)
    ]


def awake(planned: Planned) -> list[Node]:
    """Return the steps of a plan that have items from the beginning, without those for clouds that servers may come to."""
    groups = {group.name: group for group in planned.plan.groups}
    return [node for node in planned.plan.nodes if not plans.asleep(node, groups, planned.groups)]


def _take_up(tx: Tx, new: Task, old: str) -> None:
    """Give the new task what an earlier one made, unless another task was faster.

    Raises:
        WrongState: It was.
    """
    children = [child for child in tasks.children(tx, old, lock=True) if child.id != new.id]
    owner = undo_steps.owner(children)
    if owner is not None:
        raise errors.WrongState(
            f"Task {owner.id} has just taken up task {old}.",
            taken_up_by=owner.id,
        )
    scheduled = [
        child for child in children if child.not_before is not None and child.state is task.State.WAITING
    ]
    if new.type == undo_steps.REVERT:
        for child in scheduled:
            tasks.request_cancel(tx, child.id)
        return
    # The time to live goes on, and the secrets are this task's now.
    for child in scheduled:
        tasks.hand_on(tx, child.id, to=new)
    secrets.hand_on(tx, old)
    signals.hand_on(tx, old, to=new.id)


def _check_still_free(tx: Tx, new: Task, facts: Facts) -> None:
    """Refuse a task whose quota or names another one has reserved since the facts were gathered."""
    if not new.reserves:
        return
    names = frozenset(key.key for key in task_key.hostnames(new))
    taken = tasks.reserved_names(tx, project_id=new.project_id, cloud=new.cloud, names=names)
    if taken:
        listed = ", ".join(sorted(taken))
        raise errors.NameTaken(f"Another task has reserved the name {listed}.")
    reserved = reservations.reserved(tx, project_id=new.project_id, cloud=new.cloud)
    now = msgspec.structs.replace(facts, reserved=reserved)
    # What an earlier task has made is used already, and not needed once more.
    made = {kind: len(things) for kind, things in new.result.made.items()}
    lacking = quota.faults(quota.outstanding(new.reserves, made), now)
    if lacking:
        raise errors.QuotaExceeded(
            " ".join(fault.detail for fault in lacking),
            cloud=new.cloud,
            faults=tuple(lacking),
            quota=quota.numbers(new.reserves, now),
        )
