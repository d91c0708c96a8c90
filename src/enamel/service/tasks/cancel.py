"""Cancel tasks, and forget those that have ended."""

from enamel.dispatch import base
from enamel.dispatch.hint import Stage
from enamel.flow import task_log
from enamel.model import task
from enamel.model.call_context import CallContext
from enamel.service.access import policy
from enamel.service.tasks import idempotency
from enamel.service.tasks.idempotency import Accepted
from enamel.service.tasks.read import Read, look
from enamel.store import engine, tasks
from enamel.store.transaction import Tx


class Cancel:
    """Cancels tasks."""

    def __init__(self, store: engine.Store, *, dispatch: base.Dispatch, read: Read) -> None:
        self._store = store
        self._dispatch = dispatch
        self._read = read

    async def cancel(
        self,
        ctx: CallContext,
        id: str,
        *,
        cloud: str | None = None,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Request a task's end and return it: it stops between steps, then undoes what it has made.

        Raises:
            NotFound: There is none, or it belongs to another project.
            WrongState: It has ended already.
            KeyReused: The idempotency key belongs to another request.
        """
        policy.enforce(ctx, "enamel:task:cancel")
        checked = await self._read.id_of(ctx, id, cloud=cloud)

        def act(tx: Tx) -> task.Task:
            tasks.request_cancel(tx, checked, project_id=ctx.caller.project_id)
            return look(tx, checked)

        key = idempotency.of(self._store, idempotency_key, caller=ctx.caller)
        accepted = await self._store.run(idempotency.once, key, f"task.cancel {checked}", act, status=202)
        if accepted.task.state in task.ENDED and not accepted.replayed:
            task_log.ended(accepted.task)
        self._dispatch.changed(accepted.task.id)
        await self._dispatch.publish(accepted.task.type, task=accepted.task.id, stage=Stage.ASKED)
        return accepted

    async def forget(self, ctx: CallContext, id: str, *, cloud: str | None = None) -> None:
        """Delete the record of a task that has ended; what it made stays.

        Raises:
            NotFound: There is none, or it belongs to another project.
            WrongState: It has not ended.
        """
        policy.enforce(ctx, "enamel:task:forget")
        checked = await self._read.id_of(ctx, id, cloud=cloud)
        await self._store.run(tasks.forget, checked, project_id=ctx.caller.project_id)
