"""What a worker needs of whoever carries its tasks out."""

from collections.abc import Sequence
from typing import Protocol

from enamel.model.item import Item
from enamel.model.task import Task


class TaskRunner(Protocol):
    """Carries tasks out and writes down what happens, up to and including their end."""

    async def run(self, task: Task, items: Sequence[Item], /) -> None:
        """Carry a task out to its end, or until it is handed over.

        Raises:
            PlanUnreadable: A later version has written the task's plan; nothing was written.
            LeaseLost: Another worker has the task; nothing more was written.

        """

    def cancel(self, task: str, /) -> None:
        """Have a task stop between its steps and undo what it has made."""

    def hand_over(self, task: str, /) -> None:
        """Have a task stop at a point where another worker can take it up."""
