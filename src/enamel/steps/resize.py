"""Steps that change where a server runs or how large it is: begun here, waited for and confirmed by others."""

from collections.abc import Collection
from datetime import timedelta
from typing import ClassVar

from enamel.clouds.capability import Capability
from enamel.model import cloud
from enamel.model.action import Action
from enamel.model.states import ServerActivity, ServerState
from enamel.steps import act
from enamel.steps.step import Context, Outputs, Step

AT_WORK = frozenset({ServerActivity.RESIZING, ServerActivity.MIGRATING})
AT_REST = (ServerState.ACTIVE, ServerState.STOPPED)


class Resize(Step, frozen=True, kw_only=True):
    """Give a server another type; it stays RESIZED until that is confirmed."""

    kind: ClassVar[str] = "server.resize"
    action: ClassVar[str] = "PREPARING"
    undoable: ClassVar[bool] = True
    timeout: ClassVar[timedelta] = timedelta(minutes=5)

    id: str
    flavor_id: str
    before: str
    """Id of the type that the server has had."""
    cores: int = 0
    """By how much the new type is larger, as far as it is."""
    memory_mb: int = 0

    def needs(self) -> dict[str, int]:
        """Return how much of each quota it uses up."""
        return {"cores": self.cores, "memory_mb": self.memory_mb}

    async def do(self, at: Context) -> Outputs:
        """Begin it."""
        await at.cloud.act(self.id, Action.RESIZE, arguments={"flavor_id": self.flavor_id})
        return self._outputs()

    async def find(self, at: Context) -> Outputs | None:
        """Tell by the server's state whether it was begun."""
        server = await at.cloud.server(self.id)
        begun = _is_begun(server) or server.flavor_id == self.flavor_id
        return self._outputs() if begun else None

    def _outputs(self) -> Outputs:
        return {"id": self.id, "entry": {"id": self.id}}

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Give the server its type back: by reverting while it is RESIZED, else by resizing it once more."""
        on_trial = await act.settle(at, self.id, what=Action.RESIZE, goal=(ServerState.RESIZED, *AT_REST))
        if on_trial.state is ServerState.RESIZED:
            await at.cloud.act(self.id, Action.REVERT_RESIZE)
            await act.settle(at, self.id, what=Action.REVERT_RESIZE, goal=AT_REST)
        elif on_trial.flavor_id != self.before:
            await at.cloud.act(self.id, Action.RESIZE, arguments={"flavor_id": self.before})
            await act.settle(at, self.id, what=Action.RESIZE, goal=(ServerState.RESIZED,))
            await at.cloud.act(self.id, Action.CONFIRM_RESIZE)
            await act.settle(at, self.id, what=Action.CONFIRM_RESIZE, goal=AT_REST)


class Move(Step, frozen=True, kw_only=True):
    """Move a server to another host."""

    kind: ClassVar[str] = "server.move"
    action: ClassVar[str] = "PREPARING"
    requires: ClassVar[frozenset[Capability]] = frozenset({Capability.MIGRATION})

    id: str
    live: bool

    async def do(self, at: Context) -> Outputs:
        """Begin it."""
        await at.cloud.move(self.id, live=self.live)
        return {"id": self.id, "entry": {"id": self.id}}

    async def find(self, at: Context) -> Outputs | None:
        """Tell by the server's state whether it is under way; a server that was moved may be moved once more."""
        server = await at.cloud.server(self.id)
        return {"id": self.id, "entry": {"id": self.id}} if _is_begun(server) else None


def _is_begun(server: cloud.Server) -> bool:
    """Tell whether a server is being moved or resized, or waits for the confirmation of that."""
    if server.activity is None:
        return server.state is ServerState.RESIZED
    return server.activity in AT_WORK
