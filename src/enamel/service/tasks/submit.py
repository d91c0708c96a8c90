"""Submit a command: preview it, or store it as a task, with every fault found before anything is written."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from enamel.commands import COMMANDS, quota
from enamel.dispatch.base import Dispatch
from enamel.flow import plan as plans
from enamel.flow.plan import Plan
from enamel.model import errors
from enamel.model.call_context import CallContext
from enamel.model.errors import Fault
from enamel.model.task import Task
from enamel.model.webhook import Webhook
from enamel.secrets.base import Keys
from enamel.service.access import policy
from enamel.service.planning.candidates import CandidatePlanner
from enamel.service.planning.preparation import Prepared, Preparer
from enamel.service.tasks import idempotency, new_task
from enamel.service.tasks import webhooks as tasks_webhooks
from enamel.service.tasks.idempotency import Accepted, IdempotencyKey
from enamel.store import engine, webhooks


class Quota(Struct, frozen=True, kw_only=True):
    """One quota in a preview."""

    wanted: int
    limit: int
    """-1 if it is unlimited."""
    used: int
    reserved: int
    """Reserved by running tasks."""


class Preview(Struct, frozen=True, kw_only=True):
    """What a request would do."""

    plan: Plan
    quota: dict[str, Quota]
    calls: int
    """API calls that are planned, without polls."""
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
            return _preview(
                await self._preparer.prepare(ctx, COMMANDS[name], data, cloud=cloud, params=params)
            )
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
        plan = plans.with_secrets(planned.plan, references)
        new, steps = new_task.build(
            ctx, command, data, prepared, plan=plan, hooks=hooks, now=datetime.now(UTC)
        )
        later = new_task.scheduled_revert(new, planned)
        shares = new_task.shares(planned.plan, cloud=new.cloud)
        try:
            stored = await self._store.run(
                new_task.write, new, steps, hooks, prepared.facts, key=key, later=later, shares=shares
            )
        except BaseException:
            for reference in (*references.values(), *(ref for hook in hooks for ref in hook.secrets)):
                await self._keys.delete(reference)
            raise
        self._candidates.accepted(ctx, stored.cloud, stored.reserves)
        await self._dispatch.publish(stored.type, task=stored.id, priority=stored.priority)
        return stored

    async def _hooks(self, name: str, prepared: Prepared) -> list[Webhook]:
        """Return the webhooks of the new task: those that the request names, or those of the task that it takes up."""
        if name == "task.restart" and prepared.parent is not None:
            old = await self._store.read(webhooks.list, prepared.parent)
            return await tasks_webhooks.inherited(old, task=prepared.id, keys=self._keys)
        return await tasks_webhooks.kept(prepared.planned.notify, task=prepared.id, keys=self._keys)


def _preview(prepared: Prepared) -> Preview:
    """Return what a prepared request would do, and everything that is wrong with it."""
    plan, facts = prepared.planned.plan, prepared.facts
    return Preview(
        plan=plans.shown(plan),
        calls=plan.calls,
        faults=prepared.faults,
        quota={
            kind: Quota(
                wanted=plan.needs.get(kind, 0),
                limit=limit.limit,
                used=limit.used,
                reserved=facts.reserved.get(kind, 0),
            )
            for kind, limit in facts.quota.items()
        },
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
