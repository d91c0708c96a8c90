"""The journal of a task: its items and events as they change, handed to the store as they happen."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import msgspec

from enamel.flow import task_log
from enamel.flow.plan import Group, Node, Plan, label
from enamel.flow.task_view import seen
from enamel.model import errors, item, problem, redaction, task
from enamel.model.errors import LeaseLost
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import Task

_LONGEST_NAME = 64


class Saver(Protocol):
    """Whoever writes for a worker: all that waits in one transaction, fenced by the worker's lease."""

    def save(
        self, task: Task | None, *, items: Sequence[Item] = (), events: Sequence[Event] = ()
    ) -> Awaitable[None]:
        """Write a change, in the order of the calls.

        The awaitable raises LeaseLost when the worker's lease is over, and any other error when the write is refused.
        """

    def alive(self) -> bool:
        """Tell whether the worker's lease holds by its own clock."""


class JournalBroken(Exception):
    """A write about a task was refused: what is stored of it is not what happened, and nothing may be built on it."""


class TaskJournal:
    """The record of one task while this worker has it: nobody else writes its items and events."""

    def __init__(
        self,
        task: Task,
        items: Sequence[Item],
        *,
        saver: Saver,
        now: Callable[[], datetime],
        broken: Callable[[JournalBroken], None] = lambda _error: None,
    ) -> None:
        """Take up the record.

        Args:
            task: The task.
            items: Its items.
            saver: Writes what changes.
            now: The time.
            broken: Called once, if a write that nobody awaits is refused.

        """
        self.task = task
        self.items = {step.name: step for step in items}
        self.groups: Mapping[str, Group] = {}
        """The groups of the plan, as soon as it is read."""
        self._saver = saver
        self._now = now
        self._on_broken = broken
        self._broken: JournalBroken | None = None

    # -- how it is written

    def change(self, name: str, **fields: Any) -> Item:
        """Change an item and return it; `save` writes it."""
        self.items[name] = msgspec.structs.replace(self.items[name], **fields)
        return self.items[name]

    def event(self, type: str, name: str | None = None, /, **data: Any) -> Event:
        """Return the task's next event; `save` writes it."""
        seq = self.task.events + 1
        self.task = msgspec.structs.replace(self.task, events=seq)
        known = {key: _told(value) for key, value in data.items() if value is not None}
        return Event(task=self.task.id, seq=seq, time=self._now(), type=type, item=name, data=known)

    def item_event(self, type: str, node: Node, **data: Any) -> Event:
        """Return the task's next event, about a step."""
        return self.event(type, node.name, action=node.action, **self.label(node.group), **data)

    def label(self, group: str | None) -> dict[str, str]:
        """Return what events call a group: `server` where it is one."""
        return label(self.groups[group]) if group is not None and group in self.groups else {}

    def save(
        self, *events: Event, items: Sequence[Item] = (), with_task: bool = False
    ) -> asyncio.Future[None]:
        """Write events, items and the task; await it only where what follows must not happen before.

        The future fails with LeaseLost, or with JournalBroken where this write or an earlier one was refused.
        """
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._broken is not None:
            outcome.set_exception(self._broken)
            outcome.exception()
            return outcome
        for event in events:
            task_log.write(self.task, event)
        written = asyncio.ensure_future(
            self._saver.save(self.task if with_task else None, items=items, events=events)
        )
        written.add_done_callback(partial(self._written, outcome))
        return outcome

    def _written(self, outcome: asyncio.Future[None], written: asyncio.Future[None]) -> None:
        """Pass on how a write ended. Most are not awaited: what went wrong is noticed here, whoever waits or not."""
        error = None if written.cancelled() else written.exception()
        if error is not None and not isinstance(error, LeaseLost):
            if self._broken is None:
                self._broken = JournalBroken(f"A write about task {self.task.id} was refused.")
                self._broken.__cause__ = error
                self._on_broken(self._broken)
            error = self._broken
        if outcome.done():
            return
        if error is None:
            outcome.set_result(None)
        else:
            outcome.set_exception(error)
            # A lease that is lost shows at the next write that is awaited.
            outcome.exception()

    def tell(self, type: str, name: str | None, data: dict[str, Any]) -> None:
        """Put an event on the timeline."""
        self.save(self.event(type, name, **data))

    def note(self, name: str, text: str) -> None:
        """Leave a sentence in a step's item."""
        text = redaction.blank(text)
        before = self.items[name].note
        self.change(name, note=f"{before} {text}".strip() if text not in before else before)

    # -- the task

    async def claimed(self) -> None:
        """Record that this worker has the task."""
        data = {"worker": self.task.worker, "attempt": self.task.attempt}
        await self.save(self.event("task.claimed" if self.task.attempt <= 1 else "task.resumed", **data))

    async def reverting(self, why: errors.EnamelError, *, step: str | None) -> None:
        """Record that the task undoes what it has made, and why."""
        if self.task.reverting:
            return
        error = problem.of(why, step=step)
        self.task = msgspec.structs.replace(self.task, reverting=True, error=error)
        await self.save(self.event("task.reverting", code=error.code, detail=error.detail), with_task=True)

    async def ended(self, plan: Plan, state: task.State, *, error: problem.Problem | None) -> None:
        """Write the end of the task: its last event, and the view of it; what has not ended never will."""
        unended = [
            self.change(name, state=item.State.ABORTED)
            for name, step in self.items.items()
            if step.state in item.OPEN
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
        await self.save(self.event(f"task.{state.value.lower()}", **data), items=unended, with_task=True)

    def not_tried(self, name: str, why: errors.EnamelError) -> None:
        """Record that a step never begins, and why."""
        self.save(items=[self.change(name, state=item.State.ABORTED, error=problem.of(why, step=name))])

    async def handed_over(self) -> None:
        """Give the task back to its topic."""
        self.task = msgspec.structs.replace(
            self.task, state=task.State.WAITING, worker=None, released_at=self._now()
        )
        await self.save(with_task=True)

    def resumed(self, names: Sequence[str]) -> None:
        """Record that steps which were broken off begin again."""
        if names:
            self.save(items=[self.change(name, state=item.State.WAITING, ended_at=None) for name in names])

    # -- its groups

    def group_failed(self, group: str, error: errors.EnamelError) -> None:
        """Record that a group could not be made."""
        data = {"code": error.code, "detail": error.detail}
        self.save(self._group_event(group, "failed", **data))

    async def next_zone(self, group: str, *, to: int, reset: Sequence[str]) -> None:
        """Record that a group is tried in its next placement, and take its steps back to their beginning."""
        self._move(group, to=to)
        changed = [
            self.change(name, state=item.State.WAITING, outputs={}, error=None, uncertain=False)
            for name in reset
        ]
        await self.save(self._moved_on(group), items=changed, with_task=True)

    async def next_cloud(
        self, group: str, *, to: int, leave: Sequence[str], wake: Sequence[Node], why: str
    ) -> None:
        """Record that a group is tried on another cloud: its steps so far are left behind, others begin."""
        self._move(group, to=to)
        changed = self._left_behind(leave, why)
        for node in wake:
            # The group may have been on this cloud before, and have found no room.
            self.items[node.name] = Item(
                task=self.task.id, name=node.name, kind=node.kind, action=node.action, group=node.group
            )
            changed.append(self.items[node.name])
        await self.save(self._moved_on(group, detail=why), items=changed, with_task=True)

    async def left_behind(self, names: Sequence[str], why: str) -> None:
        """Record that steps which served several groups serve none any more."""
        await self.save(items=self._left_behind(names, why))

    def _left_behind(self, names: Sequence[str], why: str) -> list[Item]:
        return [
            self.change(
                name,
                state=item.State.REVERTED,
                outputs={"left_behind": True},
                error=None,
                uncertain=False,
                note=f"{self.items[name].note} Left behind: {why}".strip(),
            )
            for name in names
        ]

    def _move(self, group: str, *, to: int) -> None:
        self.task = msgspec.structs.replace(self.task, groups={**self.task.groups, group: to})

    def _moved_on(self, group: str, **data: Any) -> Event:
        placement = self.groups[group].alternatives[self.task.groups[group]].get("placement")
        return self._group_event(group, "moved_on", placement=placement, **data)

    def _group_event(self, group: str, what: str, **data: Any) -> Event:
        [family] = self.label(group)
        return self.event(f"{family}.{what}", **self.label(group), **data)


def _told(value: Any) -> Any:
    """Return what an event says of something; in sentences, not in names and ids, the task's secrets are blanked."""
    if isinstance(value, str):
        return redaction.blank(value) if " " in value or len(value) > _LONGEST_NAME else value
    if isinstance(value, dict):
        return {key: _told(inner) for key, inner in value.items()}
    return [*map(_told, value)] if isinstance(value, list | tuple) else value
