"""Submitting: from a request to a stored task, with every fault found before anything is written."""

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from enamel.clouds import driver
from enamel.commands import COMMANDS, quota
from enamel.commands.command import Command, CommandRequest, Planned
from enamel.commands.facts import Facts
from enamel.commands.task import undo_steps
from enamel.dispatch.base import Dispatch
from enamel.flow import expressions, task_view
from enamel.flow import plan as plans
from enamel.flow.plan import Plan
from enamel.model import errors, ids, task, task_key, webhook
from enamel.model.caller import Caller
from enamel.model.cloud import Limit
from enamel.model.errors import Fault
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.placement import Containers
from enamel.model.task import ServerEntry, Task
from enamel.model.webhook import Webhook
from enamel.secrets.base import Keys
from enamel.service.access.webhook_targets import WebhookTargets
from enamel.service.planning import reservations
from enamel.service.planning.candidates import CandidatePlanner, Earlier
from enamel.service.planning.server_locator import ServerLocator
from enamel.service.resources.orphan import Radar
from enamel.service.tasks import webhooks as tasks_webhooks
from enamel.service.tasks.idempotency import IdempotencyKey
from enamel.service.validation import body as bodies
from enamel.store import engine, items, secrets, signals, task_index, tasks, webhooks
from enamel.store.transaction import Tx

_ENTRY = re.compile(r"(.*/\d+)/[^/]+")
"""The pointer to a field of an entry of a list, and to the entry."""


class Quota(Struct, frozen=True, kw_only=True):
    """One quota in a preview."""

    wanted: int
    limit: int
    """-1 where there is none."""
    used: int
    promised: int
    """What running tasks are about to take."""


class Preview(Struct, frozen=True, kw_only=True):
    """What a request would do."""

    plan: Plan
    quota: dict[str, Quota]
    calls: int
    """Plumbing calls that are foreseen, without those of waiting."""
    faults: tuple[Fault, ...]


class Prepared(Struct, frozen=True, kw_only=True):
    """A request that was looked at from all sides."""

    id: str
    """The id that its task will have."""
    cloud: str
    parent: str | None
    planned: Planned
    facts: Facts
    faults: tuple[Fault, ...]


class Submit:
    """Accepts commands."""

    def __init__(
        self,
        store: engine.Store,
        *,
        clouds: driver.Clouds,
        keys: Keys,
        dispatch: Dispatch,
        guard: WebhookTargets | None = None,
        containers: Containers | None = None,
        radar: Radar | None = None,
    ) -> None:
        self._guard = guard or WebhookTargets()
        self._store = store
        self._clouds = clouds
        self._keys = keys
        self._dispatch = dispatch
        self._containers = containers or Containers()
        self._prospects = CandidatePlanner(store, clouds=clouds, radar=radar)
        self._whereabouts = ServerLocator(store, clouds=clouds)

    async def preview(
        self, command: str, data: Any, *, caller: Caller, params: Mapping[str, str] = {}
    ) -> Preview:
        """Return what a request would do, and everything that stands in its way; nothing is written."""
        found = await self._prepare(COMMANDS[command], data, caller=caller, params=params)
        needed, facts = found.planned.plan.needs, found.facts
        return Preview(
            plan=plans.shown(found.planned.plan),
            calls=found.planned.plan.calls,
            faults=found.faults,
            quota={
                kind: Quota(
                    wanted=needed.get(kind, 0),
                    limit=limit.limit,
                    used=limit.used,
                    promised=facts.reserved.get(kind, 0),
                )
                for kind, limit in facts.quota.items()
            },
        )

    async def accept(
        self,
        command: str,
        data: Any,
        *,
        caller: Caller,
        request_id: str,
        params: Mapping[str, str] = {},
        idempotency_key: str | None = None,
    ) -> tuple[Task, bool]:
        """Store a request as a task, and return it; True with it means that it is the answer of an earlier request.

        Raises:
            Invalid, NameTaken, QuotaExceeded, Forbidden: All faults of the request, in one error.
            WrongState: What the request is about does not allow it now.
            KeyReused, KeyInFlight: The idempotency key belongs to another request.
            CloudError: The cloud does not answer.
        """
        if idempotency_key is None:
            return await self._accept(command, data, caller, request_id, params, key=None), False
        key = IdempotencyKey(self._store, idempotency_key, caller=caller)
        told = await key.reserve(msgspec.json.encode([command, data, dict(params)], order="deterministic"))
        if told is not None:
            return msgspec.convert(told.body, Task), True
        async with key.held():
            return await self._accept(command, data, caller, request_id, params, key=key), False

    async def _accept(
        self,
        name: str,
        data: Any,
        caller: Caller,
        request_id: str,
        params: Mapping[str, str],
        *,
        key: IdempotencyKey | None,
    ) -> Task:
        command = COMMANDS[name]
        found = await self._prepare(command, data, caller=caller, params=params)
        if found.faults:
            raise refusal(found.faults, found)
        now = datetime.now(UTC)
        planned = found.planned
        references = {symbol: await self._keys.put(secret) for symbol, secret in planned.secrets.items()}
        hooks = await self._hooks(name, found)
        plan = plans.with_secrets(planned.plan, references)
        new = Task(
            id=found.id,
            type=planned.type or command.name,
            action=planned.action or command.action,
            created_at=now,
            created_by=caller.user_id,
            project_id=caller.project_id,
            request_id=request_id,
            priority=planned.priority,
            not_before=planned.not_before,
            deadline=max(now, planned.not_before or now) + planned.timeout,
            cloud=found.cloud,
            request={**params, **(command.blank(data) if isinstance(data, dict) else {})},
            plan=plans.data(plan),
            servers=tuple(
                ServerEntry(hostname=group.name, id=group.id, cloud=found.cloud)
                for group in plans.servers(plan)
            ),
            parent=found.parent,
            reserves=plan.needs,
            secrets=tuple(
                sorted({one for node in plan.nodes for one in expressions.paths(node.inputs, "secret")})
            ),
            groups=dict(planned.groups),
            notifications=tuple(map(webhook.shown, hooks)),
        )
        steps = _steps(new, planned)
        new = msgspec.structs.replace(new, progress=task.Progress(total=len(steps)))
        if planned.kept:
            new = task_view.seen(new, steps, plan)
        try:
            stored = await self._store.run(
                _write, new, steps, hooks, found.facts, key=key, later=_later(new, planned)
            )
        except BaseException:
            for reference in (*references.values(), *(ref for hook in hooks for ref in hook.secrets)):
                await self._keys.delete(reference)
            raise
        self._prospects.accepted(stored.cloud, stored.reserves)
        await self._dispatch.publish(stored.type, task=stored.id, priority=stored.priority)
        return stored

    async def _hooks(self, name: str, found: Prepared) -> list[Webhook]:
        """Return whom the new task tells: those that the request names, or those of the task that it takes up."""
        if name == "task.restart" and found.parent is not None:
            old = await self._store.read(webhooks.list, found.parent)
            return await tasks_webhooks.inherited(old, task=found.id, keys=self._keys)
        return await tasks_webhooks.kept(found.planned.notify, task=found.id, keys=self._keys)

    async def _prepare(
        self, command: Command, data: Any, *, caller: Caller, params: Mapping[str, str]
    ) -> Prepared:
        """Read the request, ask what has to be known, and plan."""
        faults: list[Fault] = []
        body = None
        if command.body is not None:
            body, faults = bodies.shape({} if data is None else data, command.body)
        if command.body is not None and body is None:
            raise errors.Invalid("; ".join(one.detail for one in faults), faults=tuple(faults))
        id = ids.new_id()
        earlier = await self._earlier(caller, params)
        known = tuple(self._clouds.names())
        want = CommandRequest(
            body=body,
            params=params,
            task_id=id,
            clouds=known,
            containers=self._containers,
            roles=frozenset(caller.roles),
            earlier=earlier.task,
            seed=uuid.UUID(id).int,
        )
        named, more = command.cloud(want)
        if earlier.task is not None:
            among = [earlier.task.cloud]
        elif "server" in params:
            among = [await self._whereabouts.cloud_of(caller, params["server"])]
        else:
            among = [named or known[0], *command.elsewhere(want)]
        best = await self._prospects.best(command, want, among=among, caller=caller, earlier=earlier)
        planned = best.planned
        if planned.notify and not any(one.pointer.startswith("/notify") for one in planned.faults):
            more = [*more, *await self._guard.faults([one.url for one in planned.notify])]
        every = dict.fromkeys([*faults, *more, *planned.faults])
        # A field that could not be read is not missing as well, nor is the entry of a list that it makes whole.
        pointers = {one.pointer for one in faults} | {
            found[1] for one in faults if (found := _ENTRY.fullmatch(one.pointer))
        }
        return Prepared(
            id=id,
            cloud=best.cloud,
            parent=earlier.task.id if earlier.task is not None else None,
            planned=planned,
            facts=best.facts,
            faults=tuple(one for one in every if one in faults or one.pointer not in pointers),
        )

    async def _earlier(self, caller: Caller, params: Mapping[str, str]) -> Earlier:
        """Return the earlier task that a request is about, with its items and the tasks that are about it."""
        if "task" not in params:
            return Earlier()
        found = await self._store.read(tasks.get, params["task"], project_id=caller.project_id)
        steps = await self._store.read(items.list, found.id)
        return Earlier(
            task=found,
            items=tuple(steps),
            children=await self._store.read(tasks.children, found.id),
        )


def _steps(new: Task, planned: Planned) -> list[Item]:
    """Return the items of a new task; those that it takes over are done already."""
    kept = {one.name: one for one in planned.kept}
    groups = {group.name: group for group in planned.plan.groups}
    return [
        kept.get(node.name)
        or Item(task=new.id, name=node.name, kind=node.kind, action=node.action, group=node.group)
        for node in planned.plan.nodes
        if not plans.asleep(node, groups, planned.groups)
    ]


def _write(
    tx: Tx,
    new: Task,
    steps: Sequence[Item],
    hooks: Sequence[Webhook],
    facts: Facts,
    *,
    key: IdempotencyKey | None,
    later: Task | None,
) -> Task:
    """Write a task with its items and its first event; what others were promised meanwhile is looked at again."""
    _still_free(tx, new, facts)
    if new.parent is not None:
        _take_up(tx, new, new.parent)
    first = Event(
        task=new.id,
        seq=1,
        time=new.created_at,
        type="task.accepted",
        data={"type": new.type, "steps": len(steps), "servers": len(new.servers)},
    )
    stored = tasks.insert(tx, new, steps, first)
    webhooks.insert(tx, hooks)
    if new.reserves:
        task_index.add(tx, task_key.hostnames(new))
    if later is not None:
        at = Event(task=later.id, seq=1, time=new.created_at, type="task.accepted", data={"type": later.type})
        tasks.insert(tx, later, (), at)
    if key is not None:
        key.answer(tx, status=202, body=msgspec.to_builtins(stored))
    return stored


def _take_up(tx: Tx, new: Task, old: str) -> None:
    """Make what an earlier task made the new one's, unless another task was faster.

    Raises:
        WrongState: It was.
    """
    children = [one for one in tasks.children(tx, old, lock=True) if one.id != new.id]
    owner = undo_steps.owner(children)
    if owner is not None:
        raise errors.WrongState(f"Task {old} was taken up by task {owner.id} just now.", taken_up_by=owner.id)
    scheduled = [one for one in children if one.not_before is not None and one.state is task.State.WAITING]
    if new.type == undo_steps.REVERT:
        for one in scheduled:
            tasks.request_cancel(tx, one.id)
        return
    # The time to live goes on, and the secrets are this task's now.
    for one in scheduled:
        tasks.hand_on(tx, one.id, to=new)
    secrets.hand_on(tx, old)
    signals.hand_on(tx, old, to=new.id)


def _later(new: Task, planned: Planned) -> Task | None:
    """Return the revert that a `ttl` schedules; it is planned when its time has come."""
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


def _still_free(tx: Tx, new: Task, facts: Facts) -> None:
    """Refuse a task whose quota or names were promised to another since the facts were gathered."""
    if not new.reserves:
        return
    names = frozenset(key.key for key in task_key.hostnames(new))
    taken = tasks.promised_names(tx, project_id=new.project_id, cloud=new.cloud, names=names)
    if taken:
        listed = ", ".join(sorted(taken))
        raise errors.NameTaken(f"Another task is about to take the name {listed}.")
    if _tight(new.reserves, facts.quota, tasks.reserved(tx, project_id=new.project_id, cloud=new.cloud)):
        exact = msgspec.structs.replace(
            facts, reserved=reservations.exact(tx, project_id=new.project_id, cloud=new.cloud)
        )
        lacking = quota.faults(new.reserves, exact)
        if lacking:
            raise errors.QuotaExceeded(
                " ".join(one.detail for one in lacking),
                cloud=new.cloud,
                faults=tuple(lacking),
                quota=quota.numbers(new.reserves, exact),
            )


def _tight(wanted: Mapping[str, int], limits: Mapping[str, Limit], promised: Mapping[str, int]) -> bool:
    return any(
        kind in limits and (free := limits[kind].free) is not None and number + promised.get(kind, 0) > free
        for kind, number in wanted.items()
    )


def refusal(faults: Sequence[Fault], found: Prepared) -> errors.EnamelError:
    """Return the one error that tells all faults: 400, or 409 and 403 where nothing else is wrong."""
    codes = {one.code for one in faults}
    sentence = " ".join(one.detail for one in faults[:20])
    if codes == {"quota_exceeded"}:
        lacking = quota.numbers(found.planned.plan.needs, found.facts)
        return errors.QuotaExceeded(sentence, cloud=found.cloud, faults=tuple(faults), quota=lacking)
    if codes <= {"taken", "quota_exceeded"}:
        return errors.NameTaken(sentence, cloud=found.cloud, faults=tuple(faults))
    if codes == {"forbidden"}:
        return errors.Forbidden(sentence, faults=tuple(faults))
    return errors.Invalid(sentence, cloud=found.cloud, faults=tuple(faults))
