"""Ending what was begun: cancel a task, forget one that has ended."""

import msgspec

from enamel.dispatch import base
from enamel.dispatch.hint import Stage
from enamel.model import ids, task
from enamel.model.errors import NotFound
from enamel.service import read
from enamel.store import engine, idempotency, tasks
from enamel.store.transaction import Tx


class Cancel:
    """Ends tasks."""

    def __init__(self, store: engine.Store, *, dispatch: base.Dispatch) -> None:
        self._store = store
        self._dispatch = dispatch

    async def cancel(
        self, caller: task.Caller, id: str, *, request_id: str, idempotency_key: str | None = None
    ) -> tuple[task.Task, bool]:
        """Ask for a task's end and return it: it stops between steps, then undoes what it has made.

        True with it means that it is the answer of an earlier request with the same key.

        Raises:
            NotFound: There is none, or it belongs to another project.
            WrongState: It has ended already.
            KeyReused: The idempotency key belongs to another request.

        """
        told = await self._store.run(_cancel, _checked(id), caller, request_id, key=idempotency_key)
        asked, replayed = told
        self._dispatch.changed(asked.id)
        await self._dispatch.publish(asked.type, task=asked.id, stage=Stage.ASKED)
        return asked, replayed

    async def forget(self, caller: task.Caller, id: str) -> None:
        """Remove the record of a task that has ended; what it made stays.

        Raises:
            NotFound: There is none, or it belongs to another project.
            WrongState: It has not ended.

        """
        await self._store.run(tasks.forget, _checked(id), project_id=caller.project_id)


def _cancel(
    tx: Tx, id: str, caller: task.Caller, request_id: str, *, key: str | None
) -> tuple[task.Task, bool]:
    """Ask for a task's end, once for each key."""
    if key is not None:
        told = idempotency.reserve(
            tx, key, caller=caller, fingerprint=f"task.cancel {id}", request_id=request_id
        )
        if told is not None:
            return msgspec.convert(told.body, task.Task), True
    tasks.request_cancel(tx, id, project_id=caller.project_id)
    asked = read.look(tx, id)
    if key is not None:
        kept = idempotency.Answer(status=202, body=msgspec.to_builtins(asked))
        idempotency.answer(tx, key, caller=caller, answer=kept)
    return asked, False


def _checked(id: str) -> str:
    if not ids.is_id(id):
        raise NotFound(f"There is no task '{id[:64]}'.")
    return id.lower()
