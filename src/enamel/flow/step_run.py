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
from typing import Any

import structlog

from enamel.clouds.calls import context, record
from enamel.flow import leftover, undo_order
from enamel.flow.halt import Halt
from enamel.flow.journal import TaskJournal
from enamel.flow.plan import Node
from enamel.flow.runtime import Runtime
from enamel.flow.step_context import StepBuilder
from enamel.model import errors, item, problem, redaction
from enamel.model.call_context import Lane
from enamel.model.errors import EnamelError, LeaseLost
from enamel.model.item import Call, Item
from enamel.steps import KINDS
from enamel.steps.step import UNDO, UNDO_TIMEOUT, Context, Outputs, Step

log = structlog.get_logger(__name__)

SETTLE = 2.0
"""Seconds that a cloud may need until the effect of a request that broke off shows in its lists."""

_UNDONE = frozenset({item.State.WAITING, item.State.REVERTED})
_FAILED = frozenset({item.State.ABORTED, item.State.TIMED_OUT})
_UNCERTAIN = errors.OutcomeUnknown | errors.StepTimedOut


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
        return self._halt.why is None and self._node.retry.applies(error, attempt=attempt)

    async def _retry(
        self, error: EnamelError, calls: Sequence[Call], *, attempt: int, uncertain: bool
    ) -> None:
        """Journal that the step failed and will be tried again, and sleep until then, or until the task stops."""
        pause = self._node.retry.pause(attempt, error)
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

    async def undo(self, *, place: int | None = None) -> str | None:
        """Undo the step, or one of the several things that it has made.

        Return None when it is undone, or else the sentence that says what still exists, and why.
        """
        attempt = 0
        while self.has_effect:
            attempt += 1
            with record.calls() as calls, context.in_lane(Lane.CLEAN_UP):
                try:
                    outputs = await self._undo_once(place=place)
                    await self._reverted(outputs, calls, place=place)
                    return None
                except LeaseLost:
                    raise
                except EnamelError as exc:
                    error = exc
                except Exception as exc:
                    error = self._broken(exc)
            if not UNDO.applies(error, attempt=attempt):
                log.error("step.left", task=self._journal.task.id, step=self._node.name, error=error.detail)
                things, why = leftover.things(self._item, place), redaction.blank(leftover.reason(error))
                return leftover.sentence(things, step=self._node.name, why=why)
            await self._tools.sleep(UNDO.pause(attempt, error))
        return None

    async def _undo_once(self, *, place: int | None) -> Outputs:
        """Undo the step within its time, and return its outputs.

        Raises:
            EnamelError: It could not be undone.
        """
        seconds = UNDO_TIMEOUT.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                return await self._undo_or_find(place=place)
        except TimeoutError as exc:
            raise errors.StepTimedOut(
                f"Undoing '{self._node.name}' took longer than {seconds:.0f} s."
            ) from exc

    async def _undo_or_find(self, *, place: int | None) -> Outputs:
        """Undo the step, also if it is not known what it has made, and return its outputs."""
        before = self._item
        step, at = await self._builder.step(self._node), self._builder.context(self._node)
        outputs: Outputs | None = before.outputs
        try:
            if before.state is not item.State.COMPLETED:
                outputs = await step.find_leftovers(at)
                if outputs is None and before.uncertain:
                    await self._tools.sleep(SETTLE)
                    outputs = await step.find_leftovers(at)
            if outputs is not None:
                await step.undo(at, outputs, only=None if place is None else [place])
        except errors.Gone:
            # Somebody else has removed it, or what it was part of.
            pass
        if before.attempt > 1 and not place:
            # Once for all that it has made.
            await step.tidy(at, outputs or step.empty_outputs)
        return outputs or {}

    async def _reverted(self, outputs: Outputs, calls: Sequence[Call], *, place: int | None) -> None:
        """Journal that what the step had made, or one of the things that it had made, no longer exists."""
        if place is None:
            changed = self._change(calls, state=item.State.REVERTED, outputs=outputs, uncertain=False)
        else:
            # Others of its things may have been undone meanwhile.
            known = self._item.outputs
            undone = sorted({*known.get("undone", ()), place})
            changed = self._change(calls, outputs={**known, "undone": undone}, uncertain=False)
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

    async def all_undone(self) -> None:
        """Journal that a step is undone, if each of the several things that it has made is."""
        if self.has_effect and not undo_order.parts(self._item) and KINDS[self._item.kind].list_output:
            await self._journal.save(items=[self._change(state=item.State.REVERTED)])

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
