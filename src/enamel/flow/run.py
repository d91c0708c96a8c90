"""The run: one task while a worker carries it out, from its first step to its last, or back again."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from enamel.clouds.calls import context
from enamel.flow import plan as plans
from enamel.flow import task_view
from enamel.flow.graph import Graph
from enamel.flow.inbox import Inbox
from enamel.flow.journal import TaskJournal
from enamel.flow.plan import Node, Plan
from enamel.flow.runtime import Runtime
from enamel.flow.step_attempts import BrokenOff, Halt, StepAttempts
from enamel.flow.step_context import StepBuilder
from enamel.flow.undo import Undo
from enamel.model import errors, item, problem, task
from enamel.model.call_context import CallContext
from enamel.model.caller import Caller
from enamel.model.errors import EnamelError, LeaseLost
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.steps import KINDS
from enamel.steps.revert import Revert

log = structlog.get_logger(__name__)

ROOM = errors.NoValidHost | errors.QuotaExceeded
"""What is wrong where a server may find room elsewhere."""


class Ended:
    """What became of a step: done, failed with an error, or broken off."""

    __slots__ = ("error", "name", "stopped")

    def __init__(self, name: str, *, error: BaseException | None = None, stopped: bool = False) -> None:
        self.name = name
        self.error = error
        self.stopped = stopped


class Run:
    """One task while this worker carries it out."""

    def __init__(self, found: Task, items: Sequence[Item], tools: Runtime) -> None:
        self._tools = tools
        self._journal = TaskJournal(found, items, saver=tools.saver, now=tools.now)
        self._halt = Halt()
        self._take_plan(Plan())
        self._running: dict[str, asyncio.Task[None]] = {}
        self._group_work: set[asyncio.Task[None]] = set()
        self._failed: dict[str, EnamelError] = {}
        """Servers that could not be made, and why."""
        self._failing: dict[str, EnamelError] = {}
        """Servers whose last running steps are being awaited."""
        self._over = False
        """Whether all steps have ended: what is left to do is not stopped any more."""
        self._left: list[str] = []
        """Sentences about what could not be undone."""
        self._inbox: Inbox[Ended | BaseException | None] = Inbox()

    def stop(self, why: EnamelError | None) -> None:
        """Begin nothing more: None hands the task over, an error rolls it back."""
        if why is None:
            self._halt.handing_over = True
        elif self._past_return():
            # What cannot be undone any more is brought to its end.
            return
        elif self._halt.why is None and not self._over:
            self._halt.why = why
            self._journal.tell("task.cancelling", None, {})
        self._halt.stopping.set()
        self._break_off_waits(self._running)
        self._inbox.put(None)

    def _take_plan(self, plan: Plan) -> None:
        """Lay out what is worked with."""
        self._plan = plan
        self._graph = Graph(plan)
        self._bench = StepBuilder(self._graph, self._journal, self._tools)
        self._attempts = StepAttempts(self._journal, self._bench, self._tools, self._halt)

    # -- from beginning to end

    async def carry_out(self) -> None:
        """Do what the plan says, and undo it where it fails."""
        found = self._journal.task
        caller = Caller(user_id=found.created_by, project_id=found.project_id)
        context.use(CallContext(caller=caller, request_id=found.request_id, task=found.id))
        await self._journal.claimed()
        try:
            self._take_plan(plans.read(self._journal.task.plan))
        except errors.PlanUnreadable as exc:
            await self._journal.ended(Plan(), task.State.ABORTED, error=problem.of(exc))
            return
        before = self._journal.task.error
        if self._journal.task.reverting and before is not None:
            self._halt.why, self._halt.step, self._over = problem.error(before), before.step, True
        else:
            try:
                await self._forward()
            except BaseException:
                await self._abandon()
                raise
        if self._halt.handing_over and not self._all_done():
            await self._journal.handed_over()
        else:
            await self._finish()

    def _all_done(self) -> bool:
        """Tell whether nothing is left to do although a hand-over had begun."""
        return all(
            one.state is item.State.COMPLETED or task_view.left_behind(one)
            for one in self._journal.items.values()
        )

    async def _finish(self) -> None:
        """Roll back what has to be, and write the end."""
        self._over = True
        if self._halt.why is None:
            await self._leave()
        self._halt.why = self._halt.why or self._stopped_short()
        if self._halt.why is None and self._failed and len(self._failed) == len(self._plan.groups):
            self._halt.step, self._halt.why = self._first_failure()
        if self._halt.why is not None and self._rolls_back(self._halt.why):
            await self._journal.reverting(self._halt.why, step=self._halt.step)
            self._left = await self._undo().everything()
        else:
            await self._tidy()
            if self._plan.on_failure == "rollback":
                for group in self._failed:
                    self._left += await self._undo().shared(group)
        await self._journal.ended(self._plan, self._state(), error=self._error())

    def _stopped_short(self) -> EnamelError | None:
        """Return an error where a step was never done although nothing failed: rather undone than half done."""
        undone = [
            name
            for name, one in self._journal.items.items()
            if one.group not in self._failed
            and one.state is not item.State.COMPLETED
            and not task_view.left_behind(one)
        ]
        if not undone:
            return None
        return errors.TaskError(f"Enamel stopped short of {', '.join(undone)} through a fault of its own.")

    def _past_return(self) -> bool:
        """Tell whether a step has begun after which there is no way back."""
        return any(
            KINDS[one.kind].final and (one.attempt > 0 or name in self._running)
            for name, one in self._journal.items.items()
        )

    def _rolls_back(self, why: EnamelError) -> bool:
        if self._past_return():
            return False
        return self._plan.on_failure == "rollback" or isinstance(why, errors.TaskCancelled)

    def _state(self) -> task.State:
        if isinstance(self._halt.why, errors.TaskTimedOut):
            return task.State.TIMED_OUT
        return task.State.ABORTED if self._halt.why or self._failed else task.State.COMPLETED

    def _error(self) -> problem.Problem | None:
        """Return the problem that the task ends with."""
        found = self._problem()
        return msgspec.structs.replace(found, left=tuple(dict.fromkeys(self._left))) if found else None

    def _problem(self) -> problem.Problem | None:
        if self._halt.why is not None:
            return problem.of(self._halt.why, step=self._halt.step)
        if self._failed:
            names = ", ".join(sorted(self._failed))
            total = len(self._plan.groups)
            first = next(iter(self._failed.values()))
            return problem.of(
                errors.PartlyDone(
                    f"{total - len(self._failed)} of {total} servers are up. Failed: {names}. {first.detail}",
                    cloud=first.cloud,
                    request_ids=first.request_ids,
                )
            )
        return None

    def _first_failure(self) -> tuple[str | None, EnamelError]:
        group, error = next(iter(self._failed.items()))
        items = self._journal.items
        names = [name for name in self._graph.of_group[group] if name in items and items[name].error]
        step = next(iter(names), None)
        return step, error

    def _undo(self) -> Undo:
        return Undo(
            self._graph,
            self._journal,
            context=self._bench.context,
            step=self._bench.step,
            sleep=self._tools.sleep,
        )

    async def _tidy(self) -> None:
        """Delete the late fruit of attempts that were thought lost."""
        for name, one in self._journal.items.items():
            if one.attempt > 1 and one.state is item.State.COMPLETED:
                node = self._graph.nodes[name]
                try:
                    step = await self._bench.step(node)
                    if step.undoable and not step.repeatable:
                        await step.tidy(self._bench.context(node), one.outputs)
                except LeaseLost:
                    raise
                except EnamelError as exc:
                    log.warning("step.untidy", task=self._journal.task.id, step=name, error=exc.detail)

    # -- forward

    async def _forward(self) -> None:
        """Begin every step whose inputs are there, until none is left or one failed for all."""
        self._take_up()
        deadline = self._journal.task.deadline
        if deadline is not None and deadline <= self._tools.now():
            self._fail_all(errors.TaskTimedOut(), step=None)
        while True:
            while self._graph.ready and self._halt.why is None and not self._halt.handing_over:
                self._begin(self._graph.ready.popleft())
            if not self._running and not self._group_work and self._inbox.empty():
                return
            try:
                ended = await self._next(deadline if self._halt.why is None else None)
            except TimeoutError:
                self._fail_all(errors.TaskTimedOut(), step=None)
                continue
            if isinstance(ended, BaseException):
                raise ended
            if ended is not None:
                self._take(ended)

    def _take_up(self) -> None:
        """Go on where an earlier worker stopped."""
        items = self._journal.items
        broken_off = [
            name for name, one in items.items() if one.state is item.State.ABORTED and one.error is None
        ]
        if broken_off:
            # Why they were, is found out again from what failed, from the clock, or from the wish to cancel.
            self._journal.again(broken_off)
        self._graph.begin(items)
        failed = [
            (one, one.error)
            for one in items.values()
            if one.state in task_view.FAILED and one.error is not None
        ]
        for one, told in sorted(failed, key=lambda pair: pair[0].ended_at or self._tools.now()):
            error = problem.error(told)
            if one.group is None:
                self._fail_shared(self._graph.nodes[one.name], error)
            elif self._plan.all_or_nothing:
                self._fail_all(error, step=one.name)
            elif one.group not in self._failing:
                self._failing[one.group] = error
        for group in list(self._failing):
            self._settle(group)
        if self._journal.task.cancel_requested:
            self.stop(errors.TaskCancelled())

    async def _next(self, deadline: datetime | None) -> Ended | BaseException | None:
        """Return what ends next; None when something else has changed. Raises TimeoutError at the deadline."""
        if deadline is None:
            return await self._inbox.get()
        left = (deadline - self._tools.now()).total_seconds()
        async with asyncio.timeout(max(0.0, left)):
            return await self._inbox.get()

    def _take(self, ended: Ended) -> None:
        """Draw the conclusions from the end of a step."""
        self._running.pop(ended.name, None)
        node = self._graph.nodes[ended.name]
        if isinstance(ended.error, EnamelError) and not isinstance(ended.error, LeaseLost):
            if node.group is None:
                self._fail_shared(node, ended.error)
                for group in list(self._failing):
                    self._settle(group)
            else:
                self._fail_group(node.group, ended.error, step=node.name)
        elif ended.error is not None:
            raise ended.error
        elif not ended.stopped:
            self._graph.done(ended.name)
        if node.group in self._failing:
            self._settle(node.group)

    async def _abandon(self) -> None:
        """Drop everything at once: another worker has the task, or something is broken."""
        self._halt.abandoned = True
        work = [*self._running.values(), *self._group_work]
        for one in work:
            one.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    # -- failing

    def _fail_all(self, error: EnamelError, *, step: str | None) -> None:
        """Fail the whole task: begin nothing more, break off what only waits."""
        if self._halt.why is None:
            self._halt.why, self._halt.step = error, step
        self._halt.stopping.set()
        self._break_off_waits(self._running)

    def _fail_shared(self, node: Node, error: EnamelError) -> None:
        """Fail all servers that a step was for: they move on to another cloud together, or everything fails."""
        here = self._here(node.cloud)
        stuck = any(self._next_cloud(group) is None for group in here) or not self._graph.groups
        if stuck or self._plan.all_or_nothing or not isinstance(error, ROOM):
            self._fail_all(error, step=node.name)
            return
        for group in here:
            if group not in self._failed:
                self._fail_group(group, error, step=node.name)

    def _fail_group(self, group: str, error: EnamelError, *, step: str) -> None:
        """Fail one server; its siblings go on."""
        if self._plan.all_or_nothing:
            self._fail_all(error, step=step)
            return
        self._failing.setdefault(group, error)
        self._break_off_waits(self._graph.of_group[group])

    def _break_off_waits(self, names: Any) -> None:
        """Cancel the running steps that can be begun again without harm."""
        for name in list(names):
            if name in self._running and KINDS[self._graph.nodes[name].kind].repeatable:
                self._running[name].cancel()

    def _settle(self, group: str) -> None:
        """Once no step of a failing server runs, move it on or undo it."""
        if any(name in self._running for name in self._graph.of_group[group]):
            return
        error = self._failing.pop(group)
        self._failed[group] = error
        if self._halt.why is None and not self._halt.handing_over:
            work = asyncio.create_task(self._after_failure(group, error))
            self._group_work.add(work)
            work.add_done_callback(self._group_done)

    def _group_done(self, work: asyncio.Task[None]) -> None:
        self._group_work.discard(work)
        self._inbox.put(None if work.cancelled() else work.exception())

    async def _after_failure(self, group: str, error: EnamelError) -> None:
        """Try a failed server in its next placement, or undo what was made for it."""
        if isinstance(error, ROOM) and (await self._moved(group) or await self._crossed(group, error)):
            del self._failed[group]
            self._graph.again(self._graph.of_group[group], self._journal.items)
            return
        self._journal.tell(
            "server.failed", None, {"server": group, "code": error.code, "detail": error.detail}
        )
        if self._plan.on_failure == "rollback":
            self._left += await self._undo().group(group)

    async def _moved(self, group: str) -> bool:
        """Have a server tried in the next placement on the same cloud; False where there is none."""
        alternatives = self._graph.groups[group].alternatives
        index = self._journal.task.groups.get(group, 0) + 1
        if index == len(alternatives) or alternatives[index].get("cloud") != self._cloud(group):
            return False
        moving = self._moving(group)
        if moving is None or await self._undo().steps(moving):
            return False
        await self._journal.moved_on(group, to=index, where=alternatives[index], reset=moving)
        return True

    def _moving(self, group: str) -> list[str] | None:
        """Return the steps that go back to their beginning when a server moves on within its cloud.

        None where one has failed that would be the same in the next placement.
        """
        cloud, items = self._cloud(group), self._journal.items
        shared = [
            node.name for node in self._graph.nodes.values() if node.group is None and node.cloud == cloud
        ]
        if any(items[name].error and items[name].state in task_view.FAILED for name in shared):
            return None
        names = [name for name in self._graph.of_group[group] if self._graph.nodes[name].cloud == cloud]
        moving = [name for name in self._graph.moving[group] if name in names]
        failed = [name for name in names if items[name].state in task_view.FAILED and name not in moving]
        if any(items[name].error for name in failed):
            return None
        # The others were only broken off, because the server failed.
        return moving + failed

    # -- from cloud to cloud

    async def _crossed(self, group: str, error: EnamelError) -> bool:
        """Have a server tried on the next cloud; False where there is none, or something is left on this one."""
        index = self._next_cloud(group)
        if index is None or await self._undo().group(group):
            return False
        items, where = self._journal.items, self._graph.groups[group].alternatives[index]
        nodes = [self._graph.nodes[name] for name in self._graph.of_group[group]]
        await self._journal.crossed(
            group,
            to=index,
            where=where,
            leave=[
                name
                for node in nodes
                if (name := node.name) in items and not task_view.left_behind(items[name])
            ],
            wake=[node for node in nodes if node.cloud == where.get("cloud")],
            why=error.detail,
        )
        return True

    async def _leave(self) -> None:
        """Undo what served several servers on a cloud that all of them have moved on from."""
        items = self._journal.items
        left = [
            node.name
            for node in self._graph.nodes.values()
            if node.group is None
            and node.kind != Revert.kind
            and self._graph.groups
            and not self._here(node.cloud)
        ]
        left = [name for name in left if not task_view.left_behind(items[name])]
        if left:
            self._left += await self._undo().steps(left)
            await self._journal.left(left, "no server stays on this cloud.")

    def _cloud(self, group: str) -> str | None:
        """Return the cloud that a server is tried on; None for the task's own."""
        place = self._graph.groups[group].alternatives[self._journal.task.groups.get(group, 0)]
        cloud: str | None = place.get("cloud")
        return cloud

    def _here(self, cloud: str | None) -> list[str]:
        """Return the servers that are tried on a cloud, or that failed there."""
        return [group for group in self._graph.groups if self._cloud(group) == cloud]

    def _next_cloud(self, group: str) -> int | None:
        """Return the first of a server's further placements that is on another cloud and that the plan has steps for."""
        prepared = {self._graph.nodes[name].cloud for name in self._graph.of_group[group]}
        index = self._journal.task.groups.get(group, 0)
        for number, place in enumerate(self._graph.groups[group].alternatives):
            if number > index and place.get("cloud") != self._cloud(group) and place.get("cloud") in prepared:
                return number
        return None

    # -- one step

    def _begin(self, name: str) -> None:
        node = self._graph.nodes[name]
        if node.group in self._failed or node.group in self._failing:
            return
        running = asyncio.create_task(self._carry(node), name=name)
        self._running[name] = running

        def over(running: asyncio.Task[None]) -> None:
            # A step that is broken off before its first line says nothing itself.
            if running.cancelled():
                self._inbox.put(Ended(name, stopped=True))

        running.add_done_callback(over)

    async def _carry(self, node: Node) -> None:
        """Carry one step through its attempts, and say how it ended."""
        ended = Ended(node.name)
        try:
            await self._attempts.carry(node)
        except (asyncio.CancelledError, BrokenOff):
            ended.stopped = True
        except Exception as exc:
            ended.error = exc
        self._inbox.put(ended)
