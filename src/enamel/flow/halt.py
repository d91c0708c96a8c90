"""The halt of a task: whether and why it begins nothing more."""

import asyncio

from enamel.model.errors import EnamelError


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

    @property
    def forward(self) -> bool:
        """Tell whether steps may still begin."""
        return self.why is None and not self.handing_over

    def fail(self, error: EnamelError, *, step: str | None) -> None:
        """Undo everything for an error; the first one counts."""
        if self.why is None:
            self.why, self.step = error, step
        self.stopping.set()
