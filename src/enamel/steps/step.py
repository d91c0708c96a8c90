"""The step: one effect on one cloud, with the ways to do it, to find it again and to undo it.

A step's fields are its inputs. In a plan they may be references (`enamel.flow.plan.Ref`); when the runner calls it,
they are plain values again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, TypeVar

from msgspec import Struct

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.model import task
from enamel.model.cloud_reference import CloudReference
from enamel.model.errors import EnamelError, StepTimedOut
from enamel.model.signal import Signal
from enamel.model.task_key import Taken

T = TypeVar("T")

Outputs = dict[str, Any]
"""What a step made, as JSON: ids, addresses. The keys `entry` (fields of the step's server) and `entries` (the same by
hostname, of a step that serves several) update `task.servers`."""


class Retry(Struct, frozen=True, kw_only=True):
    """How often and how soon a step is tried again, as data."""

    maximum_attempts: int = 6
    initial_interval: timedelta = timedelta(seconds=0.5)
    """Time before the second attempt."""
    backoff: float = 2.0
    """By how much each interval is longer than the one before."""
    maximum_interval: timedelta = timedelta(seconds=20)
    """The longest time between two attempts."""

    def pause(self, attempt: int) -> float:
        """Return the seconds to wait after an attempt, counted from 1."""
        seconds = self.initial_interval.total_seconds() * self.backoff ** (attempt - 1)
        return min(self.maximum_interval.total_seconds(), seconds)


class Prober(Protocol):
    """Tries whether something answers at an address."""

    async def answers(self, address: str, *, ready_when: str) -> bool:
        """Tell whether the address answers as `ready_when` asks, for example `tcp/22`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a step works with."""

    cloud: driver.Cloud
    task: str
    mark: str
    """What a resource that this step makes carries, so that it can be found again: `enamel:<task>/<step>`."""
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    tell: Callable[[str, dict[str, Any]], None]
    """Puts an event on the task's timeline."""
    note: Callable[[str], None]
    """Leaves a sentence in the item, about a fall-back that was taken."""
    prober: Prober
    elsewhere: Callable[[CloudReference], driver.Cloud]
    """Opens another entry of the configuration."""
    step: Callable[[str, dict[str, Any]], "Step"]
    """Makes a step of another kind, with the inputs given."""
    started_at: datetime
    """When the step began for the first time, whichever worker it was."""
    receive: Callable[[str, int], Awaitable[Sequence[Signal]]]
    """Returns the messages of a name that have arrived for the task, as soon as there are more than a number of them."""


class Step(Struct, frozen=True, kw_only=True):
    """One effect on one cloud."""

    kind: ClassVar[str] = ""
    """Permanent name: plans in the store speak of it."""
    action: ClassVar[str] = ""
    """The word that people read in the task's items."""
    repeatable: ClassVar[bool] = False
    """Whether doing it twice is harmless, as with waits and deletions: nothing has to be found first."""
    waits: ClassVar[bool] = False
    """Whether it only waits or reads. Another step is not broken off in the middle: nobody could say whether it is done."""
    undoable: ClassVar[bool] = False
    """Whether it leaves something behind that `undo` takes away."""
    final: ClassVar[bool] = False
    """Whether nothing can be undone once it was begun: what was made before it then stays, whatever happens."""
    calls: ClassVar[int] = 1
    """API calls that it makes as a rule; a preview adds them up."""
    retry: ClassVar[Retry] = Retry()
    timeout: ClassVar[timedelta] = timedelta(minutes=5)
    """Time for one attempt."""
    requires: ClassVar[frozenset[Capability]] = frozenset()
    """What the cloud has to be able to do; a plan is refused where it is not."""
    empty_outputs: ClassVar[Outputs] = {"id": ""}
    """What the outputs look like when nothing was made."""
    per_item_input: ClassVar[str] = ""
    """Of a step that makes several things: the input that lists what is wanted …"""
    list_output: ClassVar[str] = ""
    """… and the output that lists what was made."""
    waits_for: ClassVar[str] = ""
    """Of a step that waits for a thing: the input that names it. Where the thing is broken, a restart makes a new one."""

    def time_limit(self) -> timedelta:
        """Return the time for one attempt of this very step."""
        return self.timeout

    def needs(self) -> dict[str, int]:
        """Return how much of each quota it uses up."""
        return {}

    @staticmethod
    def takes(inputs: Mapping[str, Any]) -> Iterable[Taken]:
        """Return the existing resources that it takes for itself; inputs that are references lead to new ones."""
        return ()

    async def do(self, at: Context) -> Outputs:
        """Bring the effect about and return what was made."""
        raise NotImplementedError

    async def find(self, at: Context) -> Outputs | None:
        """Return what an earlier attempt made, or None; called when the attempt's outcome is unknown."""
        return None

    async def find_leftovers(self, at: Context) -> Outputs | None:
        """Return what is to be undone of an attempt that failed or was lost, or None."""
        return await self.find(at)

    async def tidy(self, at: Context, outputs: Outputs) -> None:
        """Delete duplicates made by earlier attempts whose outcome was unknown."""

    async def undo(self, at: Context, outputs: Outputs, *, only: Collection[int] | None = None) -> None:
        """Delete what was made, and wait until the cloud answers that it is gone.

        Args:
            at: What to work with.
            outputs: The step's outputs.
            only: For a step that made several things: the indexes of those to delete.
        """

    def timeout_error(self, seconds: float) -> EnamelError:
        """Return the error of a step that timed out."""
        return StepTimedOut(f"It did not end within {seconds:.0f} s.")

    @staticmethod
    def made(outputs: Outputs) -> list[task.Made]:
        """Return what stands in the task's result for these outputs."""
        return []


def chosen(things: list[T], only: Collection[int] | None) -> list[T]:
    """Return the things at the given places; all of them where no places are given."""
    return [thing for place, thing in enumerate(things) if only is None or place in only]


async def together(*work: Awaitable[None]) -> None:
    """Do things at the same time; when some fail, the first of their errors is raised after all have ended."""
    for problem in await asyncio.gather(*work, return_exceptions=True):
        if problem is not None:
            raise problem
