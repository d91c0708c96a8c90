"""The interface between the worker and the runner."""

from collections.abc import Sequence
from typing import Protocol

from enamel.model.item import Item
from enamel.model.task import Task


class TaskRunner(Protocol):
    """Carries tasks out and journals what happens, including their end."""

    async def run(self, task: Task, items: Sequence[Item], /) -> None:
        """Carry a task out to its end, or until it is handed over.

        Raises:
            PlanUnreadable: A later version has written the task's plan; nothing was written.
            LeaseLost: Another worker has the task; nothing more was written.

        """

    def cancel(self, task: str, /) -> None:
        """Stop a task between its steps and undo what it has made."""

    def hand_over(self, task: str, /) -> None:
        """Stop a task at a point where another worker can continue it."""
