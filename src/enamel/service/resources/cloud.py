"""The cloud: how its services respond to the calls of this process, and what is cached of it."""

from enamel.clouds import driver
from enamel.model import problem
from enamel.model.call_context import CallContext
from enamel.model.cloud_state import CloudState, Unusable
from enamel.model.errors import CloudError, NotFound
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.resources import paging
from enamel.service.resources.paging import Page


class CloudStates:
    """Shows how clouds are. It calls none of them: to ask a busy cloud how it is would make it busier."""

    def __init__(self, clouds: CallerClouds) -> None:
        self._clouds = clouds

    async def list(
        self, ctx: CallContext, *, limit: int = paging.LIMIT, marker: str | None = None
    ) -> Page[CloudState]:
        """Return the caller's clouds, the default one first."""
        policy.enforce(ctx, "enamel:cloud:list")
        return paging.page(
            states(self._clouds.of(ctx)),
            limit=limit,
            marker=marker,
            key=lambda state: state.name,
            what="cloud",
        )

    async def get(self, ctx: CallContext, name: str) -> CloudState:
        """Return one cloud.

        Raises:
            NotFound: The caller has no cloud of that name.
        """
        policy.enforce(ctx, "enamel:cloud:get")
        if name not in self._clouds.names(ctx):
            raise NotFound(f"There is no cloud '{name[:64]}'.")
        return _state(self._clouds.of(ctx), name)


def states(clouds: driver.Clouds) -> list[CloudState]:
    """Return the state of every cloud, the default one first."""
    return [_state(clouds, name) for name in clouds.names()]


def _state(clouds: driver.Clouds, name: str) -> CloudState:
    try:
        return clouds.get(name).state()
    except CloudError as error:
        # An entry that lacks its password is listed all the same.
        return CloudState(name=name, unusable=Unusable(since=None, problem=problem.of(error)))
