"""Ending what was begun: cancel a task, forget one that has ended."""

from enamel.dispatch import base
from enamel.dispatch.hint import Stage
from enamel.model import ids, task
from enamel.model.caller import Caller
from enamel.model.errors import NotFound
from enamel.service.tasks import idempotency, read
from enamel.store import engine, tasks
from enamel.store.transaction import Tx


class Cancel:
    """Ends tasks."""

    def __init__(self, store: engine.Store, *, dispatch: base.Dispatch) -> None:
        self._store = store
        self._dispatch = dispatch

    async def cancel(
        self, caller: Caller, id: str, *, idempotency_key: str | None = None
    ) -> tuple[task.Task, bool]:
        """Ask for a task's end and return it: it stops between steps, then undoes what it has made.

        True with it means that it is the answer of an earlier request with the same key.

        Raises:
            NotFound: There is none, or it belongs to another project.
            WrongState: It has ended already.
            KeyReused: The idempotency key belongs to another request.

        """
        checked = _checked(id)

        def act(tx: Tx) -> task.Task:
            tasks.request_cancel(tx, checked, project_id=caller.project_id)
            return read.look(tx, checked)

        held = (
            idempotency.IdempotencyKey(self._store, idempotency_key, caller=caller)
            if idempotency_key
            else None
        )
        asked, replayed = await self._store.run(
            idempotency.once, held, f"task.cancel {checked}", act, status=202
        )
        self._dispatch.changed(asked.id)
        await self._dispatch.publish(asked.type, task=asked.id, stage=Stage.ASKED)
        return asked, replayed

    async def forget(self, caller: Caller, id: str) -> None:
        """Remove the record of a task that has ended; what it made stays.

        Raises:
            NotFound: There is none, or it belongs to another project.
            WrongState: It has not ended.

        """
        await self._store.run(tasks.forget, _checked(id), project_id=caller.project_id)


def _checked(id: str) -> str:
    if not ids.is_id(id):
        raise NotFound(f"There is no task '{id[:64]}'.")
    return id.lower()
