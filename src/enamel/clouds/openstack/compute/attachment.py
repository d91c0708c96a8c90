"""What is attached to servers after their boot: volumes and ports."""

from typing import Any

from enamel.clouds.openstack import service, transport
from enamel.clouds.openstack.compute import server
from enamel.model.errors import CloudConflict, CloudRefused, Gone

SERVICE = server.SERVICE


class Attachments(server.Servers):
    """The volumes and ports of servers."""

    async def attach_volume(
        self, server_id: str, *, volume_id: str, delete_with_server: bool = False
    ) -> None:
        """Attach a volume; one that is attached already is not a fault."""
        version = await self._version("2.79") if delete_with_server else None
        attachment: dict[str, Any] = {"volumeId": volume_id}
        if version is not None:
            attachment["delete_on_termination"] = True
        path = f"/servers/{service.checked(server_id)}/os-volume_attachments"
        try:
            await self._post(
                SERVICE,
                path,
                body={"volumeAttachment": attachment},
                answer=transport.Nothing,
                version=version,
            )
        except (CloudRefused, CloudConflict) as refusal:
            # Nova says 400 (older ones) or 409 of what is attached already.
            if not await self._is_attached(server_id, volume_id=volume_id):
                raise refusal

    async def detach_volume(self, server_id: str, *, volume_id: str) -> None:
        """Detach a volume; one that is not attached is not a fault."""
        try:
            await self._delete(
                SERVICE, f"/servers/{service.checked(server_id)}/os-volume_attachments/{volume_id}"
            )
        except (CloudRefused, CloudConflict) as refusal:
            # Nova says 400 of what is being detached already.
            if await self._is_attached(server_id, volume_id=volume_id):
                raise refusal

    async def attach_port(self, server_id: str, *, port_id: str) -> None:
        """Attach a port; the cloud answers when that is done."""
        body: dict[str, Any] = {"interfaceAttachment": {"port_id": port_id}}
        path = f"/servers/{service.checked(server_id)}/os-interface"
        await self._post(SERVICE, path, body=body, answer=transport.Nothing)
        await self.servers.changed()

    async def detach_port(self, server_id: str, *, port_id: str) -> None:
        """Detach a port; one that is not attached is not a fault."""
        await self._delete(SERVICE, f"/servers/{service.checked(server_id)}/os-interface/{port_id}")
        await self.servers.changed()

    async def _is_attached(self, server_id: str, *, volume_id: str) -> bool:
        try:
            return volume_id in await self._attached(server_id)
        except Gone:
            return False
