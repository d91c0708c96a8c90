"""Interfaces of servers that are there: ports that are plugged in and pulled out."""

from typing import Any

from enamel.clouds.openstack import transport
from enamel.clouds.openstack.compute import server

SERVICE = server.SERVICE


class Attachments(server.Servers):
    """The ports that are plugged into servers afterwards."""

    async def attach_port(self, server_id: str, *, port_id: str) -> None:
        """Plug a port in; the cloud answers when that is done."""
        body: dict[str, Any] = {"interfaceAttachment": {"port_id": port_id}}
        path = f"/servers/{server_id}/os-interface"
        await self._post(SERVICE, path, body=body, answer=transport.Nothing)
        await self.servers.changed()

    async def detach_port(self, server_id: str, *, port_id: str) -> None:
        """Have a port pulled out; one that is not plugged in is not a fault."""
        await self._delete(SERVICE, f"/servers/{server_id}/os-interface/{port_id}")
        await self.servers.changed()
