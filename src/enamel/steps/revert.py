"""The step that undoes a step of another task."""

from typing import Any, ClassVar

import msgspec

from enamel import steps
from enamel.steps.step import Context, Outputs, Retry, Step


class Revert(Step, frozen=True, kw_only=True):
    """Undo what a step of an earlier task has made."""

    kind: ClassVar[str] = "task.undo"
    action: ClassVar[str] = "REVERTING"
    repeatable: ClassVar[bool] = True
    calls: ClassVar[int] = 2
    # What was "in use" a moment ago is free a moment later.
    retry: ClassVar[Retry] = Retry(attempts=12, first=0.5, most=10.0)

    of: str
    """Kind of the step that made it."""
    step: dict[str, Any]
    """Its inputs."""
    outputs: dict[str, Any]
    """What it made."""
    only: tuple[int, ...] | None = None

    async def do(self, at: Context) -> Outputs:
        """Undo it."""
        await msgspec.convert(self.step, steps.KINDS[self.of]).undo(at, self.outputs, only=self.only)
        return {}
