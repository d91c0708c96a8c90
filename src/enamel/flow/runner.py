"""The runner: carries tasks out, step by step, and writes down what happens before and after each.

A step is journaled as started before it acts. One that was started and whose end nobody knows is looked up (`find`)
before it is done again. The runner holds a coroutine for each step that is under way and nothing else: ten thousand
tasks may wait in one worker. All that a run does, forward or back, is within the fence of the worker's lease.
"""

from collections.abc import Sequence

from enamel.clouds.calls import fence
from enamel.flow.run import Run
from enamel.flow.runtime import Runtime
from enamel.model import errors
from enamel.model.item import Item
from enamel.model.task import Task


class Runner:
    """Carries out the tasks that a worker has claimed."""

    def __init__(self, tools: Runtime) -> None:
        self._tools = tools
        self._runs: dict[str, Run] = {}

    async def run(self, task: Task, items: Sequence[Item]) -> None:
        """Carry a task out to its end, or until it is handed over.

        Raises:
            LeaseLost: Another worker has the task now; nothing more was written.
        """
        run = Run(task, items, self._tools)
        self._runs[task.id] = run
        try:
            with fence.within(self._tools.saver.alive):
                await run.carry_out()
        finally:
            del self._runs[task.id]

    def cancel(self, id: str) -> None:
        """Have a task stop between its steps and undo what it has made."""
        if id in self._runs:
            self._runs[id].stop(errors.TaskCancelled())

    def hand_over(self, id: str) -> None:
        """Have a task stop at a point where another worker can take it up."""
        if id in self._runs:
            self._runs[id].stop(None)
