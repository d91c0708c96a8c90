"""The server locator: on which of the caller's clouds each server is."""

from enamel.clouds import driver
from enamel.model import cloud as cloud_model
from enamel.model import ids, role
from enamel.model.call_context import CallContext
from enamel.model.errors import CloudError, Gone, NotFound
from enamel.model.task import Task
from enamel.service.access.clouds import CallerClouds
from enamel.store import engine, tasks

MOST = 10_000
"""How many servers are remembered."""


class ServerLocator:
    """Finds servers, first where the newest task about them says."""

    def __init__(self, store: engine.Store, *, clouds: CallerClouds) -> None:
        self._store = store
        self._clouds = clouds
        self._seen: dict[tuple[str, str], str] = {}

    async def cloud_of(self, ctx: CallContext, id: str) -> str:
        """Return the name of the cloud that a server is on; the default one if no cloud has it."""
        likely = await self._likely(ctx, id)
        if len(likely) == 1:
            return likely[0]
        try:
            _, account = await self._find(ctx, likely, id, seen=True)
        except Gone:
            return likely[0]
        return account.name

    async def find(
        self, ctx: CallContext, id: str, *, cloud: str | None = None, seen: bool = False
    ) -> tuple[cloud_model.Server, driver.Cloud]:
        """Return a server and the caller's account on its cloud.

        Args:
            ctx: Who asks.
            id: The server.
            cloud: The only cloud to ask; all that may have it if None.
            seen: Whether what the last poll saw is good enough: many who read cost one list together.

        Raises:
            NotFound: No cloud has a server of that id that the caller may see.
            CloudError: A cloud that may have it does not answer.
        """
        canonical = ids.canonical(id)
        names = await self._likely(ctx, canonical) if cloud is None else self._clouds.names(ctx, cloud)
        try:
            return await self._find(ctx, names, canonical, seen=seen)
        except Gone as error:
            raise NotFound(f"There is no server '{id[:64]}'.") from error

    def saw(self, ctx: CallContext, id: str, *, on: str) -> None:
        """Remember where a server is."""
        self._seen[ctx.caller.project_id, id] = on
        if len(self._seen) > MOST:
            del self._seen[next(iter(self._seen))]

    async def _likely(self, ctx: CallContext, id: str) -> tuple[str, ...]:
        """Return the clouds that a server can be on: the one that is known to have it, or all of them."""
        names = self._clouds.names(ctx)
        if len(names) == 1:
            return names
        known = self._seen.get((ctx.caller.project_id, id))
        if known is None:
            newest = await self._store.read(tasks.list, project_id=ctx.caller.project_id, server=id, limit=1)
            known = _cloud_of(newest[0], id) if newest else None
        return (known,) if known in names and known is not None else names

    async def _find(
        self, ctx: CallContext, names: tuple[str, ...], id: str, *, seen: bool
    ) -> tuple[cloud_model.Server, driver.Cloud]:
        silent: CloudError | None = None
        clouds = self._clouds.of(ctx)
        for name in names:
            try:
                account = clouds.get(name)
                server = await (account.server_seen(id) if seen else account.server(id))
                me = await account.identity()
            except Gone:
                continue
            except CloudError as error:
                silent = silent or error
                continue
            # A driver without projects reports none; operators may see those of others.
            if server.project_id in {"", me.project_id} or role.is_admin(me.roles):
                self.saw(ctx, server.id, on=name)
                return server, account
        raise silent or Gone(f"There is no server {id}.")


def _cloud_of(newest: Task, id: str) -> str | None:
    """Return the cloud on which a task has a server; None if it does not say yet.

    A server that was transferred is in another project, to which another entry may lead.
    """
    if newest.type == "server.transfer":
        return None
    return next((entry.cloud for entry in newest.servers if entry.id == id), None)
