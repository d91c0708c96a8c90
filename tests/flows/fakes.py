"""A cloud of marks, steps that make them, and a journal that dies: for plans that nobody would write by hand."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import Any, ClassVar, cast

import msgspec

from enamel.clouds import driver
from enamel.clouds.calls import fence
from enamel.model import errors, item, task
from enamel.model.errors import LeaseLost
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.steps.step import Context, Outputs, Retry, Step, chosen


class Marks:
    """A cloud on which there is nothing but marks, and what is to go wrong with each of them."""

    name = "fake"

    def __init__(self, script: Mapping[str, Sequence[str]], *, hopeless: Collection[str] = ()) -> None:
        """Prepare the cloud.

        Args:
            script: What goes wrong at first with the effects of a step, one after the other.
            hopeless: Steps (`name`, or `name~1` for their second placement) that always fail.
        """
        self.there: Counter[tuple[str, int]] = Counter()
        """Things by mark and place."""
        self.pen: Pen | None = None
        """Who writes for the worker that is at work."""
        self.late: list[str] = []
        """Marks of what was changed for a worker that was dead by then."""
        self._script = {name: list(words) for name, words in script.items()}
        self._hopeless = hopeless

    async def make(self, mark: str, places: int, *, where: int) -> None:
        """Make the things of a step, unless something goes wrong."""
        await asyncio.sleep(0)
        self._change(mark)
        name = mark.split("/")[1].split("~")[0]
        word = self._script[name].pop(0) if self._script.get(name) else "well"
        if word == "busy":
            raise errors.CloudBusy("Not now.")
        if word == "lost before":
            raise errors.OutcomeUnknown("Nobody knows.")
        if name in self._hopeless or f"{name}~{where}" in self._hopeless:
            raise errors.NoValidHost("There is no room.")
        for place in range(places):
            self.there[mark, place] += 1
        await asyncio.sleep(0)
        if word == "lost after":
            raise errors.OutcomeUnknown("Nobody knows.")

    async def remove(self, mark: str, place: int) -> None:
        """Take a thing away, whether it is there or not."""
        await asyncio.sleep(0)
        self._change(mark)
        self.there.pop((mark, place), None)

    def _change(self, mark: str) -> None:
        """Let a change through, as drivers do, only as long as the fence does; and see who makes it."""
        fence.check()
        if self.pen is not None and not self.pen.alive():
            self.late.append(mark)


def _marks(at: Context) -> Marks:
    return cast(Marks, at.cloud)


class Make(Step, frozen=True, kw_only=True):
    """Make some things that carry this step's mark."""

    kind: ClassVar[str] = "fake.make"
    action: ClassVar[str] = "MAKING"
    undoable: ClassVar[bool] = True
    retry: ClassVar[Retry] = Retry(maximum_attempts=6)
    list_output: ClassVar[str] = "places"

    places: int = 1
    builds_on: tuple[str, ...] = ()
    where: int | None = None

    async def do(self, at: Context) -> Outputs:
        assert all(_marks(at).there[mark, 0] for mark in self.builds_on), "made before what it builds on"
        await _marks(at).make(at.mark, self.places, where=self.where or 0)
        return {"mark": at.mark, "places": list(range(self.places))}

    async def find(self, at: Context) -> Outputs | None:
        await asyncio.sleep(0)
        there = [place for mark, place in _marks(at).there if mark == at.mark]
        return {"mark": at.mark, "places": sorted(there)} if there else None

    async def undo(self, at: Context, made: Outputs, *, only: Collection[int] | None = None) -> None:
        for place in chosen(list(range(self.places)), only):
            await _marks(at).remove(made["mark"], place)


class Wait(Step, frozen=True, kw_only=True):
    """Wait for something, which may fail."""

    kind: ClassVar[str] = "fake.wait"
    action: ClassVar[str] = "WAITING"
    repeatable: ClassVar[bool] = True
    builds_on: tuple[str, ...] = ()
    where: int | None = None

    async def do(self, at: Context) -> Outputs:
        for _ in range(3):
            await asyncio.sleep(0)
        await _marks(at).make(at.mark, 0, where=self.where or 0)
        return {"mark": ""}


class Clouds:
    """One cloud."""

    def __init__(self, cloud: Marks) -> None:
        self._cloud = cast(driver.Cloud, cloud)

    def names(self) -> Sequence[str]:
        return ["fake"]

    def get(self, name: str, *, project: str | None = None) -> driver.Cloud:
        return self._cloud

    async def close(self) -> None:
        """There is nothing to close."""


class Store:
    """What is safe of a task, as a worker's journal and its successor see it."""

    def __init__(self, accepted: Task, items: Sequence[Item]) -> None:
        self.task = accepted
        self.items = {one.name: one for one in items}
        self.events: list[Event] = [
            Event(task=accepted.id, seq=1, time=accepted.created_at, type="task.accepted")
        ]

    def claim(self) -> tuple[Task, tuple[Item, ...]]:
        """Give the task to the next worker, as the store does: what ran is uncertain."""
        for name, one in self.items.items():
            if one.state is item.State.RUNNING:
                self.items[name] = msgspec.structs.replace(one, uncertain=True)
        self.task = msgspec.structs.replace(
            self.task,
            state=task.State.RUNNING,
            attempt=self.task.attempt + 1,
            events=max(self.task.events, len(self.events)),
        )
        return self.task, tuple(self.items.values())


class Pen:
    """Writes for one worker until it dies, after so many writes."""

    def __init__(self, store: Store, *, writes: int | None) -> None:
        self._store = store
        self._left = writes

    def alive(self) -> bool:
        return self._left is None or self._left > 0

    def save(
        self, task: Task | None = None, *, items: Sequence[Item] = (), events: Sequence[Event] = ()
    ) -> Awaitable[None]:
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self.alive():
            written.set_exception(LeaseLost())
            return written
        if self._left is not None:
            self._left -= 1
        if task is not None:
            wish = self._store.task.cancel_requested
            self._store.task = msgspec.structs.replace(task, cancel_requested=wish)
        self._store.items.update({one.name: one for one in items})
        self._store.events += events
        asyncio.get_running_loop().call_soon(_confirm, written)
        return written


def _confirm(written: asyncio.Future[None]) -> None:
    if not written.done():
        written.set_result(None)


class NoSecrets:
    async def get(self, reference: str) -> bytes:
        raise errors.SecretMissing(reference)


class NoProber:
    async def answers(self, address: str, *, ready_when: str) -> bool:
        return True


def data(made: Make | Wait) -> dict[str, Any]:
    """Return a step's inputs as a plan holds them."""
    found: dict[str, Any] = msgspec.to_builtins(made)
    return found
