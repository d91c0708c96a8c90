"""Scheduled reverts: a revert that a `ttl` has scheduled is planned when it starts, not before."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import structlog

from enamel.commands.task import revert
from enamel.flow import plan as plans
from enamel.flow.plan import Plan
from enamel.model import task
from enamel.model.errors import NotFound, WrongState
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.store import items as items_store
from enamel.store import tasks
from enamel.store.lease import Lease

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Runner(Protocol):
    """Carries out what is planned."""

    async def run(self, task: Task, items: Sequence[Item], /) -> None:
        """Carry a task out."""

    def cancel(self, id: str, /) -> None:
        """Stop a task and undo what it has made."""

    def hand_over(self, id: str, /) -> None:
        """Stop a task where another worker can continue it."""


class ScheduledRevertPlanner:
    """A runner that plans tasks without a plan, and passes all tasks to another runner."""

    def __init__(
        self, runner: Runner, *, lease: Lease, poll_interval: timedelta = timedelta(seconds=1)
    ) -> None:
        self._runner = runner
        self._lease = lease
        self._poll_interval = poll_interval.total_seconds()

    async def run(self, scheduled: Task, items: Sequence[Item], /) -> None:
        """Carry a task out, planned or not.

        Raises:
            LeaseLost: Another worker has the task now.
        """
        if not scheduled.plan:
            scheduled, items = await self._planned(scheduled)
        await self._runner.run(scheduled, items)

    def cancel(self, id: str, /) -> None:
        """Stop a task and undo what it has made."""
        self._runner.cancel(id)

    def hand_over(self, id: str, /) -> None:
        """Stop a task where another worker can continue it."""
        self._runner.hand_over(id)

    async def _planned(self, scheduled: Task) -> tuple[Task, tuple[Item, ...]]:
        """Plan a scheduled revert and store the plan; if nothing is left to undo, the plan is empty."""
        plan = await self._revert(scheduled)
        steps = tuple(
            Item(task=scheduled.id, name=node.name, kind=node.kind, action=node.action, group=node.group)
            for node in plan.nodes
        )
        return await self._lease.run(tasks.replan, scheduled.id, plan=plans.data(plan), steps=steps), steps

    async def _revert(self, scheduled: Task) -> Plan:
        old = await self._ended(scheduled.parent or "")
        if old is None:
            return Plan(on_failure="keep")
        steps = await self._lease.store.read(items_store.list, old.id)
        try:
            return revert.undo(old, steps)
        except WrongState as exc:
            log.info("revert.needless", task=scheduled.id, of=old.id, why=exc.detail)
            return Plan(on_failure="keep")

    async def _ended(self, id: str) -> Task | None:
        """Cancel the task whose time to live is over, and return it when it has ended; None if it was forgotten."""
        asked = False
        while True:
            try:
                old = await self._lease.store.read(tasks.get, id)
                if old.state in task.ENDED:
                    return old
                if not asked:
                    await self._lease.run(tasks.request_cancel, id)
                    asked = True
            except (NotFound, WrongState) as exc:
                if isinstance(exc, NotFound):
                    return None
            await asyncio.sleep(self._poll_interval)
