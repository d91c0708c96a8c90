"""Keypairs of the compute service; they belong to the user, not to the project."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from urllib.parse import quote

from msgspec import Struct, field

from enamel.clouds.methods import compute as methods
from enamel.clouds.openstack import service
from enamel.model import cloud
from enamel.model.errors import CapabilityMissing, Gone

SERVICE = "compute"
WITH_MORE_CHARACTERS = "2.92"
"""The first microversion that accepts these in the name of a keypair:"""
MORE_CHARACTERS = "@."
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

    async def _version(self, *preferred: str) -> str | None:
        """Return the first of the microversions that the cloud knows; None where it knows none."""
        raise NotImplementedError

    async def keypair(self, name: str) -> cloud.Keypair | None:
        """Return a keypair, or None where there is none of that name."""
        try:
            reply = await self._get(SERVICE, f"/os-keypairs/{quote(name, safe='')}", answer=_KeypairBody)
        except Gone:
            return None
        return _as_keypair(reply.keypair)

    async def keypairs_named(self, names: Collection[str]) -> Sequence[cloud.Keypair]:
        """Return the keypairs that have one of the names, from a list that also tells how many there are."""
        return [keypair for keypair in await self._keypairs_now() if keypair.name in names]

    async def keypairs(self) -> Sequence[cloud.Keypair]:
        """Return the user's keypairs."""
        mine, _ = await self._mine()
        return await self.kept.get(
            mine, self._keypairs, keep=service.OFTEN_CHANGED, answer=list[cloud.Keypair]
        )

    async def create_keypair(self, name: str, *, public_key: str) -> cloud.Keypair:
        """Import a public key."""
        body = {"keypair": {"name": name, "public_key": public_key}}
        version = None
        if not {*name}.isdisjoint(MORE_CHARACTERS):
            version = await self._version(WITH_MORE_CHARACTERS)
            if version is None:
                raise CapabilityMissing(
                    f"Cloud {self.name} is too old for keypairs with @ or . in their names, such as '{name}'.",
                    cloud=self.name,
                    remedy="Choose a name of letters, digits, spaces, _ and -.",
                )
        try:
            reply = await self._post(SERVICE, "/os-keypairs", body=body, answer=_KeypairBody, version=version)
        finally:
            await self.kept.forget(*await self._mine())
        return _as_keypair(reply.keypair)

    async def delete_keypair(self, name: str) -> None:
        """Delete a keypair."""
        try:
            await self._delete(SERVICE, f"/os-keypairs/{quote(name, safe='')}")
        finally:
            await self.kept.forget(*await self._mine())

    async def _mine(self) -> tuple[str, str]:
        """Return what this user's keypairs are kept under, for a while and for those who ask now.

        Others of the project do not see them.
        """
        mine = f"{KEYPAIRS} of {(await self.keystone.access()).identity.user_id}"
        return mine, f"{mine}, now"

    async def _keypairs_now(self) -> list[cloud.Keypair]:
        """Return the user's keypairs; all who ask at once share the answer to one request."""
        _, now = await self._mine()
        return await self.kept.get(now, self._keypairs, keep=timedelta(0))

    async def _keypairs(self) -> list[cloud.Keypair]:
        entries, _ = await self._pages(SERVICE, "/os-keypairs", answer=_KeypairsBody)
        return [_as_keypair(entry.keypair) for entry in entries]


def _as_keypair(entry: _Keypair) -> cloud.Keypair:
    return cloud.Keypair(name=entry.name, public_key=entry.public_key, fingerprint=entry.fingerprint)
