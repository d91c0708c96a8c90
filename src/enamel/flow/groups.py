"""The groups of a task: what becomes of one in which a step fails.

A group that found no room moves on to its next zone, then to its next cloud. One for which there is no further placement
has failed: what was made for it is undone, and the others go on.
"""

from collections.abc import Callable, Sequence

from enamel.flow import leftover, task_view
from enamel.flow.graph import Graph
from enamel.flow.halt import Halt
from enamel.flow.journal import TaskJournal
from enamel.flow.plan import Node, Plan
from enamel.flow.running import Running
from enamel.flow.undo import Undo
from enamel.model import errors
from enamel.model.errors import EnamelError

ROOM = errors.NoValidHost | errors.QuotaExceeded
"""The errors of a group that may find room in another placement."""


class Groups:
    """What becomes of the groups of one task."""

    def __init__(
        self,
        plan: Plan,
        graph: Graph,
        *,
        journal: TaskJournal,
        running: Running,
        halt: Halt,
        undo: Callable[[], Undo],
    ) -> None:
        self.failed: dict[str, EnamelError] = {}
        """Groups that could not be made, and why."""
        self.left: list[str] = []
        """Sentences about what could not be undone."""
        self._failing: dict[str, EnamelError] = {}
        """Groups whose last running steps are being awaited."""
        self._plan = plan
        self._graph = graph
        self._journal = journal
        self._running = running
        self._halt = halt
        self._undo = undo

    def begins(self, node: Node) -> bool:
        """Tell whether a step may begin, as far as its group is concerned."""
        return node.group not in self.failed and node.group not in self._failing

    # -- a step has failed

    def step_failed(self, node: Node, error: EnamelError) -> None:
        """Fail the group of a step, or all groups that the step was for."""
        if self._plan.keep_going:
            return
        if node.group is not None:
            self._fail(node.group, error, step=node.name)
            return
        here = self._on(node.cloud)
        stuck = not self._plan.groups or any(self._next_cloud_of(group) is None for group in here)
        if stuck or self._plan.all_or_nothing or not isinstance(error, ROOM):
            self.fail_all(error, step=node.name)
            return
        # They move on to another cloud together.
        for group in here:
            if group not in self.failed:
                self._fail(group, error, step=node.name)

    def fail_all(self, error: EnamelError, *, step: str | None) -> None:
        """Fail the whole task: begin nothing more, break off what only waits."""
        self._halt.fail(error, step=step)
        self._running.break_off_waits()

    def _fail(self, group: str, error: EnamelError, *, step: str) -> None:
        """Fail one group; the others go on."""
        if self._plan.all_or_nothing:
            self.fail_all(error, step=step)
            return
        self._failing.setdefault(group, error)
        self._running.break_off_waits(self._graph.of_group[group])

    def step_ended(self) -> None:
        """See which of the failing groups have no running step left, and go on with these."""
        for group in list(self._failing):
            if not any(name in self._running for name in self._graph.of_group[group]):
                self._group_idle(group)

    def _group_idle(self, group: str) -> None:
        """Move a failing group on, or undo what was made for it."""
        error = self._failing.pop(group)
        self.failed[group] = error
        if self._halt.forward:
            self._running.begin_group_work(self._go_on(group, error))

    async def _go_on(self, group: str, error: EnamelError) -> None:
        """Try a failed group in its next placement, or undo what was made for it."""
        if isinstance(error, ROOM) and (
            await self._next_zone(group) or await self._next_cloud(group, why=error.detail)
        ):
            del self.failed[group]
            self._graph.again(self._graph.of_group[group], self._journal.items)
            return
        self._journal.group_failed(group, error)
        if self._plan.on_failure == "rollback":
            self.left += await self._undo().group(group)

    # -- the next zone

    async def _next_zone(self, group: str) -> bool:
        """Have a group tried in the next placement on the same cloud; False where there is none."""
        alternatives = self._graph.groups[group].alternatives
        index = self._journal.task.groups.get(group, 0) + 1
        if index == len(alternatives) or alternatives[index].get("cloud") != self._cloud_of(group):
            return False
        moving = self._moving(group)
        if moving is None or await self._undo().steps(moving):
            return False
        await self._journal.next_zone(group, to=index, reset=moving)
        return True

    def _moving(self, group: str) -> list[str] | None:
        """Return the steps that go back to their beginning when a group moves on within its cloud.

        None where one has failed that would be the same in the next placement.
        """
        cloud, items, nodes = self._cloud_of(group), self._journal.items, self._graph.nodes
        shared = [node.name for node in nodes.values() if node.group is None and node.cloud == cloud]
        names = [name for name in self._graph.of_group[group] if nodes[name].cloud == cloud]
        moving = [name for name in self._graph.moving[group] if name in names]
        failed = [name for name in names if items[name].state in task_view.FAILED and name not in moving]
        if any(items[name].error and items[name].state in task_view.FAILED for name in [*shared, *failed]):
            return None
        # The others were only broken off, because the group failed.
        return moving + failed

    # -- the next cloud

    async def _next_cloud(self, group: str, *, why: str) -> bool:
        """Have a group tried on the next cloud; False where there is none, or something is left on this one."""
        index = self._next_cloud_of(group)
        if index is None or await self._undo().group(group):
            return False
        items, cloud = self._journal.items, self._graph.groups[group].alternatives[index].get("cloud")
        nodes = [self._graph.nodes[name] for name in self._graph.of_group[group]]
        leave = [
            node.name for node in nodes if node.name in items and not task_view.left_behind(items[node.name])
        ]
        wake = [node for node in nodes if node.cloud == cloud]
        await self._journal.next_cloud(group, to=index, leave=leave, wake=wake, why=why)
        return True

    def _cloud_of(self, group: str) -> str | None:
        """Return the cloud on which a group is tried; None for the task's own."""
        index = self._journal.task.groups.get(group, 0)
        cloud: str | None = self._graph.groups[group].alternatives[index].get("cloud")
        return cloud

    def _on(self, cloud: str | None) -> Sequence[str]:
        """Return the groups that are tried on a cloud, or that failed there."""
        return [group for group in self._graph.groups if self._cloud_of(group) == cloud]

    def _next_cloud_of(self, group: str) -> int | None:
        """Return the first further placement of a group that is on another cloud and that the plan has steps for."""
        prepared = {self._graph.nodes[name].cloud for name in self._graph.of_group[group]}
        index, here = self._journal.task.groups.get(group, 0), self._cloud_of(group)
        for number, placement in enumerate(self._graph.groups[group].alternatives):
            cloud = placement.get("cloud")
            if number > index and cloud != here and cloud in prepared:
                return number
        return None

    # -- at the end

    async def undo_shared(self) -> None:
        """Undo what served several groups on a cloud that all of them have moved on from."""
        items = self._journal.items
        leftovers = [
            node.name
            for node in self._graph.nodes.values()
            if node.group is None
            and not leftover.is_revert(node)
            and self._graph.groups
            and not self._on(node.cloud)
            and not task_view.left_behind(items[node.name])
        ]
        if leftovers:
            self.left += await self._undo().steps(leftovers)
            await self._journal.left_behind(leftovers, "no server stays on this cloud.")

    async def undo_failed(self) -> None:
        """Undo what steps that serve several groups have made for those that failed."""
        for group in self.failed if self._plan.on_failure == "rollback" else ():
            self.left += await self._undo().shared(group)

    def first_failure(self) -> tuple[str | None, EnamelError]:
        """Return the first step and error for which a group failed."""
        group, error = next(iter(self.failed.items()))
        items = self._journal.items
        names = [name for name in self._graph.of_group[group] if name in items and items[name].error]
        return next(iter(names), None), error
