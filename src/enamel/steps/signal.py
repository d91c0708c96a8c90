"""The step that waits for messages from outside, for example of a server that has set itself up."""

import asyncio
from datetime import timedelta
from typing import ClassVar

from enamel.model.errors import StepTimedOut
from enamel.steps.step import Context, Outputs, Step

_MARGIN = timedelta(minutes=1)


class AwaitSignal(Step, frozen=True, kw_only=True):
    """Wait for messages that arrive over the API, whether they come before or after the step begins."""

    kind: ClassVar[str] = "signal.await"
    action: ClassVar[str] = "AWAITING_SIGNAL"
    repeatable: ClassVar[bool] = True
    waits: ClassVar[bool] = True
    calls: ClassVar[int] = 0

    name: str
    """What the messages are called, a literal; steps of the same name get the same ones."""
    count: int = 1
    """How many messages are needed, a literal."""
    within: timedelta = timedelta(hours=1)
    """The time for all of them, from the first start of the step on, whichever worker carries it out."""

    def time_limit(self) -> timedelta:
        """Return more time than the messages have, so that the step itself says which ones are missing."""
        return self.within + _MARGIN

    async def do(self, at: Context) -> Outputs:
        """Wait until there are enough messages, and return them.

        Raises:
            StepTimedOut: Too few arrived in time; its data hold those that did.
        """
        # Those that arrived while no worker was at work have arrived in time.
        received = await at.receive(self.name, -1)
        left = at.started_at + self.within - at.now()
        try:
            async with asyncio.timeout(max(0.0, left.total_seconds())):
                while len(received) < self.count:
                    received = await at.receive(self.name, len(received))
                    count = min(len(received), self.count)
                    at.tell("signal.received", {"name": self.name, "received": count, "needed": self.count})
        except TimeoutError as exc:
            raise StepTimedOut(
                f"{len(received)} of {self.count} messages '{self.name}' arrived within "
                f"{self.within.total_seconds():.0f} s.",
                remedy="Send the missing messages sooner, or give the step more time; then restart the task.",
                received=[signal.data for signal in received],
            ) from exc
        messages = [signal.data for signal in received[: self.count]]
        return {"message": messages[-1], "messages": messages}
