"""Signals: messages from outside for which the steps of a task wait."""

from typing import Any

import msgspec
from msgspec import Struct

from enamel.dispatch import base
from enamel.dispatch.hint import Stage
from enamel.model import ids, item, signal, task
from enamel.model.call_context import CallContext
from enamel.model.errors import BodyTooLarge, NotFound, WrongState
from enamel.model.signal import Signal
from enamel.model.task import Task
from enamel.service.access import policy
from enamel.service.tasks import idempotency
from enamel.service.tasks.read import Read
from enamel.service.validation import body
from enamel.steps.signal import AwaitSignal
from enamel.store import engine, items, signals, tasks
from enamel.store.transaction import Tx


class SignalRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message for a step of a task."""

    data: Any = None
    """What the output of the step is to contain, at most 64 KiB as JSON; not the place for a secret."""


class Signals:
    """Receives messages for tasks."""

    def __init__(self, store: engine.Store, *, dispatch: base.Dispatch, read: Read) -> None:
        self._store = store
        self._dispatch = dispatch
        self._read = read

    async def send(
        self,
        ctx: CallContext,
        id: str,
        name: str,
        data: Any,
        *,
        cloud: str | None = None,
        idempotency_key: str | None = None,
    ) -> tuple[Signal, bool]:
        """Keep a message for the step of a task that waits for it, or will; True if this is an earlier answer.

        It is stored before this returns, and outlives every worker.

        Raises:
            Invalid: The body has faults.
            NotFound: There is no such task, it belongs to another project, or no step of it waits for that name.
            WrongState: The task or the step has ended, or has all the messages for which it waits.
            BodyTooLarge: The message is too long.
            KeyReused: The idempotency key belongs to another request.
        """
        policy.enforce(ctx, "enamel:task:signal")
        message_data = body.read(data, SignalRequest).data
        text = msgspec.json.encode([id, name, message_data], order="deterministic")
        if len(text) > signal.LARGEST:
            raise BodyTooLarge(f"A message may have {signal.LARGEST:,} bytes; this one has {len(text):,}.")
        checked = await self._read.id_of(ctx, id, cloud=cloud)
        key = idempotency.of(self._store, idempotency_key, caller=ctx.caller)

        def act(tx: Tx) -> tuple[Signal, Task, bool]:
            earlier = key.reserve_in(tx, b"task.signal " + text) if key else None
            owner = tasks.lock(tx, checked, project_id=ctx.caller.project_id)
            if earlier is not None:
                return msgspec.convert(earlier.body, Signal), owner, True
            message = Signal(
                id=ids.new_id(),
                task=owner.id,
                project_id=owner.project_id,
                name=name,
                data=message_data,
                received_at=self._store.now(),
            )
            _check(tx, owner, name)
            signals.insert(tx, message)
            if key is not None:
                key.answer(tx, status=202, body=msgspec.to_builtins(message))
            return message, owner, False

        message, owner, replayed = await self._store.run(act)
        await self._dispatch.publish(owner.type, task=owner.id, stage=Stage.ASKED)
        return message, replayed


def _check(tx: Tx, owner: Task, name: str) -> None:
    """Make sure that a step of a task waits for one more message of a name, or will. Raises NotFound, WrongState."""
    if owner.state in task.ENDED:
        raise WrongState(f"Task {owner.id} has ended: it is {owner.state.value}.", state=owner.state.value)
    states = {step.name: step.state for step in items.list(tx, owner.id)}
    counts = {
        node["name"]: node["inputs"].get("count", 1)
        for node in owner.plan.get("nodes", ())
        if node["kind"] == AwaitSignal.kind and node["inputs"].get("name") == name
    }
    """How many messages each step of that name waits for; name and number are literals."""
    if not counts:
        raise NotFound(f"No step of task {owner.id} waits for a message '{name[:64]}'.")
    # A step without an item is for a server that may come to its cloud later.
    waiting = [count for step, count in counts.items() if states.get(step, item.State.WAITING) in item.OPEN]
    if len(signals.list(tx, owner.id, name)) >= max(waiting, default=0):
        raise WrongState(
            f"Task {owner.id} waits for no more messages '{name}': all have arrived, or its step has ended."
        )
