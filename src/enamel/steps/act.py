"""Steps that carry out an action on an existing server and wait until the cloud has finished it."""

import contextlib
from datetime import timedelta
from typing import Any, ClassVar

from msgspec import field

from enamel.model import cloud
from enamel.model.action import Action
from enamel.model.errors import ActionFailed, CloudConflict, CloudRefused, EnamelError, Gone, StepTimedOut
from enamel.model.states import ServerActivity, ServerState
from enamel.steps import server as servers
from enamel.steps.step import Context, Outputs, Step, insist

_SOON = timedelta(seconds=0.5)
LOST_AFTER = (2.0, 5.0)
"""Seconds after which an action that had no effect is asked for once more, and then once more."""
UNTOUCHED = {Action.CONFIRM_RESIZE: ServerState.RESIZED}
"""For actions that show no activity until they are done: the state that tells nothing meanwhile."""


class Act(Step, frozen=True, kw_only=True):
    """Carry out an action on a server, and wait for its goal if it has one."""

    kind: ClassVar[str] = "server.act"
    action: ClassVar[str] = "ACTING"
    timeout: ClassVar[timedelta] = timedelta(minutes=15)

    id: str
    what: Action
    arguments: dict[str, Any] = field(default_factory=dict)
    goal: tuple[ServerState, ...] = ()
    """The states that mean that it is done; where none is given, the cloud's answer is the end of it."""
    tells: bool = True
    """Whether the goal differs from the state before, so that the server's state shows whether it was done."""
    proof: bool = False
    """Whether only the cloud's own record tells that it failed."""

    def timeout_error(self, seconds: float) -> EnamelError:
        """Return the error that names the action."""
        return StepTimedOut(f"{self.what.value} of server {self.id} did not end within {seconds:.0f} s.")

    async def do(self, at: Context) -> Outputs:
        """Begin it, and wait; what the cloud has accepted and lost is asked for again."""
        if self.what in UNTOUCHED:
            server = await insist(at, lambda: self._begin(at), lambda: self._settle(at))
            return await self._outputs(at, server)
        await self._begin(at)
        for pause in LOST_AFTER:
            try:
                return await self._rest(at)
            except ActionFailed:
                if not await self._is_lost(at):
                    raise
            at.note("It was asked for again: the cloud had accepted it, and nothing happened.")
            await at.sleep(pause)
            with contextlib.suppress(CloudConflict, CloudRefused):
                # A refusal may mean that the first request has been carried out after all.
                await self._begin(at)
        return await self._rest(at)

    async def _is_lost(self, at: Context) -> bool:
        """Tell whether the cloud has done nothing, as far as its own record shows."""
        history = await at.cloud.server_history(self.id)
        return self.tells and bool(history) and not history[0].failed

    async def find(self, at: Context) -> Outputs | None:
        """Tell by the server's state whether it was begun; what leaves no trace is harmless when done twice."""
        if not self.goal:
            return None
        server = await at.cloud.server(self.id)
        if server.activity is None and not (self.tells and server.state in self.goal):
            return None
        return await self._rest(at)

    async def _begin(self, at: Context) -> None:
        await at.cloud.act(self.id, self.what, arguments=self.arguments)

    async def _settle(self, at: Context) -> cloud.Server:
        return await settle(at, self.id, what=self.what, goal=self.goal, proof=self.proof)

    async def _rest(self, at: Context) -> Outputs:
        return await self._outputs(at, await self._settle(at) if self.goal else None)

    async def _outputs(self, at: Context, server: cloud.Server | None) -> Outputs:
        shown = await servers.seen(at, server) if server is not None else {}
        return {"id": self.id, "entry": {"id": self.id, **shown}}


class Settle(Step, frozen=True, kw_only=True):
    """Wait until the cloud has finished an action on a server."""

    kind: ClassVar[str] = "server.settle"
    action: ClassVar[str] = "WAITING"
    repeatable: ClassVar[bool] = True
    waits: ClassVar[bool] = True
    calls: ClassVar[int] = 0
    waits_for: ClassVar[str] = "id"
    timeout: ClassVar[timedelta] = timedelta(hours=1)

    id: str
    what: Action
    goal: tuple[ServerState, ...]
    proof: bool = False

    def timeout_error(self, seconds: float) -> EnamelError:
        """Return the error that names the action."""
        return StepTimedOut(f"{self.what.value} of server {self.id} did not end within {seconds:.0f} s.")

    async def do(self, at: Context) -> Outputs:
        """Wait for it."""
        server = await settle(at, self.id, what=self.what, goal=self.goal, proof=self.proof)
        return {
            "id": self.id,
            "entry": {"id": self.id, **await servers.seen(at, server)},
        }


class Pass(Step, frozen=True, kw_only=True):
    """Wait until a server has left a stage of an action, so that people see the progress."""

    kind: ClassVar[str] = "server.pass"
    action: ClassVar[str] = "WAITING"
    repeatable: ClassVar[bool] = True
    waits: ClassVar[bool] = True
    calls: ClassVar[int] = 0
    waits_for: ClassVar[str] = "id"
    timeout: ClassVar[timedelta] = timedelta(hours=1)

    id: str
    stages: tuple[ServerActivity, ...]
    """What the cloud does up to the end of the stage; one that ends before the first poll counts as ended."""

    async def do(self, at: Context) -> Outputs:
        """Wait for it; the next step reports failures."""

        def passed(server: cloud.Server | None) -> bool:
            return server is None or server.activity not in self.stages

        await at.cloud.servers.until(self.id, passed, due=_SOON)
        return {"id": self.id, "entry": {"id": self.id}}


async def settle(
    at: Context, id: str, *, what: Action, goal: tuple[ServerState, ...], proof: bool = False
) -> cloud.Server:
    """Return a server as soon as the cloud has finished with it, in one of the goal's states.

    Raises:
        Gone: Somebody has deleted it.
        ServerFailed, NoValidHost, QuotaExceeded, ActionFailed: The action ended in another state.
    """

    def rests(server: cloud.Server | None) -> bool:
        if server is None or server.state is ServerState.DELETED:
            return True
        return server.activity is None and server.state is not UNTOUCHED.get(what)

    reached = await at.cloud.servers.until(id, rests, due=_SOON)
    if reached is None or reached.state is ServerState.DELETED:
        raise Gone(f"Server {id} was deleted by somebody meanwhile.", cloud=at.cloud.name)
    if reached.state is ServerState.ERROR and ServerState.ERROR not in goal:
        raise await servers.explained(at, reached)
    if reached.state not in goal:
        raise await failed(at, reached, what=what)
    if proof:
        # An action that ends in the state where it began shows its failure only in the cloud's own record.
        history = await at.cloud.server_history(id)
        if history and history[0].failed:
            raise await failed(at, reached, what=what)
    return reached


async def failed(at: Context, server: cloud.Server, *, what: Action) -> ActionFailed:
    """Return the error that says why an action has not led a server where it should have."""
    return ActionFailed(
        f"{what.value} of server '{server.name}' failed: {await why_failed(at, server.id)}. "
        f"Its state is {server.state.value}.",
        cloud=at.cloud.name,
    )


async def why_failed(at: Context, server_id: str) -> str:
    """Return why the newest failed action on a server failed, as part of a sentence."""
    failure = await at.cloud.why_failed(server_id)
    return (failure.text.rstrip(".") if failure else "") or "the cloud gives no reason"
