"""The step that undoes a step of another task."""

import dataclasses
from datetime import timedelta
from typing import Any, ClassVar

from enamel.model.errors import Gone
from enamel.steps.step import UNDO, UNDO_TIMEOUT, Context, Outputs, Retry, Step


class Revert(Step, frozen=True, kw_only=True):
    """Undo what a step of an earlier task has made."""

    kind: ClassVar[str] = "task.undo"
    action: ClassVar[str] = "REVERTING"
    repeatable: ClassVar[bool] = True
    calls: ClassVar[int] = 2
    retry: ClassVar[Retry] = UNDO
    timeout: ClassVar[timedelta] = UNDO_TIMEOUT

    of: str
    """Kind of the step that made it."""
    step: dict[str, Any]
    """Its inputs."""
    outputs: dict[str, Any]
    """What it made; empty where it failed, and may have left something all the same."""
    only: tuple[int, ...] | None = None
    mark: str = ""
    """What its resources carry."""

    async def do(self, at: Context) -> Outputs:
        """Undo it."""
        step = at.step(self.of, self.step)
        at = dataclasses.replace(at, mark=self.mark)
        try:
            outputs = self.outputs or await step.find_leftovers(at)
            if outputs is not None:
                await step.undo(at, outputs, only=self.only)
        except Gone:
            at.note("It was gone already.")
        return {}
