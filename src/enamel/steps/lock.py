"""The step that locks a server, and takes no lock away but its own."""

from collections.abc import Collection
from datetime import timedelta
from typing import ClassVar

from enamel.model import cloud
from enamel.model.action import Action
from enamel.model.errors import Obstructed
from enamel.steps.step import Context, Outputs, Step

_CLOCKS_DIFFER = timedelta(minutes=1)


class Lock(Step, frozen=True, kw_only=True):
    """Lock a server against actions; undo unlocks it, unless somebody else has locked it before or since."""

    kind: ClassVar[str] = "server.lock"
    action: ClassVar[str] = "LOCKING"
    undoable: ClassVar[bool] = True
    calls: ClassVar[int] = 3

    id: str
    reason: str | None = None

    async def do(self, at: Context) -> Outputs:
        """Lock it."""
        before = await at.cloud.server(self.id)
        arguments = {"reason": self.reason} if self.reason else {}
        await at.cloud.act(self.id, Action.LOCK, arguments=arguments)
        lock = None if before.locked else await _newest(at, self.id)
        return self._outputs(lock)

    async def find(self, at: Context) -> Outputs | None:
        """Tell by the cloud's own record whether an earlier attempt has locked it."""
        lock = await _newest(at, self.id)
        me = await at.cloud.identity()
        if lock is None or lock.user_id != me.user_id or lock.started is None:
            return None
        begun = lock.started >= at.started_at - _CLOCKS_DIFFER
        return self._outputs(lock) if begun and (await at.cloud.server(self.id)).locked else None

    def _outputs(self, lock: cloud.HistoryEntry | None) -> Outputs:
        return {"id": self.id, "lock": lock.id if lock else None, "entry": {"id": self.id}}

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Unlock it, if the lock is the one that this step has put on it.

        Raises:
            Obstructed: The cloud keeps no record of who has locked it.
        """
        if outputs["lock"] is None or not (await at.cloud.server(self.id)).locked:
            return
        newest = await _newest(at, self.id)
        if newest is None:
            raise Obstructed(
                f"The cloud does not tell who has locked server {self.id}.",
                cloud=at.cloud.name,
                remedy="Unlock it if the lock is yours.",
            )
        if newest.id == outputs["lock"]:
            await at.cloud.act(self.id, Action.UNLOCK)
        else:
            at.note("Somebody else has locked the server since: it stays locked.")


async def _newest(at: Context, server_id: str) -> cloud.HistoryEntry | None:
    """Return the latest lock in the cloud's record of a server."""
    history = await at.cloud.server_history(server_id)
    return next((entry for entry in history if entry.action == Action.LOCK.value), None)
