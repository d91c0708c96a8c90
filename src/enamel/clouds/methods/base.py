"""What all groups of a driver's methods share: the cloud's name, the watcher, and the refusal."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn, Protocol, TypeVar

from enamel.clouds import capability
from enamel.clouds.capability import Capability
from enamel.model.errors import CapabilityMissing

T_co = TypeVar("T_co", covariant=True)


class Watch(Protocol[T_co]):
    """The one poller that every waiter for a kind of resource of a project subscribes to.

    However many wait, the cloud sees one detailed list per interval. The interval adapts: short while something is
    due, longer when nothing moves.
    """

    async def until(
        self,
        id: str,
        done: Callable[[T_co | None], bool],
        *,
        due: timedelta | None = None,
        seen: Callable[[T_co], None] | None = None,
    ) -> T_co | None:
        """Return the resource as soon as `done` is true of a fresh poll of it; None means that it is gone.

        Args:
            id: The resource that is waited for.
            done: Called with each fresh poll, and with None when the cloud has forgotten the resource (a list that
                merely misses it once is not believed). It may raise: the exception reaches the waiter.
            due: When the waiter expects it, from now; the watcher polls little before that.
            seen: Called with each fresh poll, for progress.
        """


class Unwatched:
    """The watcher of a kind of resource that a cloud does not have."""

    def __init__(self, needed: Capability) -> None:
        self._needed = needed

    async def until(
        self, id: str, done: Callable[[Any], bool], *, due: timedelta | None = None, seen: Any = None
    ) -> NoReturn:
        """Raise CapabilityMissing."""
        raise CapabilityMissing(f"The cloud does not offer '{self._needed.value}'.")


class Methods(Protocol):
    """A group of methods of one project on one cloud."""

    name: str
    """Entry of the configuration."""

    def missing(self, method: str) -> CapabilityMissing:
        """Return the error of a method that this driver does not have."""
        return capability.missing(method, cloud=self.name)
