"""The change of a server: another name, or another project."""

from typing import Any

from enamel.model import ids
from enamel.model.call_context import CallContext
from enamel.model.errors import Fault, Invalid, NameTaken
from enamel.model.server_change import ServerChange
from enamel.service.access import policy
from enamel.service.planning.server_locator import ServerLocator
from enamel.service.resources.server import Server
from enamel.service.resources.server_list import Servers
from enamel.service.tasks.submit import Outcome, Submit
from enamel.service.validation import body


class ServerChanges:
    """Renames servers, and accepts their transfer to other projects."""

    def __init__(self, locator: ServerLocator, *, servers: Servers, submit: Submit) -> None:
        self._locator = locator
        self._servers = servers
        self._submit = submit

    async def change(
        self,
        ctx: CallContext,
        id: str,
        data: Any,
        *,
        cloud: str | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Server | Outcome:
        """Rename a server and return it, or accept or preview its transfer.

        Raises:
            Invalid: The body has faults, or names nothing to change.
            NotFound: There is no such server.
            NameTaken: Another server of the project has the name.
            Forbidden, QuotaExceeded, WrongState, CloudError: As `Submit.command` does.
        """
        request = _read(id, data)
        if request.project_id is not None:
            return await self._submit.command(
                ctx,
                "server.transfer",
                data,
                cloud=cloud,
                params={"server": ids.canonical(id)},
                dry_run=dry_run,
                idempotency_key=idempotency_key,
            )
        if request.hostname is None or request.network is not None:
            detail = "Name what to change: `hostname`, or `project_id` and what goes with it."
            raise Invalid(detail, faults=(Fault(pointer="", detail=detail, code="required"),))
        return await self.rename(ctx, id, request.hostname, cloud=cloud, dry_run=dry_run)

    async def rename(
        self, ctx: CallContext, id: str, name: str, *, cloud: str | None = None, dry_run: bool = False
    ) -> Server:
        """Rename a server and return it.

        Raises:
            NotFound: There is no such server.
            NameTaken: Another server of the project has the name.
        """
        policy.enforce(ctx, "enamel:server:rename")
        if not dry_run:
            server, account = await self._locator.find(ctx, id, cloud=cloud)
            if server.name != name:
                if any(other.id != server.id for other in await account.servers_named([name])):
                    detail = f"Another server of the project has the name '{name}'."
                    raise NameTaken(detail, cloud=account.name)
                await account.rename_server(server.id, name)
        return await self._servers.record(ctx, id, cloud=cloud)


def _read(id: str, data: Any) -> ServerChange:
    if isinstance(data, dict) and "tags" in data:
        detail = f"The tags of a server are changed with PUT and DELETE at /servers/{id}/tags."
        raise Invalid(detail, faults=(Fault(pointer="/tags", detail=detail, code="elsewhere"),))
    return body.read(data, ServerChange)
