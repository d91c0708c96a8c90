"""The run: one task while a worker carries it out, from its first step to its last, or back again.

`carry_out` reads from top to bottom: read the plan, resume it where it stands, begin each step whose inputs are ready
until nothing is left to do, and then finish: undo what has to be, and write the end.
"""

import asyncio
import contextlib
import math
from collections.abc import Sequence

import msgspec

from enamel.clouds.calls import context
from enamel.flow import leftover, task_view, time_out
from enamel.flow import plan as plans
from enamel.flow.graph import Graph
from enamel.flow.groups import Groups
from enamel.flow.halt import Halt
from enamel.flow.journal import TaskJournal
from enamel.flow.plan import Node, Plan
from enamel.flow.running import Ended, Running
from enamel.flow.runtime import Runtime
from enamel.flow.step_context import StepBuilder
from enamel.flow.step_run import StepRun
from enamel.flow.undo import Undo
from enamel.model import errors, item, problem, redaction, task
from enamel.model.call_context import CallContext
from enamel.model.caller import Caller
from enamel.model.errors import EnamelError, LeaseLost
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.steps import KINDS


class Run:
    """One task while this worker carries it out."""

    def __init__(self, task: Task, items: Sequence[Item], tools: Runtime) -> None:
        self._tools = tools
        self._halt = Halt()
        self._running = Running()
        self._journal = TaskJournal(task, items, saver=tools.saver, now=tools.now, broken=self._running.fail)
        self._over = False
        """Whether all steps have ended: what is left to do is not stopped any more."""
        self._lay_out(Plan())

    def _lay_out(self, plan: Plan) -> None:
        """Prepare what a plan is carried out with."""
        self._plan = plan
        self._graph = Graph(plan)
        self._journal.groups = self._graph.groups
        self._builder = StepBuilder(self._graph, self._journal, self._tools)
        self._groups = Groups(
            plan,
            self._graph,
            journal=self._journal,
            running=self._running,
            halt=self._halt,
            undo=self._undo,
        )

    def stop(self, why: EnamelError | None) -> None:
        """Begin nothing more: None hands the task over, an error rolls it back."""
        if why is None:
            self._halt.handing_over = True
            self._running.break_off()
        elif self._past_return():
            # What cannot be undone any more is brought to its end.
            return
        elif self._halt.why is None and not self._over:
            self._halt.why = why
            self._journal.tell("task.cancelling", None, {})
        self._halt.stopping.set()
        self._running.break_off_waits()
        self._running.wake()

    async def carry_out(self) -> None:
        """Do what the plan says, and undo it where it fails.

        Raises:
            PlanUnreadable: A later version has written the plan, which `newer` says. Nothing was written.
            LeaseLost: Another worker has the task now.
            JournalBroken: A write was refused, and the task stands where it was written last.
        """
        task = self._journal.task
        caller = Caller(user_id=task.created_by, project_id=task.project_id)
        context.use(CallContext(caller=caller, request_id=task.request_id, task=task.id))
        redaction.keep(redaction.Redactor(await self._secrets(task)))
        if not await self._read_plan():
            return
        earlier = task.error
        if task.reverting and earlier is not None:
            self._halt.why, self._halt.step, self._over = problem.error(earlier), earlier.step, True
        else:
            try:
                await self._forward()
            except BaseException:
                self._halt.abandoned = True
                await self._running.drop()
                raise
        if self._halt.handing_over and self._open():
            await self._journal.handed_over()
        else:
            await self._finish()

    async def _secrets(self, task: Task) -> list[bytes]:
        """Return what the task keeps secret, as far as the key store still has it."""
        texts = []
        for reference in task.secrets:
            # The step that needs a missing one reports it.
            with contextlib.suppress(errors.SecretMissing, OSError):
                texts.append(await self._tools.secrets.get(reference))
        return texts

    async def _read_plan(self) -> bool:
        """Read the plan; end a task of which it cannot be read, and return False."""
        try:
            plan = plans.read(self._journal.task.plan)
        except errors.PlanUnreadable as exc:
            if exc.data.get("newer"):
                raise
            await self._journal.claimed()
            await self._journal.ended(Plan(), task.State.ABORTED, error=problem.of(exc))
            return False
        await self._journal.claimed()
        self._lay_out(plan)
        return True

    # -- forward

    async def _forward(self) -> None:
        """Begin every step whose inputs are ready, until none is left or one failed for all."""
        self._take_up()
        until = self._until()
        if until <= asyncio.get_running_loop().time():
            self._groups.fail_all(self._timed_out(), step=None)
        while True:
            while self._graph.ready and self._halt.forward:
                self._begin(self._graph.nodes[self._graph.ready.popleft()])
            if self._running.idle:
                return
            try:
                ended = await self._running.next(until=until if self._halt.why is None else math.inf)
            except TimeoutError:
                self._groups.fail_all(self._timed_out(), step=None)
                continue
            if isinstance(ended, BaseException):
                raise ended
            if ended is not None:
                self._step_ended(ended)

    def _timed_out(self) -> errors.TaskTimedOut:
        """Return the error of a task whose time is over."""
        journal = self._journal
        return time_out.error(journal.task, journal.items, self._graph.nodes, now=self._tools.now())

    def _until(self) -> float:
        """Return when the task's deadline is, by the loop's clock, which nobody can set; infinite where it has none."""
        deadline = self._journal.task.deadline
        if deadline is None:
            return math.inf
        return asyncio.get_running_loop().time() + (deadline - self._tools.now()).total_seconds()

    def _take_up(self) -> None:
        """Go on where an earlier worker stopped."""
        items = self._journal.items
        # Why they were broken off, is found out again from what failed, from the clock, or from the request to cancel.
        self._journal.resumed(
            [name for name, step in items.items() if step.state is item.State.ABORTED and step.error is None]
        )
        self._graph.begin(items)
        failed = [
            (step, step.error)
            for step in items.values()
            if step.state in task_view.FAILED and step.error is not None
        ]
        for step, why in sorted(failed, key=lambda pair: pair[0].ended_at or self._tools.now()):
            self._groups.step_failed(self._graph.nodes[step.name], problem.error(why))
        self._groups.step_ended()
        if self._journal.task.cancel_requested:
            self.stop(errors.TaskCancelled())

    def _begin(self, node: Node) -> None:
        if self._groups.begins(node):
            self._running.begin(node, self._step_run(node).carry_out())

    def _step_ended(self, ended: Ended) -> None:
        """Draw the conclusions from the end of a step."""
        if isinstance(ended.error, EnamelError) and not isinstance(ended.error, LeaseLost):
            self._groups.step_failed(self._graph.nodes[ended.name], ended.error)
        elif ended.error is not None:
            raise ended.error
        elif not ended.stopped:
            self._graph.done(ended.name)
        self._groups.step_ended()

    def _step_run(self, node: Node) -> StepRun:
        return StepRun(node, journal=self._journal, builder=self._builder, tools=self._tools, halt=self._halt)

    def _undo(self) -> Undo:
        return Undo(self._graph, self._journal.items, step_run=self._step_run)

    # -- the end

    async def _finish(self) -> None:
        """Roll back what has to be, and write the end."""
        self._over = True
        if self._halt.why is None:
            await self._groups.undo_shared()
        self._halt.why = self._halt.why or self._stopped_short()
        if (
            self._halt.why is None
            and self._groups.failed
            and len(self._groups.failed) == len(self._plan.groups)
        ):
            self._halt.step, self._halt.why = self._groups.first_failure()
        if self._halt.why is not None and self._rolls_back(self._halt.why):
            await self._journal.reverting(self._halt.why, step=self._halt.step)
            self._groups.left = await self._undo().everything()
        else:
            for name in [name for name, step in self._journal.items.items() if step.attempt > 1]:
                await self._step_run(self._graph.nodes[name]).tidy()
            await self._groups.undo_failed()
            self._groups.left += await self._find_kept()
        self._groups.left += self._not_reverted()
        await self._journal.ended(self._plan, self._state(), error=self._error())

    async def _find_kept(self) -> list[str]:
        """Record what steps have made although they failed: a cloud, or a proxy, may refuse what it has carried out."""
        runs = [self._step_run(self._graph.nodes[name]) for name in self._journal.items]
        # At the same time, so that they share lists.
        return [
            sentence for left in await asyncio.gather(*(run.find_kept() for run in runs)) for sentence in left
        ]

    def _open(self, *, besides: Sequence[str] = ()) -> list[str]:
        """Return the steps that are not done, but for those of some groups."""
        return [
            name
            for name, step in self._journal.items.items()
            if step.group not in besides
            and step.state is not item.State.COMPLETED
            and not task_view.left_behind(step)
        ]

    def _stopped_short(self) -> EnamelError | None:
        """Return an error where a step was never run although nothing failed: undo the task rather than leave it half done."""
        undone = self._open(besides=list(self._groups.failed))
        if not undone:
            return None
        if self._plan.keep_going:
            return self._not_removed(undone)
        return errors.TaskError(f"Internal error: these steps were never run: {', '.join(undone)}.")

    def _not_removed(self, undone: Sequence[str]) -> EnamelError:
        """Return the error of a revert that has left something, and name the reason for each step that was not tried."""
        items = self._journal.items
        failed = [step for name in undone if (step := items[name]).error is not None]
        first = min(failed, key=lambda step: step.ended_at or self._tools.now(), default=None)
        for name in undone:
            if items[name].error is None:
                users = [
                    leftover.name(leftover.of_revert(self._graph.nodes[other]), step=other)
                    for other in self._graph.nodes[name].after
                    if other in undone
                ]
                why = errors.NotRemoved(leftover.kept_by(users), remedy="")
                self._journal.not_tried(name, why)
        self._halt.step = first.name if first else None
        cause = first.error if first else None
        return errors.NotRemoved(
            f"{len(undone)} of {len(items)} steps could not be undone. {cause.detail if cause else ''}".strip(),
            cloud=cause.cloud if cause else None,
            request_ids=cause.request_ids if cause else (),
        )

    def _past_return(self) -> bool:
        """Tell whether a step has begun after which nothing can be undone."""
        return any(
            KINDS[step.kind].final and (step.attempt > 0 or name in self._running)
            for name, step in self._journal.items.items()
        )

    def _not_reverted(self) -> list[str]:
        """Return a sentence for each thing that a revert was to remove and has not."""
        sentences = []
        for name, step in self._journal.items.items():
            node = self._graph.nodes[name]
            if not leftover.is_revert(node) or step.state is item.State.COMPLETED:
                continue
            why = leftover.reason(step.error) if step.error else "The task ended before it was removed."
            sentences.append(leftover.sentence(leftover.of_revert(node), step=name, why=why))
        return sentences

    def _rolls_back(self, why: EnamelError) -> bool:
        if self._past_return():
            return False
        return self._plan.on_failure == "rollback" or isinstance(why, errors.TaskCancelled)

    def _state(self) -> task.State:
        if isinstance(self._halt.why, errors.TaskTimedOut):
            return task.State.TIMED_OUT
        return task.State.ABORTED if self._halt.why or self._groups.failed else task.State.COMPLETED

    def _error(self) -> problem.Problem | None:
        """Return the problem that the task ends with."""
        if self._halt.why is not None:
            ended_with = problem.of(self._halt.why, step=self._halt.step)
        elif self._groups.failed:
            ended_with = problem.of(self._partly_done())
        else:
            return None
        return msgspec.structs.replace(ended_with, left=tuple(dict.fromkeys(self._groups.left)))

    def _partly_done(self) -> EnamelError:
        """Return the error of a task of which only some groups failed."""
        failed, total = self._groups.failed, len(self._plan.groups)
        first = next(iter(failed.values()))
        word = "servers are up" if len(plans.servers(self._plan)) == total else "groups are done"
        return errors.PartlyDone(
            f"{total - len(failed)} of {total} {word}. Failed: {', '.join(sorted(failed))}. {first.detail}",
            cloud=first.cloud,
            request_ids=first.request_ids,
        )
