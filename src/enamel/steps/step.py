"""The step: one effect on one cloud, with the ways to do it, to find it again and to undo it.

A step's fields are its inputs. In a plan they may be references (`enamel.flow.plan.Ref`); when the runner calls it,
they are plain values again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec
from msgspec import Struct

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.model import problem, task
from enamel.model.cloud_reference import CloudReference
from enamel.model.errors import (
    ActionFailed,
    CloudConflict,
    CloudRefused,
    EnamelError,
    Gone,
    ImageFailed,
    Obstructed,
    ServerFailed,
    StepTimedOut,
    VolumeFailed,
)
from enamel.model.signal import Signal
from enamel.model.task_key import Taken

T = TypeVar("T")

Outputs = dict[str, Any]
"""What a step made, as JSON: ids, addresses. The keys `entry` (fields of the step's server) and `entries` (the same by
hostname, of a step that serves several) update `task.servers`."""


class Retry(Struct, frozen=True, kw_only=True):
    """After which errors a step is tried again, how often and how soon, as data."""

    maximum_attempts: int = 6
    initial_interval: timedelta = timedelta(seconds=0.5)
    """Time before the second attempt."""
    backoff: float = 2.0
    """By how much each interval is longer than the one before."""
    maximum_interval: timedelta = timedelta(seconds=20)
    """The longest time between two attempts."""
    errors: tuple[str, ...] = ()
    """Codes of the errors after which it is tried again, beside those that are retryable in general."""

    def applies(self, error: EnamelError, *, attempt: int) -> bool:
        """Tell whether the step is tried again after an attempt, counted from 1, that ended with an error."""
        # A step that timed out has had all its time.
        passing = error.retryable and not isinstance(error, StepTimedOut)
        return (passing or error.code in self.errors) and attempt < self.maximum_attempts

    def pause(self, attempt: int, error: EnamelError) -> float:
        """Return the seconds to wait after an attempt, counted from 1, that ended with an error."""
        seconds = self.initial_interval.total_seconds() * self.backoff ** (attempt - 1)
        asked = float(error.data.get("retry_after") or 0)
        return max(asked, min(self.maximum_interval.total_seconds(), seconds))


IN_USE = (CloudConflict.code,)
"""The errors of what is in use at this moment and free a moment later, as codes."""
UNDO = Retry(
    maximum_attempts=12,
    maximum_interval=timedelta(seconds=15),
    errors=tuple(
        kind.code
        for kind in (CloudConflict, CloudRefused, ActionFailed, ImageFailed, ServerFailed, VolumeFailed)
    ),
)
"""How what a step has made is undone, in a roll-back and in a revert alike: it is tried long, about two minutes."""
UNDO_TIMEOUT = timedelta(minutes=10)
"""Time for undoing one step once."""


ASK_AGAIN_AFTER = 60.0
"""Seconds without an effect after which a cloud is asked for it again."""


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
    undone_after_server: ClassVar[bool] = False
    """Whether it gives a server something that it would miss, and is undone only after the server itself."""
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


async def in_time(at: Context, work: Coroutine[Any, Any, T], *, seconds: float) -> T:
    """Return what work comes to, if it ends soon enough.

    Raises:
        TimeoutError: It does not; it is cancelled.
    """
    running = asyncio.ensure_future(work)
    try:
        if not await _ends(at, running, seconds=seconds):
            raise TimeoutError
        return running.result()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def insist(
    at: Context, ask: Callable[[], Awaitable[None]], wait: Callable[[], Coroutine[Any, Any, T]]
) -> T:
    """Ask for an effect that may be asked for twice, and wait for it; ask again each time that it is long in coming.

    A cloud can lose what it has accepted: the message to the host, or the host itself.

    Raises:
        EnamelError: The cloud refuses it, or what is waited for has failed.
    """
    await ask()
    # One wait for all requests: what it has seen yet counts on.
    waiting = asyncio.ensure_future(wait())
    try:
        while not await _ends(at, waiting, seconds=ASK_AGAIN_AFTER):
            at.note(f"It was asked for again after {ASK_AGAIN_AFTER:.0f} s without an effect.")
            try:
                await ask()
            except Obstructed:
                raise
            except (CloudConflict, CloudRefused, Gone):
                # The first request is at work, or has just been carried out.
                continue
        return waiting.result()
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def _ends(at: Context, work: asyncio.Future[T], *, seconds: float) -> bool:
    """Tell whether work ends soon enough; it goes on if it does not."""
    limit = asyncio.ensure_future(at.sleep(seconds))
    try:
        both: set[asyncio.Future[Any]] = {work, limit}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        return work.done()
    finally:
        limit.cancel()
        await asyncio.gather(limit, return_exceptions=True)


def failed_outputs(refusals: Mapping[int, EnamelError]) -> Outputs:
    """Return the outputs of a step for several servers that say for which places it has failed, and why."""
    if not refusals:
        return {}
    failed = {str(place): msgspec.to_builtins(problem.of(error)) for place, error in refusals.items()}
    return {"failed": failed, "undone": sorted(refusals)}


def failed_places(outputs: Outputs) -> dict[int, problem.Problem]:
    """Return the places for which a step for several servers has failed, and why."""
    failed = outputs.get("failed", {})
    return {int(place): msgspec.convert(why, problem.Problem) for place, why in failed.items()}


def chosen(things: list[T], only: Collection[int] | None) -> list[T]:
    """Return the things at the given places; all of them where no places are given."""
    return [thing for place, thing in enumerate(things) if only is None or place in only]


async def together(*work: Awaitable[None]) -> None:
    """Do things at the same time; when some fail, the first of their errors is raised after all have ended."""
    errors = [error for error in await asyncio.gather(*work, return_exceptions=True) if error]
    # That one thing is gone says nothing about the others.
    for error in sorted(errors, key=lambda error: isinstance(error, Gone)):
        raise error
