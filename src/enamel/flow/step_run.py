"""One step of a task, from its start to its end and back: the life of an item, in the order in which it happens.

    WAITING ─ start ─ RUNNING ─┬─ complete ─ COMPLETED ─┐
                 ▲             ├─ fail ───── ABORTED, TIMED_OUT ─┤─ undo ─ REVERTED
                 └─── retry ───┤                        │
                               └─ stop ───── WAITING (for another worker), ABORTED

A step is journaled as started before it acts. One that may have had its effect, although nobody knows, is looked up
before it is done again.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog

from enamel.clouds.calls import context, record
from enamel.flow.halt import Halt
from enamel.flow.journal import TaskJournal
from enamel.flow.plan import Node
from enamel.flow.runtime import Runtime
from enamel.flow.step_context import StepBuilder
from enamel.model import errors, item, problem
from enamel.model.call_context import Lane
from enamel.model.errors import EnamelError, LeaseLost
from enamel.model.item import Call, Item
from enamel.steps import KINDS
from enamel.steps.step import Context, Outputs, Retry, Step

log = structlog.get_logger(__name__)

SETTLE = 2.0
"""Seconds that a cloud may need until the effect of a request that broke off shows in its lists."""
UNDO_RETRY = Retry(maximum_attempts=12, maximum_interval=timedelta(seconds=15))
"""Undoing is tried long: what was in use a moment ago is free a moment later."""
UNDO_TIMEOUT = timedelta(minutes=10)
"""Time for undoing one step once."""

_UNDONE = frozenset({item.State.WAITING, item.State.REVERTED})
_FAILED = frozenset({item.State.ABORTED, item.State.TIMED_OUT})
_UNCERTAIN = errors.OutcomeUnknown | errors.StepTimedOut
_FINAL_FOR_UNDO = errors.CloudForbidden | errors.CloudUnauthorized | errors.PlanUnreadable


class BrokenOff(Exception):
    """A step stopped between two attempts, because the task is handed over."""


class StepRun:
    """One step of a task while this worker carries the task out."""

    def __init__(
        self, node: Node, *, journal: TaskJournal, builder: StepBuilder, tools: Runtime, halt: Halt
    ) -> None:
        self._node = node
        self._journal = journal
        self._builder = builder
        self._tools = tools
        self._halt = halt

    @property
    def _item(self) -> Item:
        return self._journal.items[self._node.name]

    def _change(self, calls: Sequence[Call] = (), **fields: Any) -> Item:
        return self._journal.change(self._node.name, calls=(*self._item.calls, *calls), **fields)

    # -- forward

    async def carry_out(self) -> None:
        """Try the step as often as its policy allows.

        Raises:
            EnamelError: It failed for good; this is journaled.
            BrokenOff, CancelledError: It was stopped.
        """
        uncertain, attempt = self._item.uncertain, 0
        while True:
            attempt += 1
            await self._start()
            with record.calls() as calls:
                try:
                    outputs = await self._attempt(uncertain=uncertain)
                except asyncio.CancelledError:
                    # What is dropped in the middle stays RUNNING: nobody knows how it ended.
                    if not self._halt.abandoned:
                        # A call may have been under way.
                        uncertain = KINDS[self._node.kind].undoable
                        self._stop(calls, again=self._halt.handing_over, uncertain=uncertain)
                    raise
                except LeaseLost:
                    raise
                except EnamelError as exc:
                    error = exc
                except Exception as exc:
                    error = self._broken(exc)
                else:
                    self._complete(outputs, calls)
                    return
            uncertain = uncertain or isinstance(error, _UNCERTAIN)
            if self._may_retry(error, attempt=attempt):
                await self._retry(error, calls, attempt=attempt, uncertain=uncertain)
                if self._halt.handing_over:
                    self._stop((), again=True, uncertain=uncertain)
                    raise BrokenOff()
                if self._halt.why is None:
                    continue
                calls = []
            self._fail(error, calls, uncertain=uncertain)
            raise error

    async def _start(self) -> None:
        """Journal that the step begins: from here on its effect may exist. Raises LeaseLost."""
        before = self._item
        changed = self._change(
            state=item.State.RUNNING,
            attempt=before.attempt + 1,
            started_at=before.started_at or self._tools.now(),
            error=None,
        )
        events = [self._journal.item_event("item.started", self._node)] if changed.attempt == 1 else []
        await self._journal.save(*events, items=[changed])
        if not self._tools.saver.alive():
            raise LeaseLost()

    async def _attempt(self, *, uncertain: bool) -> Outputs:
        """Do the step once; what an attempt may have done whose outcome is unknown is looked up first."""
        step, at = await self._builder.step(self._node), self._builder.context(self._node)
        seconds = self._node.timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                if not uncertain or step.repeatable:
                    return await step.do(at)
                return await self._find_or_do(step, at)
        except TimeoutError as exc:
            raise step.timeout_error(seconds) from exc

    async def _find_or_do(self, step: Step, at: Context) -> Outputs:
        """Return what an earlier attempt made, or do the step again where it made nothing."""
        outputs = await step.find(at)
        if outputs is None:
            # That attempt may have been a moment ago, by a worker that died since.
            await self._tools.sleep(SETTLE)
            outputs = await step.find(at)
        if outputs is not None:
            return outputs
        try:
            return await step.do(at)
        except errors.CloudConflict:
            # The earlier attempt's effect has shown up after all, and stands in the way of this one.
            outputs = await step.find(at)
            if outputs is None:
                raise
            return outputs

    def _complete(self, outputs: Outputs, calls: Sequence[Call]) -> None:
        """Journal that the step is done; it shares its commit with the steps that it lets start."""
        changed = self._change(
            calls,
            state=item.State.COMPLETED,
            ended_at=self._tools.now(),
            outputs=self._on_its_cloud(outputs),
            uncertain=False,
        )
        self._journal.save(self._journal.item_event("item.completed", self._node), items=[changed])

    def _broken(self, exc: Exception) -> EnamelError:
        """Return the error of a step that fails through a fault of Enamel's."""
        log.exception("step.broken", task=self._journal.task.id, step=self._node.name)
        return errors.TaskError(f"Internal error in step '{self._node.name}': {type(exc).__name__}.")

    def _may_retry(self, error: EnamelError, *, attempt: int) -> bool:
        final = not error.retryable or isinstance(error, errors.StepTimedOut)
        return not final and attempt < self._node.retry.maximum_attempts and self._halt.why is None

    async def _retry(
        self, error: EnamelError, calls: Sequence[Call], *, attempt: int, uncertain: bool
    ) -> None:
        """Journal that the step failed and will be tried again, and sleep until then, or until the task stops."""
        pause = max(self._node.retry.pause(attempt), float(error.data.get("retry_after") or 0))
        why = problem.of(error, step=self._node.name)
        changed = self._change(calls, error=why, uncertain=uncertain)
        data = {"code": why.code, "detail": why.detail, "attempt": changed.attempt, "pause": pause}
        self._journal.save(self._journal.event("item.retrying", self._node.name, **data), items=[changed])
        sleeping = {
            asyncio.ensure_future(self._tools.sleep(pause)),
            asyncio.ensure_future(self._halt.stopping.wait()),
        }
        try:
            await asyncio.wait(sleeping, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in sleeping:
                future.cancel()

    def _fail(self, error: EnamelError, calls: Sequence[Call], *, uncertain: bool) -> None:
        """Journal that the step failed for good."""
        why = problem.of(error, step=self._node.name)
        timed_out = isinstance(error, errors.StepTimedOut)
        changed = self._change(
            calls,
            state=item.State.TIMED_OUT if timed_out else item.State.ABORTED,
            ended_at=self._tools.now(),
            error=why,
            uncertain=uncertain,
        )
        event = self._journal.item_event("item.failed", self._node, code=why.code, detail=why.detail)
        self._journal.save(event, items=[changed])

    def _stop(self, calls: Sequence[Call], *, again: bool, uncertain: bool) -> None:
        """Journal that the step was broken off: for good, or to be begun again by another worker."""
        changed = self._change(
            calls,
            state=item.State.WAITING if again else item.State.ABORTED,
            ended_at=None if again else self._tools.now(),
            uncertain=uncertain,
        )
        self._journal.save(items=[changed])

    # -- back

    @property
    def has_effect(self) -> bool:
        """Tell whether the step has, or may have, an effect that is this task's to undo."""
        known = self._journal.items.get(self._node.name)
        if known is None:
            return False
        # What an earlier task has made and this one has taken over stays.
        taken_over = known.attempt == 0 and known.state is item.State.COMPLETED
        # A step that waits to be begun again may have had its effect before.
        begun = known.state not in _UNDONE or known.uncertain
        return KINDS[known.kind].undoable and begun and not taken_over

    async def undo(self, *, only: Sequence[int] | None = None) -> list[str]:
        """Undo the step, or the things at some places that it has made; return a sentence if that cannot be done."""
        attempt = 0
        while self.has_effect:
            attempt += 1
            with record.calls() as calls, context.in_lane(Lane.CLEAN_UP):
                try:
                    async with asyncio.timeout(UNDO_TIMEOUT.total_seconds()):
                        outputs = await self._undo_once(only=only)
                    await self._reverted(outputs, calls, only=only)
                    return []
                except LeaseLost:
                    raise
                except EnamelError as exc:
                    error = exc
                except TimeoutError:
                    error = errors.StepTimedOut(
                        f"Undoing '{self._node.name}' took longer than {UNDO_TIMEOUT.total_seconds():.0f} s."
                    )
            if isinstance(error, _FINAL_FOR_UNDO) or attempt >= UNDO_RETRY.maximum_attempts:
                name, task = self._node.name, self._journal.task.id
                log.error("step.left", task=task, step=name, error=error.detail)
                return [f"What step '{name}' made still exists: {error.detail}"]
            pause = max(UNDO_RETRY.pause(attempt), float(error.data.get("retry_after") or 0))
            await self._tools.sleep(pause)
        return []

    async def _undo_once(self, *, only: Sequence[int] | None) -> Outputs:
        """Undo the step and return its outputs."""
        before = self._item
        step, at = await self._builder.step(self._node), self._builder.context(self._node)
        outputs = before.outputs if before.state is item.State.COMPLETED else await step.find_leftovers(at)
        if outputs is None and before.uncertain:
            await self._tools.sleep(SETTLE)
            outputs = await step.find_leftovers(at)
        if outputs is not None:
            await step.undo(at, outputs, only=only)
        if only is None and before.attempt > 1:
            await step.tidy(at, outputs or step.empty_outputs)
        return outputs or {}

    async def _reverted(self, outputs: Outputs, calls: Sequence[Call], *, only: Sequence[int] | None) -> None:
        """Journal that what the step had made, or the things at some places of it, no longer exists."""
        undone = sorted({*outputs.get("undone", ()), *(only or ())})
        changed = self._change(
            calls,
            state=self._item.state if only is not None else item.State.REVERTED,
            outputs=outputs if only is None else {**outputs, "undone": undone},
            uncertain=False,
        )
        await self._journal.save(self._journal.item_event("item.reverted", self._node), items=[changed])

    async def find_kept(self) -> list[str]:
        """Record what the step has made although it failed; return a sentence where that cannot be found out."""
        known = self._item
        if known.state not in _FAILED or not KINDS[known.kind].undoable or not known.attempt:
            return []
        try:
            step = await self._builder.step(self._node)
            outputs = await step.find_leftovers(self._builder.context(self._node))
        except LeaseLost:
            raise
        except EnamelError as exc:
            return [f"Whether step '{self._node.name}' has made something is unknown: {exc.detail}"]
        if outputs is not None:
            self._journal.save(items=[self._change(outputs=self._on_its_cloud(outputs))])
        return []

    def _on_its_cloud(self, outputs: Outputs) -> Outputs:
        """Return outputs with the cloud, where that is not the task's own."""
        return outputs if self._node.cloud is None else {**outputs, "cloud": self._node.cloud}

    async def tidy(self) -> None:
        """Delete duplicates made by earlier attempts whose outcome was unknown."""
        done = self._item
        if done.attempt <= 1 or done.state is not item.State.COMPLETED:
            return
        try:
            step = await self._builder.step(self._node)
            if step.undoable and not step.repeatable:
                await step.tidy(self._builder.context(self._node), done.outputs)
        except LeaseLost:
            raise
        except EnamelError as exc:
            log.warning("step.untidy", task=self._journal.task.id, step=self._node.name, error=exc.detail)
