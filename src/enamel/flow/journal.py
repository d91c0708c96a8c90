"""The journal of a task: its items and events as they change, handed to the store as they happen."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from enamel.flow.plan import Node, Plan
from enamel.flow.task_view import seen
from enamel.model import errors, item, problem, task
from enamel.model.event import Event
from enamel.model.item import Call, Item
from enamel.model.task import Task
from enamel.steps.step import Outputs


class Saver(Protocol):
    """Whoever writes for a worker: all that waits in one transaction, fenced by the worker's lease."""

    def save(
        self, task: Task | None, *, items: Sequence[Item] = (), events: Sequence[Event] = ()
    ) -> Awaitable[None]:
        """Write a change; the awaitable raises LeaseLost when the worker's lease is over."""

    def alive(self) -> bool:
        """Tell whether the worker's lease holds by its own clock."""


class TaskJournal:
    """The record of one task while this worker has it: nobody else writes its items and events."""

    def __init__(
        self,
        found: Task,
        items: Sequence[Item],
        *,
        saver: Saver,
        now: Callable[[], datetime],
    ) -> None:
        self.task = found
        self.items = {one.name: one for one in items}
        self._saver = saver
        self._now = now

    # -- the task

    async def claimed(self) -> None:
        """Say that this worker has the task now."""
        data = {"worker": self.task.worker, "attempt": self.task.attempt}
        await self._save(self._event("task.claimed" if self.task.attempt <= 1 else "task.resumed", **data))

    async def reverting(self, why: errors.EnamelError, *, step: str | None) -> None:
        """Say that the task undoes what it has made, and why."""
        if self.task.reverting:
            return
        error = problem.of(why, step=step)
        self.task = msgspec.structs.replace(self.task, reverting=True, error=error)
        await self._save(self._event("task.reverting", code=error.code, detail=error.detail), with_task=True)

    async def ended(self, plan: Plan, state: task.State, *, error: problem.Problem | None) -> None:
        """Write the end of the task: its last event, and the view of it; what has not ended never will."""
        unended = [
            self._change(name, state=item.State.ABORTED)
            for name, one in self.items.items()
            if one.state in item.OPEN
        ]
        self.task = seen(
            msgspec.structs.replace(
                self.task, state=state, ended_at=self._now(), reverting=False, error=error, reserves={}
            ),
            list(self.items.values()),
            plan,
        )
        data: dict[str, Any] = {"calls": self.task.calls}
        if error is not None:
            data |= {"code": error.code, "detail": error.detail}
        await self._save(self._event(f"task.{state.value.lower()}", **data), items=unended, with_task=True)

    async def handed_over(self) -> None:
        """Give the task back to its topic."""
        self.task = msgspec.structs.replace(self.task, state=task.State.WAITING, worker=None)
        await self._save(with_task=True)

    async def moved_on(self, group: str, *, to: int, where: dict[str, Any], reset: Sequence[str]) -> None:
        """Say that a server is tried in its next placement, and take its steps back to their beginning."""
        self.task = msgspec.structs.replace(self.task, groups={**self.task.groups, group: to})
        changed = [
            self._change(name, state=item.State.WAITING, outputs={}, error=None, uncertain=False)
            for name in reset
        ]
        event = self._event("server.moved_on", server=group, placement=where.get("placement"))
        await self._save(event, items=changed, with_task=True)

    async def crossed(
        self,
        group: str,
        *,
        to: int,
        where: dict[str, Any],
        leave: Sequence[str],
        wake: Sequence[Node],
        why: str,
    ) -> None:
        """Say that a server is tried on another cloud: what was done for it is left behind, other steps begin."""
        self.task = msgspec.structs.replace(self.task, groups={**self.task.groups, group: to})
        changed = self.leave(leave, why)
        for node in wake:
            # It may have been there before, and have found no room.
            self.items[node.name] = Item(
                task=self.task.id, name=node.name, kind=node.kind, action=node.action, group=node.group
            )
            changed.append(self.items[node.name])
        event = self._event("server.moved_on", server=group, placement=where.get("placement"), detail=why)
        await self._save(event, items=changed, with_task=True)

    def leave(self, names: Sequence[str], why: str) -> list[Item]:
        """Take steps out of account whose servers have moved on to another cloud."""
        return [
            self._change(
                name,
                state=item.State.REVERTED,
                outputs={"left_behind": True},
                error=None,
                uncertain=False,
                note=f"{self.items[name].note} Left behind: {why}".strip(),
            )
            for name in names
        ]

    async def left(self, names: Sequence[str], why: str) -> None:
        """Say that steps which served several servers serve none any more."""
        await self._save(items=self.leave(names, why))

    def tell(self, type: str, name: str | None, data: dict[str, Any]) -> None:
        """Put an event on the timeline."""
        self._save(self._event(type, name, **data))

    # -- its items

    async def started(self, node: Node) -> None:
        """Journal that a step begins: from here on its effect may exist."""
        before = self.items[node.name]
        one = self._change(
            node.name,
            state=item.State.RUNNING,
            attempt=before.attempt + 1,
            started_at=before.started_at or self._now(),
            error=None,
        )
        events = (
            [self._event("item.started", node.name, action=node.action, server=node.group)]
            if one.attempt == 1
            else []
        )
        await self._save(*events, items=[one])

    def completed(self, node: Node, outputs: Outputs, *, calls: Sequence[Call]) -> Awaitable[None]:
        """Journal that a step is done; it shares its commit with the steps that it lets start."""
        one = self._change(
            node.name,
            state=item.State.COMPLETED,
            ended_at=self._now(),
            outputs=outputs if node.cloud is None else {**outputs, "cloud": node.cloud},
            uncertain=False,
            calls=self._calls(node.name, calls),
        )
        return self._save(
            self._event("item.completed", node.name, action=node.action, server=node.group), items=[one]
        )

    def retrying(
        self, node: Node, error: errors.EnamelError, *, calls: Sequence[Call], uncertain: bool, pause: float
    ) -> Awaitable[None]:
        """Journal that a step failed and will be tried again."""
        told = problem.of(error, step=node.name)
        one = self._change(node.name, error=told, uncertain=uncertain, calls=self._calls(node.name, calls))
        event = self._event(
            "item.retrying", node.name, code=told.code, detail=told.detail, attempt=one.attempt, pause=pause
        )
        return self._save(event, items=[one])

    def failed(
        self, node: Node, error: errors.EnamelError, *, calls: Sequence[Call], uncertain: bool
    ) -> Awaitable[None]:
        """Journal that a step failed for good."""
        told = problem.of(error, step=node.name)
        timed_out = isinstance(error, errors.StepTimedOut)
        one = self._change(
            node.name,
            state=item.State.TIMED_OUT if timed_out else item.State.ABORTED,
            ended_at=self._now(),
            error=told,
            uncertain=uncertain,
            calls=self._calls(node.name, calls),
        )
        event = self._event(
            "item.failed",
            node.name,
            action=node.action,
            server=node.group,
            code=told.code,
            detail=told.detail,
        )
        return self._save(event, items=[one])

    def stopped(
        self, node: Node, *, calls: Sequence[Call], again: bool, uncertain: bool = False
    ) -> Awaitable[None]:
        """Journal that a step was broken off: for good, or to be begun again by another worker."""
        one = self._change(
            node.name,
            state=item.State.WAITING if again else item.State.ABORTED,
            ended_at=None if again else self._now(),
            uncertain=uncertain,
            calls=self._calls(node.name, calls),
        )
        return self._save(items=[one])

    def again(self, names: Sequence[str]) -> Awaitable[None]:
        """Journal that steps which were broken off are to be begun again."""
        return self._save(
            items=[self._change(name, state=item.State.WAITING, ended_at=None) for name in names]
        )

    def reverted(
        self, node: Node, *, calls: Sequence[Call], only: Sequence[int] | None, outputs: Outputs
    ) -> Awaitable[None]:
        """Journal that what a step had made, or the things at some places of it, is gone again."""
        undone = sorted({*outputs.get("undone", ()), *(only or ())})
        one = self._change(
            node.name,
            state=self.items[node.name].state if only is not None else item.State.REVERTED,
            outputs=outputs if only is None else {**outputs, "undone": undone},
            calls=self._calls(node.name, calls),
            uncertain=False,
        )
        event = self._event("item.reverted", node.name, action=node.action, server=node.group)
        return self._save(event, items=[one])

    def note(self, node: Node, text: str) -> None:
        """Leave a sentence in a step's item."""
        before = self.items[node.name].note
        self._change(node.name, note=f"{before} {text}".strip() if text not in before else before)

    # -- how it is written

    def _calls(self, name: str, more: Sequence[Call]) -> tuple[Call, ...]:
        return (*self.items[name].calls, *more)

    def _change(self, name: str, **fields: Any) -> Item:
        one = msgspec.structs.replace(self.items[name], **fields)
        self.items[name] = one
        return one

    def _event(self, type: str, name: str | None = None, /, **data: Any) -> Event:
        seq = self.task.events + 1
        self.task = msgspec.structs.replace(self.task, events=seq)
        shown = {key: value for key, value in data.items() if value is not None}
        return Event(task=self.task.id, seq=seq, time=self._now(), type=type, item=name, data=shown)

    def _save(
        self, *events: Event, items: Sequence[Item] = (), with_task: bool = False
    ) -> asyncio.Future[None]:
        written = asyncio.ensure_future(
            self._saver.save(self.task if with_task else None, items=items, events=events)
        )
        # Most writes are not awaited: a lease that is lost shows at the next one that is.
        written.add_done_callback(_seen)
        return written


def _seen(written: asyncio.Future[None]) -> None:
    if not written.cancelled():
        written.exception()
