"""Keypairs of the compute service; they belong to the user, not to the project."""

from collections.abc import Sequence
from urllib.parse import quote

from msgspec import Struct, field

from enamel.clouds.methods import compute as methods
from enamel.clouds.openstack import service
from enamel.model import cloud
from enamel.model.errors import Gone

SERVICE = "compute"
KEYPAIRS = "keypairs"
"""What the list of a user's keypairs is kept under."""


class _Keypair(Struct):
    name: service.Id
    public_key: str = ""
    fingerprint: str = ""


class _KeypairBody(Struct):
    keypair: _Keypair


class _KeypairsBody(service.Page):
    keypairs: list[_KeypairBody]
    keypairs_links: list[service.Link] = field(default_factory=list)


class Keypairs(service.Service, methods.Keypairs):
    """The keypairs of a user."""

    async def keypair(self, name: str) -> cloud.Keypair | None:
        """Return a keypair, or None where there is none of that name."""
        try:
            reply = await self._get(SERVICE, f"/os-keypairs/{quote(name, safe='')}", answer=_KeypairBody)
        except Gone:
            return None
        return _as_keypair(reply.keypair)

    async def keypairs(self) -> Sequence[cloud.Keypair]:
        """Return the user's keypairs."""
        return await self.kept.get(
            await self._mine(), self._keypairs, keep=service.OFTEN_CHANGED, answer=list[cloud.Keypair]
        )

    async def create_keypair(self, name: str, *, public_key: str) -> cloud.Keypair:
        """Import a public key."""
        body = {"keypair": {"name": name, "public_key": public_key}}
        try:
            reply = await self._post(SERVICE, "/os-keypairs", body=body, answer=_KeypairBody)
        finally:
            await self.kept.forget(await self._mine())
        return _as_keypair(reply.keypair)

    async def delete_keypair(self, name: str) -> None:
        """Delete a keypair."""
        try:
            await self._delete(SERVICE, f"/os-keypairs/{quote(name, safe='')}")
        finally:
            await self.kept.forget(await self._mine())

    async def _mine(self) -> str:
        """Return what this user's keypairs are kept under: others of the project do not see them."""
        return f"{KEYPAIRS} of {(await self.keystone.access()).identity.user_id}"

    async def _keypairs(self) -> list[cloud.Keypair]:
        entries, _ = await self._pages(SERVICE, "/os-keypairs", answer=_KeypairsBody)
        return [_as_keypair(entry.keypair) for entry in entries]


def _as_keypair(entry: _Keypair) -> cloud.Keypair:
    return cloud.Keypair(name=entry.name, public_key=entry.public_key, fingerprint=entry.fingerprint)
