"""Volumes that change hands: offered by one project of a cloud, and accepted by another with a key."""

from msgspec import Struct

from enamel.clouds.openstack import service, transport
from enamel.clouds.watch import watcher
from enamel.model import cloud

SERVICE = "block-storage"


class _Transfer(Struct):
    id: service.Id
    volume_id: str = ""
    auth_key: str = ""


class _Body(Struct):
    transfer: _Transfer


class _Listed(Struct):
    transfers: list[_Transfer]


class VolumeTransfers(service.Service):
    """What a project offers, and takes."""

    volumes: watcher.Watcher[cloud.Volume]

    async def offer_volume(self, volume_id: str) -> cloud.Offer:
        """Offer a volume to whoever has the key."""
        body = {"transfer": {"volume_id": volume_id, "name": "enamel"}}
        reply = await self._post(SERVICE, "/os-volume-transfer", body=body, answer=_Body)
        await self.volumes.changed()
        return cloud.Offer(id=reply.transfer.id, key=reply.transfer.auth_key)

    async def withdraw_volume(self, volume_id: str) -> None:
        """Take back what was offered of a volume, if anything."""
        transfers = await self._by_offset(SERVICE, "/os-volume-transfer", answer=_Listed, entries="transfers")
        for old in transfers:
            if old.volume_id == volume_id:
                await self._delete(SERVICE, f"/os-volume-transfer/{old.id}")
        await self.volumes.changed()

    async def accept_volume(self, offer: cloud.Offer) -> None:
        """Take what another project offers."""
        body = {"accept": {"auth_key": offer.key}}
        path = f"/os-volume-transfer/{offer.id}/accept"
        await self._post(SERVICE, path, body=body, answer=transport.Nothing)
        await self.volumes.changed()
