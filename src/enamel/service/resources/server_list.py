"""The servers of a caller, on all of their clouds."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from msgspec import Struct

from enamel.clouds import driver
from enamel.model import cloud as cloud_model
from enamel.model import problem, role
from enamel.model.action import Action
from enamel.model.call_context import CallContext
from enamel.model.errors import CloudError, CloudUnreachable, EnamelError, Fault, Invalid, NotFound
from enamel.model.problem import Problem
from enamel.model.states import PowerState
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.planning.server_locator import ServerLocator
from enamel.service.resources import naming, paging, server
from enamel.service.resources.paging import Page
from enamel.service.resources.server import Server
from enamel.service.resources.view_cache import ViewCache

MOST_VIEWS = 64
"""For how many identities the records of servers are remembered."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which servers to list; an empty field matches all."""

    since: datetime | None = None
    virt_states: tuple[server.VirtState, ...] = ()
    power_states: tuple[PowerState, ...] = ()
    launched_by: tuple[str, ...] = ()

    def matches(self, server: Server) -> bool:
        """Return whether a server is listed."""
        return (
            (self.since is None or (server.updated_at is not None and server.updated_at >= self.since))
            and (not self.virt_states or server.virt_state in self.virt_states)
            and (not self.power_states or server.power_state in self.power_states)
            and (not self.launched_by or server.launched_by in self.launched_by)
        )


EVERYTHING = Filter()


class ServerPage(Struct, frozen=True, kw_only=True):
    """A page of servers, the newest first."""

    page: Page[Server]
    silent: tuple[Problem, ...] = ()
    """Clouds that did not answer, each with the reason: their servers are not in the list."""


class Servers:
    """Lists and shows servers."""

    def __init__(self, clouds: CallerClouds, *, locator: ServerLocator) -> None:
        self._clouds = clouds
        self._locator = locator
        self._views: dict[
            tuple[str, cloud_model.Identity, frozenset[Action]], ViewCache[cloud_model.Server, Server]
        ] = {}

    async def list(
        self,
        ctx: CallContext,
        *,
        cloud: str | None = None,
        project: str | None = None,
        matching: Filter = EVERYTHING,
        limit: int = paging.LIMIT,
        marker: str | None = None,
    ) -> ServerPage:
        """Return the servers of the caller's own project on each cloud, or those of one project.

        Of several entries for one cloud only the first is asked: the others are other accounts.

        Raises:
            Invalid: No server has the marker for its id.
            NotFound: The project is not the caller's, who is no operator either.
            CloudError: No cloud answers.
        """
        policy.enforce(ctx, "enamel:server:list")
        servers, silent = await self._all(ctx, cloud=cloud, project=project)
        page = paging.page(
            servers,
            limit=limit,
            marker=marker,
            key=lambda server: server.id,
            what="server",
            keep=matching.matches,
        )
        return ServerPage(page=page, silent=silent)

    async def get(self, ctx: CallContext, id: str, *, cloud: str | None = None) -> Server:
        """Return one server of the caller's project.

        Raises:
            NotFound: There is none, or it belongs to another project.
        """
        policy.enforce(ctx, "enamel:server:get")
        return await self.record(ctx, id, cloud=cloud)

    async def record(self, ctx: CallContext, id: str, *, cloud: str | None = None) -> Server:
        """Return one server, as part of another use case. Raises NotFound."""
        existing, account = await self._locator.find(ctx, id, cloud=cloud, seen=True)
        me = await account.identity()
        return server.record(existing, cloud=account.name, me=me, offered=offered(ctx, account, me))

    async def named(
        self, ctx: CallContext, hostname: str, *, project: str, cloud: str | None = None
    ) -> Server:
        """Return the server of a name.

        Raises:
            NotFound: The project has none.
            Invalid: It has several.
        """
        policy.enforce(ctx, "enamel:server:get")
        servers, silent = await self._all(ctx, cloud=cloud, project=project)
        fitting = [server for server in servers if server.hostname == hostname]
        if not fitting and silent:
            raise CloudUnreachable(silent[0].detail, cloud=silent[0].cloud)
        if not fitting:
            raise NotFound(f"There is no server '{hostname[:255]}' in the project.")
        if len(fitting) > 1:
            listed = ", ".join(server.id for server in fitting)
            detail = f"Several servers have the name '{hostname[:255]}': {listed}."
            raise Invalid(detail, faults=(Fault(pointer="", detail=detail, code="ambiguous"),))
        return fitting[0]

    async def id_of(self, ctx: CallContext, text: str, *, cloud: str | None = None) -> str:
        """Return the id of the server that a text names. Raises as `naming.id_of` does."""
        policy.enforce(ctx, "enamel:server:list")

        async def pairs(account: driver.Cloud) -> naming.Pairs:
            me = await account.identity()
            own = {"", me.project_id}
            servers = await account.servers_list()
            return [(server.id, server.name) for server in servers if server.project_id in own]

        return await naming.id_of(self._clouds, ctx, text, cloud=cloud, what="servers", listed=pairs)

    async def _all(
        self, ctx: CallContext, *, cloud: str | None, project: str | None
    ) -> tuple[Sequence[Server], tuple[Problem, ...]]:
        """Return all servers of a project, the newest first, and why those of some clouds are missing."""
        accounts, broken = self._clouds.sites(ctx, cloud)
        answers = await self._clouds.ask(
            ctx, accounts, lambda account: self._of(ctx, account, project=project)
        )
        failures = [*(answer for answer in answers if isinstance(answer, EnamelError)), *broken]
        for failure in failures:
            if not isinstance(failure, CloudError | NotFound):
                raise failure
        if len(failures) == len(answers) + len(broken):
            # That the project is nobody's is said only where nothing else went wrong.
            raise next((failure for failure in failures if isinstance(failure, CloudError)), failures[0])
        servers = [server for answer in answers if not isinstance(answer, EnamelError) for server in answer]
        servers.sort(
            key=lambda server: (server.created_at is not None, server.created_at, server.id), reverse=True
        )
        silent = tuple(problem.of(failure) for failure in failures if isinstance(failure, CloudError))
        return servers, silent

    async def _of(self, ctx: CallContext, account: driver.Cloud, *, project: str | None) -> Sequence[Server]:
        """Return the servers of a project on one cloud."""
        me = await account.identity()
        if project is None or project == me.project_id:
            own = {"", me.project_id}
            servers = [server for server in await account.servers_list() if server.project_id in own]
        elif role.is_admin(me.roles):
            servers = [*await account.servers_of(project)]
        else:
            raise NotFound(f"There is no project '{project[:64]}'.")
        for listed in servers:
            self._locator.saw(ctx, listed.id, on=account.name)
        view = self._view(account, me, offered=offered(ctx, account, me))
        return [view.of(listed) for listed in servers]

    def _view(
        self, account: driver.Cloud, me: cloud_model.Identity, *, offered: frozenset[Action]
    ) -> ViewCache[cloud_model.Server, Server]:
        """Return the records of a cloud's servers, as somebody with this identity and these actions sees them."""
        key = (account.name, me, offered)
        view = self._views.pop(key, None)
        if view is None:
            view = ViewCache(partial(server.record, cloud=account.name, me=me, offered=offered))
        self._views[key] = view
        if len(self._views) > MOST_VIEWS:
            del self._views[next(iter(self._views))]
        return view


def offered(ctx: CallContext, account: driver.Cloud, me: cloud_model.Identity) -> frozenset[Action]:
    """Return the actions that a cloud's driver can carry out and that the caller may ask for."""
    return frozenset(
        action
        for action in account.actions()
        if policy.allows(ctx, policy.of_command(action.command), roles=me.roles)
    )
