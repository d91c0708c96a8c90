"""The project: where what belongs to it is found."""

from msgspec import Struct

from enamel.clouds import driver
from enamel.model import cloud as cloud_model
from enamel.model.call_context import CallContext
from enamel.model.errors import CloudError, EnamelError, NotFound
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.resources import naming


class Project(Struct, frozen=True, kw_only=True):
    """A project of the caller's."""

    id: str
    name: str
    clouds: tuple[str, ...]
    """The clouds that it is on."""


class Projects:
    """Shows projects."""

    def __init__(self, clouds: CallerClouds) -> None:
        self._clouds = clouds

    async def get(self, ctx: CallContext, id: str, *, cloud: str | None = None) -> Project:
        """Return one of the caller's projects.

        Raises:
            NotFound: It is not the caller's.
            CloudError: A cloud that may have it does not answer.
        """
        policy.enforce(ctx, "enamel:project:get")
        accounts, _ = self._clouds.sites(ctx, cloud)
        answers = await self._clouds.ask(ctx, accounts, lambda account: account.identity())
        own = [
            (account.name, answer.project_name)
            for account, answer in zip(accounts, answers, strict=True)
            if isinstance(answer, cloud_model.Identity) and answer.project_id == id
        ]
        for answer in answers:
            if isinstance(answer, EnamelError) and not (own and isinstance(answer, CloudError)):
                raise answer
        if not own:
            raise NotFound(f"There is no project '{id[:64]}'.")
        return Project(id=id, name=own[0][1], clouds=tuple(name for name, _ in own))

    async def id_of(self, ctx: CallContext, text: str, *, cloud: str | None = None) -> str:
        """Return the id of the caller's project that a text names. Raises as `naming.id_of` does."""
        policy.enforce(ctx, "enamel:project:get")

        async def pairs(account: driver.Cloud) -> naming.Pairs:
            me = await account.identity()
            return [(me.project_id, me.project_name)]

        return await naming.id_of(self._clouds, ctx, text, cloud=cloud, what="projects", listed=pairs)
