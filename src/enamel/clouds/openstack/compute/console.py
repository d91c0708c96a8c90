"""What goes on in a server: its consoles, and what its hypervisor measures."""

from typing import Any

from msgspec import Struct, field

from enamel.clouds.openstack import service
from enamel.clouds.openstack.compute import server, server_json
from enamel.model.errors import CapabilityMissing

SERVICE = server.SERVICE

TYPES = {"rdp": "rdp-html5", "spice": "spice-html5", "mks": "webmks"}
"""Nova's names of those types of console that it calls otherwise than Enamel."""

PROTOCOLS = {
    "novnc": "vnc",
    "xvpvnc": "vnc",
    "spice-html5": "spice",
    "rdp-html5": "rdp",
    "serial": "serial",
    "webmks": "mks",
}
"""The protocol of each of Nova's types of console."""

OLD = {
    "novnc": "os-getVNCConsole",
    "xvpvnc": "os-getVNCConsole",
    "spice-html5": "os-getSPICEConsole",
    "rdp-html5": "os-getRDPConsole",
    "serial": "os-getSerialConsole",
}
"""The actions by which clouds before 2.6 are asked for a console."""


class _Address(Struct):
    url: service.Id


class _Console(Struct):
    console: _Address = field(name="remote_console")


class _OldConsole(Struct):
    console: _Address


class Consoles(server.Servers):
    """The consoles of servers."""

    async def console_log(self, server_id: str, *, lines: int | None = None) -> str:
        """Return the end of what the server has written to its console."""
        action: dict[str, Any] = {} if lines is None else {"length": lines}
        body = {"os-getConsoleOutput": action}
        path = f"/servers/{service.checked(server_id)}/action"
        got = await self._post(SERVICE, path, body=body, answer=server_json.Console, repeatable=True)
        return got.output or ""

    async def console(self, server_id: str, *, type: str) -> str:
        """Return the URL of a server's console."""
        type = TYPES.get(type, type)
        version = await self._version("2.8", "2.6")
        if version is not None:
            body = {"remote_console": {"protocol": PROTOCOLS[type], "type": type}}
            path = f"/servers/{service.checked(server_id)}/remote-consoles"
            reply = await self._post(
                SERVICE, path, body=body, answer=_Console, version=version, repeatable=True
            )
            return reply.console.url
        if type not in OLD:
            raise CapabilityMissing(f"Cloud '{self.name}' has no consoles of type '{type}'.", cloud=self.name)
        got = await self._post(
            SERVICE,
            f"/servers/{service.checked(server_id)}/action",
            body={OLD[type]: {"type": type}},
            answer=_OldConsole,
            repeatable=True,
        )
        return got.console.url

    async def diagnostics(self, server_id: str) -> dict[str, Any]:
        """Return what the hypervisor measures; its words are the same on all clouds from 2.48 on."""
        version = await self._version("2.48")
        return await self._get(
            SERVICE,
            f"/servers/{service.checked(server_id)}/diagnostics",
            answer=dict[str, Any],
            version=version,
        )
