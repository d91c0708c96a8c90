"""The simplest source of a watcher: a cloud that lists all of a kind, and says nothing of changes."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from enamel.clouds.watch.snapshot import Poll, Seen


class Identified(Protocol):
    """Whatever has an id."""

    @property
    def id(self) -> str:
        """Return what the cloud calls it."""


R = TypeVar("R", bound=Identified)


class Listing(Generic[R]):
    """Polls all resources of a kind."""

    tells_changes = False

    def __init__(
        self,
        every: Callable[[], Awaitable[Sequence[R]]],
        one: Callable[[str], Awaitable[R]],
        *,
        making: Callable[[R], bool] = lambda resource: False,
    ) -> None:
        """Take what is called.

        Args:
            every: Lists them all.
            one: Returns one. Raises Gone.
            making: Tells whether a resource is being made.
        """
        self._every = every
        self._one = one
        self._making = making

    async def look(self, *, since: datetime | None, ids: Collection[str]) -> Poll[R]:
        """Poll them all."""
        resources = await self._every()
        return Poll(
            seen=[Seen(id=resource.id, updated=None, value=resource) for resource in resources], at=None
        )

    async def one(self, id: str) -> R:
        """Return one. Raises Gone."""
        return await self._one(id)

    def kind(self, value: R) -> str | None:
        """Return what those that take about as long as this one share."""
        return "all" if self._making(value) else None

    def leaves(self, value: R) -> bool:
        """Tell whether it is being deleted: such a list shows it until it is."""
        return False
