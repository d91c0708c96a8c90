"""A server from inside: its console, and what its hypervisor measures."""

from typing import Any

from msgspec import Struct

from enamel.model.call_context import CallContext
from enamel.model.errors import NotFound
from enamel.service.access import policy
from enamel.service.planning.server_locator import ServerLocator

CONSOLES = ("novnc", "xvpvnc", "rdp", "spice", "serial", "mks", "webmks")
"""The types of console."""


class Console(Struct, frozen=True, kw_only=True):
    """Where a server's console can be opened; the address is a key, and expires soon."""

    type: str
    """As requested: novnc, xvpvnc, rdp, spice, serial, mks or webmks."""
    uri: str


class Diagnostics(Struct, frozen=True, kw_only=True):
    """What a hypervisor measures of a server."""

    diagnostics: dict[str, Any]
    """In the cloud's words."""


class Consoles:
    """Opens consoles and shows what they print."""

    def __init__(self, locator: ServerLocator) -> None:
        self._locator = locator

    async def log(
        self, ctx: CallContext, id: str, *, cloud: str | None = None, lines: int | None = None
    ) -> str:
        """Return the last lines of a server's console log; all that the cloud keeps if None.

        Raises:
            NotFound: There is no such server.
            CloudConflict: It has no console yet.
        """
        policy.enforce(ctx, "enamel:server:console_log")
        server, account = await self._locator.find(ctx, id, cloud=cloud)
        return await account.console_log(server.id, lines=lines)

    async def open(self, ctx: CallContext, id: str, *, type: str, cloud: str | None = None) -> Console:
        """Return the address at which a server's console can be opened.

        Raises:
            NotFound: There is no such server, or no such type of console.
            CloudRefused: The cloud has no consoles of this type.
        """
        policy.enforce(ctx, "enamel:server:console_url")
        if type not in CONSOLES:
            raise NotFound(f"There is no console of type '{type[:64]}'; the types are {', '.join(CONSOLES)}.")
        server, account = await self._locator.find(ctx, id, cloud=cloud)
        return Console(type=type, uri=await account.console(server.id, type=type))

    async def diagnostics(self, ctx: CallContext, id: str, *, cloud: str | None = None) -> Diagnostics:
        """Return what the hypervisor measures of a server.

        Raises:
            NotFound: There is no such server.
            CloudForbidden: The cloud shows it to operators only.
        """
        policy.enforce(ctx, "enamel:server:diagnostics")
        server, account = await self._locator.find(ctx, id, cloud=cloud)
        return Diagnostics(diagnostics=await account.diagnostics(server.id))
