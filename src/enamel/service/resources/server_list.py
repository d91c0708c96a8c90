"""The estate: the servers that a caller has, on all of their clouds."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct

from enamel.clouds import driver
from enamel.model import cloud
from enamel.model.errors import CloudError, CloudUnreachable, Fault, Invalid, NotFound
from enamel.model.problem import Problem, of
from enamel.model.states import PowerState
from enamel.service.planning.server_locator import ServerLocator
from enamel.service.resources import server
from enamel.service.resources.server import Server
from enamel.service.resources.view_cache import ViewCache

PATIENCE = timedelta(seconds=10)
"""How long a list waits for a cloud among several."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which servers are wanted; what has no value lets all pass."""

    since: datetime | None = None
    virt_states: tuple[server.VirtState, ...] = ()
    power_states: tuple[PowerState, ...] = ()
    launched_by: tuple[str, ...] = ()
    hostname: str | None = None

    def passes(self, one: Server) -> bool:
        """Tell whether a server is wanted."""
        return (
            (self.since is None or (one.updated_at is not None and one.updated_at >= self.since))
            and (not self.virt_states or one.virt_state in self.virt_states)
            and (not self.power_states or one.power_state in self.power_states)
            and (not self.launched_by or one.launched_by in self.launched_by)
            and (self.hostname is None or one.hostname == self.hostname)
        )


class Estate(Struct, frozen=True, kw_only=True):
    """The servers of a project, as far as they are known."""

    servers: tuple[Server, ...]
    """The newest first."""
    silent: tuple[Problem, ...] = ()
    """Clouds that did not answer, each with the reason: their servers are not in the list."""


class Project(Struct, frozen=True, kw_only=True):
    """A project of the caller's."""

    id: str
    name: str
    clouds: tuple[str, ...]
    """Where it is."""


class ServerInventory:
    """Looks over the clouds of a caller: of several entries for one cloud the first, for the others are other accounts."""

    def __init__(self, clouds: driver.Clouds, *, whereabouts: ServerLocator) -> None:
        self._clouds = clouds
        self._whereabouts = whereabouts
        self._forms: dict[tuple[str, cloud.Identity], ViewCache[cloud.Server, Server]] = {}

    async def servers(self, *, project: str | None = None) -> Estate:
        """Return the servers of the caller's own project on each cloud, or those of one project.

        Raises:
            NotFound: The project is not the caller's, who is no operator either.
            CloudError: No cloud answers.
        """
        own, broken = self._own()
        looks = await asyncio.gather(
            *(self._look(where, project=project) for where in own), return_exceptions=True
        )
        failed = [*(look for look in looks if isinstance(look, BaseException)), *broken]
        for error in failed:
            if not isinstance(error, CloudError | NotFound):
                raise error
        if len(failed) == len(looks) + len(broken):
            # That the project is nobody's is said only where nothing else went wrong.
            raise next((error for error in failed if isinstance(error, CloudError)), failed[0])
        found = [one for look in looks if not isinstance(look, BaseException) for one in look]
        found.sort(key=lambda one: (one.created_at is not None, one.created_at, one.id), reverse=True)
        silent = tuple(of(error) for error in failed if isinstance(error, CloudError))
        return Estate(servers=tuple(found), silent=silent)

    async def project(self, id: str) -> Project:
        """Return one of the caller's projects.

        Raises:
            NotFound: It is not the caller's.
            CloudError: A cloud that could tell does not answer.
        """
        own, _ = self._own()
        looks = await asyncio.gather(*(where.identity() for where in own), return_exceptions=True)
        mine = [
            (where.name, look.project_name)
            for where, look in zip(own, looks, strict=True)
            if isinstance(look, cloud.Identity) and look.project_id == id
        ]
        for look in looks:
            if isinstance(look, BaseException) and not (mine and isinstance(look, CloudError)):
                raise look
        if not mine:
            raise NotFound(f"There is no project '{id[:64]}'.")
        return Project(id=id, name=mine[0][1], clouds=tuple(name for name, _ in mine))

    async def named(self, project: str, hostname: str) -> Server:
        """Return the server of a name.

        Raises:
            NotFound: The project has none.
            Invalid: It has several.
        """
        found = await self.servers(project=project)
        fitting = [one for one in found.servers if one.hostname == hostname]
        if not fitting and found.silent:
            raise CloudUnreachable(found.silent[0].detail, cloud=found.silent[0].cloud)
        if not fitting:
            raise NotFound(f"There is no server '{hostname[:255]}' in the project.")
        if len(fitting) > 1:
            listed = ", ".join(one.id for one in fitting)
            detail = f"Several servers have the name '{hostname[:255]}': {listed}."
            raise Invalid(detail, faults=(Fault(pointer="", detail=detail, code="ambiguous"),))
        return fitting[0]

    def _own(self) -> tuple[Sequence[driver.Cloud], Sequence[CloudError]]:
        """Return the clouds that a caller's servers can be on, and why others cannot even be asked."""
        first: dict[str, driver.Cloud] = {}
        broken = []
        for name in self._clouds.names():
            try:
                where = self._clouds.get(name)
            except CloudError as error:
                broken.append(error)
            else:
                first.setdefault(where.site, where)
        return list(first.values()), broken

    async def _look(self, where: driver.Cloud, *, project: str | None) -> list[Server]:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                me = await where.identity()
                if project is None or project == me.project_id:
                    found = [
                        one for one in await where.servers_list() if one.project_id in {"", me.project_id}
                    ]
                elif server.is_elevated(me):
                    found = list(await where.servers_of(project))
                else:
                    raise NotFound(f"There is no project '{project[:64]}'.")
        except TimeoutError as error:
            detail = f"Cloud '{where.name}' did not answer within {PATIENCE.total_seconds():.0f} s."
            raise CloudUnreachable(detail, cloud=where.name) from error
        for one in found:
            self._whereabouts.seen(one.id, on=where.name)
        shown = self._forms.get((where.name, me))
        if shown is None:
            shown = ViewCache(partial(server.resource, cloud=where.name, me=me, offered=where.actions()))
            self._forms[where.name, me] = shown
        return [shown.of(one) for one in found]
