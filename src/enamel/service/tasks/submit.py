"""Submit a command: preview it, or store it as a task, with every fault found before anything is written."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from enamel.commands import COMMANDS, needs, quota
from enamel.dispatch.base import Dispatch
from enamel.flow import plan as plans
from enamel.flow.plan import Plan
from enamel.model import errors, problem
from enamel.model import quota as quota_model
from enamel.model.call_context import CallContext
from enamel.model.errors import Fault
from enamel.model.quota import Quota
from enamel.model.task import Task
from enamel.model.task_key import TaskKey
from enamel.model.webhook import Webhook
from enamel.secrets.base import Keys
from enamel.service import off_loop
from enamel.service.access import policy
from enamel.service.planning import taken
from enamel.service.planning.candidates import CandidatePlanner
from enamel.service.planning.preparation import Prepared, Preparer
from enamel.service.tasks import idempotency, new_task, shown_plan
from enamel.service.tasks import webhooks as tasks_webhooks
from enamel.service.tasks.idempotency import Accepted, IdempotencyKey
from enamel.steps import KINDS
from enamel.store import engine, webhooks

log = structlog.get_logger(__name__)


class Preview(Struct, frozen=True, kw_only=True):
    """What a request would do."""

    plan: shown_plan.Plan
    quota: dict[str, Quota]
    faults: tuple[Fault, ...]


Outcome = Preview | Accepted
"""What a command comes to: its preview with `dry_run`, else its task."""


class Submit:
    """Accepts commands."""

    def __init__(
        self,
        store: engine.Store,
        *,
        keys: Keys,
        dispatch: Dispatch,
        preparer: Preparer,
        candidates: CandidatePlanner,
    ) -> None:
        self._store = store
        self._keys = keys
        self._dispatch = dispatch
        self._preparer = preparer
        self._candidates = candidates

    async def command(
        self,
        ctx: CallContext,
        name: str,
        data: Any = None,
        *,
        cloud: str | None = None,
        params: Mapping[str, str] = {},
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Outcome:
        """Preview a command, or store it as a task.

        Args:
            ctx: Who asks.
            name: The command, for example `server.create`.
            data: The request's body.
            cloud: The cloud to carry it out on; the one that has what it is about, or the default one, if None.
            params: What the command is about, for example the server's id.
            dry_run: Whether to return the plan and write nothing.
            idempotency_key: With it, a request that is sent twice is carried out once.

        Raises:
            Invalid, NameTaken, QuotaExceeded, Forbidden: All faults of the request, in one error.
            NotFound: What it is about does not exist.
            WrongState: What it is about does not allow it now.
            KeyReused, KeyInFlight: The idempotency key belongs to another request.
            CloudError: The cloud does not answer.
        """
        policy.enforce(ctx, policy.of_command(name))
        if cloud is not None:
            params = {**params, "cloud": cloud}
        if dry_run:
            prepared = await self._preparer.prepare(ctx, COMMANDS[name], data, cloud=cloud, params=params)
            conflict = await self._store.read(taken.conflict, _takes(ctx, prepared))
            return await off_loop.run(len(prepared.planned.plan.nodes), _preview, prepared, conflict)
        request = msgspec.json.encode([name, data, dict(params)], order="deterministic")
        key = await idempotency.of(
            self._store, idempotency_key, caller=ctx.caller, request=request, keys=self._keys
        )
        if key is None:
            return Accepted(task=await self._accept(ctx, name, data, cloud, params, key=None))
        earlier = await key.reserve()
        if earlier is not None:
            return Accepted(task=msgspec.convert(earlier.body, Task), replayed=True)
        async with key.held():
            return Accepted(task=await self._accept(ctx, name, data, cloud, params, key=key))

    async def _accept(
        self,
        ctx: CallContext,
        name: str,
        data: Any,
        cloud: str | None,
        params: Mapping[str, str],
        *,
        key: IdempotencyKey | None,
    ) -> Task:
        """Prepare a request, refuse it for its faults, or store its task and wake a worker."""
        command = COMMANDS[name]
        prepared = await self._preparer.prepare(ctx, command, data, cloud=cloud, params=params)
        if prepared.faults:
            raise refusal(prepared.faults, prepared)
        planned = prepared.planned
        references = {
            symbol: await self._keys.put(secret, owner=prepared.id)
            for symbol, secret in planned.secrets.items()
        }
        hooks = await self._hooks(name, prepared)
        size = len(planned.plan.nodes)
        plan = await off_loop.run(size, plans.with_secrets, planned.plan, references)
        new, steps = await off_loop.run(
            size,
            new_task.build,
            ctx,
            command,
            data,
            prepared,
            plan=plan,
            hooks=hooks,
            now=self._store.now(),
        )
        later = new_task.scheduled_revert(new, planned)
        shares = new_task.shares(planned.plan, cloud=new.cloud)
        try:
            stored = await self._store.run(
                new_task.write,
                new,
                steps,
                hooks,
                prepared.facts,
                key=key,
                later=later,
                shares=shares,
                takes=_takes(ctx, prepared),
            )
        except BaseException:
            for reference in (*references.values(), *(ref for hook in hooks for ref in hook.references)):
                await self._keys.delete(reference)
            raise
        self._candidates.accepted(ctx, stored.cloud, stored.reserves)
        log.info(
            "task.accepted",
            task=stored.id,
            type=stored.type,
            steps=len(steps),
            project=stored.project_id,
            user=stored.created_by,
            request_id=stored.request_id,
        )
        await self._dispatch.publish(stored.type, task=stored.id, priority=stored.priority)
        return stored

    async def _hooks(self, name: str, prepared: Prepared) -> list[Webhook]:
        """Return the webhooks of the new task: those that the request names, or those of the task that it takes up."""
        if name == "task.restart" and prepared.parent is not None:
            old = await self._store.read(webhooks.list, prepared.parent)
            return await tasks_webhooks.inherited(old, task=prepared.id, keys=self._keys)
        return await tasks_webhooks.kept(prepared.planned.notify, task=prepared.id, keys=self._keys)


def _takes(ctx: CallContext, prepared: Prepared) -> frozenset[TaskKey]:
    """Return the keys of the existing resources that a task takes."""
    return taken.keys(prepared.planned, prepared.facts, task=prepared.id, project_id=ctx.caller.project_id)


def _preview(prepared: Prepared, conflict: errors.WrongState | None) -> Preview:
    """Return what a prepared request would do, and everything that is wrong with it."""
    more = (Fault(pointer="", detail=conflict.detail, code="in_use"),) if conflict else ()
    plan, facts = _carried_out(prepared), prepared.facts
    return Preview(
        plan=shown_plan.of(plan),
        faults=problem.told((*prepared.faults, *more)[: errors.MOST_FAULTS]),
        quota={
            kind: quota_model.of(limit, reserved=facts.reserved.get(kind, 0), wanted=plan.needs.get(kind, 0))
            for kind, limit in facts.quota.items()
        },
    )


def _carried_out(prepared: Prepared) -> Plan:
    """Return a plan without what will not be done: what an earlier task has made, and steps for other clouds."""
    planned = prepared.planned
    done = {step.name for step in planned.kept}
    nodes = [node for node in new_task.awake(planned) if node.name not in done]
    if len(nodes) == len(planned.plan.nodes):
        return planned.plan
    names = {node.name for node in nodes}
    return msgspec.structs.replace(
        planned.plan,
        nodes=tuple(
            msgspec.structs.replace(node, after=tuple(name for name in node.after if name in names))
            for node in nodes
        ),
        needs=needs.of(node for node in nodes if node.cloud in (None, prepared.cloud)),
        calls=sum(KINDS[node.kind].calls for node in nodes),
    )


def refusal(faults: Sequence[Fault], prepared: Prepared) -> errors.EnamelError:
    """Return the one error that names all faults: 400, or 409 and 403 where nothing else is wrong."""
    codes = {fault.code for fault in faults}
    sentence = " ".join(fault.detail for fault in faults[:20])
    if codes == {"quota_exceeded"}:
        lacking = quota.numbers(prepared.planned.plan.needs, prepared.facts)
        return errors.QuotaExceeded(sentence, cloud=prepared.cloud, faults=tuple(faults), quota=lacking)
    if codes <= {"taken", "quota_exceeded"}:
        return errors.NameTaken(sentence, cloud=prepared.cloud, faults=tuple(faults))
    if codes == {"forbidden"}:
        return errors.Forbidden(sentence, faults=tuple(faults))
    return errors.Invalid(sentence, cloud=prepared.cloud, faults=tuple(faults))
