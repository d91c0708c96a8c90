"""The attempts of a step: journal, act, and where that failed wait and act again, as the step's policy allows."""

import asyncio

import structlog

from enamel.clouds.calls import record
from enamel.flow.journal import TaskJournal
from enamel.flow.plan import Node
from enamel.flow.runtime import Runtime
from enamel.flow.step_context import StepBuilder
from enamel.flow.undo import SETTLE
from enamel.model import errors
from enamel.model.errors import EnamelError, LeaseLost
from enamel.steps import KINDS
from enamel.steps.step import Context, Outputs, Step

log = structlog.get_logger(__name__)


class Halt:
    """Whether and why a task begins nothing more."""

    def __init__(self) -> None:
        self.why: EnamelError | None = None
        """The error for which everything is undone."""
        self.step: str | None = None
        """The step in which it happened."""
        self.handing_over = False
        """Whether another worker is to take the task up."""
        self.abandoned = False
        """Whether the steps are dropped in the middle of what they do."""
        self.stopping = asyncio.Event()
        """Set with any of these: nobody sleeps any longer."""


class BrokenOff(Exception):
    """A step stopped between two attempts, because the task is handed over."""


class StepAttempts:
    """Carries single steps of one task through their attempts."""

    def __init__(self, journal: TaskJournal, bench: StepBuilder, tools: Runtime, halt: Halt) -> None:
        self._journal = journal
        self._bench = bench
        self._tools = tools
        self._halt = halt

    async def carry(self, node: Node) -> None:
        """Try a step as often as its policy allows.

        Raises:
            EnamelError: It failed for good; this is journaled.
        """
        uncertain = self._journal.items[node.name].uncertain
        attempt = 0
        while True:
            attempt += 1
            await self._journal.started(node)
            if not self._tools.saver.alive():
                raise LeaseLost()
            with record.calls() as calls:
                try:
                    outputs = await self._attempt(node, uncertain=uncertain)
                    self._journal.completed(node, outputs, calls=calls)
                    return
                except asyncio.CancelledError:
                    # What is dropped in the middle stays RUNNING: nobody knows how it ended.
                    if not self._halt.abandoned:
                        self._journal.stopped(
                            node,
                            calls=calls,
                            again=self._halt.handing_over,
                            # A call may have been under way.
                            uncertain=KINDS[node.kind].undoable,
                        )
                    raise
                except EnamelError as exc:
                    error = exc
                except Exception as exc:
                    log.exception("step.broken", task=self._journal.task.id, step=node.name)
                    error = errors.TaskError(
                        f"'{node.name}' is broken in Enamel itself: {type(exc).__name__}."
                    )
            if isinstance(error, LeaseLost):
                raise error
            uncertain = uncertain or isinstance(error, errors.OutcomeUnknown | errors.StepTimedOut)
            final = not error.retryable or isinstance(error, errors.StepTimedOut)
            if not final and attempt < node.retry.maximum_attempts and self._halt.why is None:
                pause = max(node.retry.pause(attempt), float(error.data.get("retry_after") or 0))
                self._journal.retrying(node, error, calls=calls, uncertain=uncertain, pause=pause)
                await self._pause(pause)
                if self._halt.handing_over:
                    self._journal.stopped(node, calls=(), again=True, uncertain=uncertain)
                    raise BrokenOff()
                if self._halt.why is None:
                    continue
                calls = []
            self._journal.failed(node, error, calls=calls, uncertain=uncertain)
            raise error

    async def _pause(self, seconds: float) -> None:
        """Sleep between two attempts, but no longer than the task goes on."""
        sleeping = {
            asyncio.ensure_future(self._tools.sleep(seconds)),
            asyncio.ensure_future(self._halt.stopping.wait()),
        }
        try:
            await asyncio.wait(sleeping, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in sleeping:
                one.cancel()

    async def _attempt(self, node: Node, *, uncertain: bool) -> Outputs:
        """Do a step once; one that may have been done already, by an attempt that was lost, is looked up first."""
        step, at = await self._bench.step(node), self._bench.context(node)
        try:
            async with asyncio.timeout(node.timeout.total_seconds()):
                if not uncertain or step.repeatable:
                    return await step.do(at)
                return await self._find_or_do(step, at)
        except TimeoutError as exc:
            raise step.timeout_error(node.timeout.total_seconds()) from exc

    async def _find_or_do(self, step: Step, at: Context) -> Outputs:
        """Return what a lost attempt made, or do the step again when it made nothing."""
        found = await step.find(at)
        if found is None:
            # That attempt may have been a moment ago, by a worker that died since.
            await self._tools.sleep(SETTLE)
            found = await step.find(at)
        if found is not None:
            return found
        try:
            return await step.do(at)
        except errors.CloudConflict:
            # The lost attempt's effect has shown up after all, and stands in the way of this one.
            found = await step.find(at)
            if found is None:
                raise
            return found
