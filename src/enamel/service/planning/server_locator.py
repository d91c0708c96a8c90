"""The whereabouts of servers: on which of the clouds each is."""

from enamel.clouds import driver
from enamel.model import cloud
from enamel.model.caller import Caller
from enamel.model.errors import CloudError, Gone
from enamel.model.task import Task
from enamel.service.resources import server
from enamel.store import engine, tasks

MANY = 10_000
"""So many servers are remembered."""


class ServerLocator:
    """Finds servers, first where the newest task about them says."""

    def __init__(self, store: engine.Store, *, clouds: driver.Clouds) -> None:
        self._store = store
        self._clouds = clouds
        self._seen: dict[str, str] = {}

    async def cloud_of(self, caller: Caller, id: str) -> str:
        """Return the name of the cloud that a server is on; the default one where nobody knows the server."""
        likely = await self._likely(caller, id)
        if len(likely) == 1:
            return likely[0]
        try:
            _, where = await self._found(likely, id, seen=True)
        except Gone:
            return likely[0]
        return where.name

    async def find(self, caller: Caller, id: str, *, seen: bool = False) -> tuple[cloud.Server, driver.Cloud]:
        """Return a server and its cloud.

        Args:
            caller: Who asks.
            id: The server.
            seen: Whether a look does that is a moment old: many who read cost one list together.

        Raises:
            Gone: No cloud has it in the caller's project there.
            CloudError: A cloud that may have it does not answer.
        """
        return await self._found(await self._likely(caller, id), id, seen=seen)

    def seen(self, id: str, *, on: str) -> None:
        """Take note of where a server is."""
        self._seen[id] = on
        if len(self._seen) > MANY:
            del self._seen[next(iter(self._seen))]

    async def _likely(self, caller: Caller, id: str) -> list[str]:
        """Return the clouds that a server can be on: the one that is known to have it, or all of them."""
        names = list(self._clouds.names())
        if len(names) == 1:
            return names
        if self._seen.get(id) in names:
            return [self._seen[id]]
        newest = await self._store.read(tasks.list, project_id=caller.project_id, server=id, limit=1)
        told = _told(newest[0], id) if newest else None
        return [told] if told in names and told is not None else names

    async def _found(self, names: list[str], id: str, *, seen: bool) -> tuple[cloud.Server, driver.Cloud]:
        silent: CloudError | None = None
        for name in names:
            try:
                where = self._clouds.get(name)
                found = await (where.server_seen(id) if seen else where.server(id))
                me = await where.identity()
            except Gone:
                continue
            except CloudError as error:
                silent = silent or error
                continue
            # A driver without projects tells of none; an operator may look at everybody's.
            if found.project_id in {"", me.project_id} or server.is_elevated(me):
                self.seen(found.id, on=name)
                return found, where
        raise silent or Gone(f"There is no server {id}.")


def _told(newest: Task, id: str) -> str | None:
    """Return the cloud that a task says its server is on; None where it does not say yet.

    A server that was transferred is in another project, to which another entry may lead.
    """
    if newest.type == "server.transfer":
        return None
    return next((entry.cloud for entry in newest.servers if entry.id == id), None)
