"""Ending what was begun: cancel a task, forget one that has ended."""

from enamel.dispatch import base
from enamel.model import ids, task
from enamel.model.errors import NotFound
from enamel.store import engine, tasks


class Cancel:
    """Ends tasks."""

    def __init__(self, store: engine.Store, *, dispatch: base.Dispatch) -> None:
        self._store = store
        self._dispatch = dispatch

    async def cancel(self, caller: task.Caller, id: str) -> task.Task:
        """Ask for a task's end and return it: it stops between steps, then undoes what it has made.

        Raises:
            NotFound: There is none, or it belongs to another project.
            WrongState: It has ended already.

        """
        asked = await self._store.run(tasks.request_cancel, _checked(id), project_id=caller.project_id)
        self._dispatch.changed(asked.id)
        await self._dispatch.publish(asked.type, task=asked.id)
        return asked

    async def forget(self, caller: task.Caller, id: str) -> None:
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
