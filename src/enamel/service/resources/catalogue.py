"""The catalogue: what a launch can choose from on the default cloud, in the words of this API."""

import asyncio

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.commands.launch import public_key
from enamel.model import cloud
from enamel.model.caller import Caller
from enamel.model.errors import (
    CapabilityMissing,
    CloudConflict,
    Fault,
    Invalid,
    NameTaken,
    NotFound,
    OutcomeUnknown,
)
from enamel.model.keypair import KeypairWish
from enamel.service.planning import reservations
from enamel.service.resources import network, quota, template
from enamel.steps import keypair
from enamel.store import engine


class Catalogue:
    """Lists what there is, and keeps the keys."""

    def __init__(self, store: engine.Store, *, clouds: driver.Clouds) -> None:
        self._store = store
        self._clouds = clouds

    # -- what is only looked at

    async def templates(self) -> list[template.Template]:
        """Return everything that a server can start from."""
        where = self._where()
        if Capability.VOLUME not in await where.capabilities():
            return template.listed(await where.images(), ())
        images, volumes = await asyncio.gather(where.images(), where.volumes_list())
        return template.listed(images, volumes)

    async def networks(self) -> list[network.Network]:
        """Return the networks that the project may see.

        Raises:
            CapabilityMissing: The cloud has no network service.

        """
        where = await self._able(Capability.NETWORK)
        return network.listed(*await asyncio.gather(where.networks(), where.subnets()))

    async def volumes(self) -> list[cloud.Volume]:
        """Return the project's volumes, in the order of their names.

        Raises:
            CapabilityMissing: The cloud has no volumes.

        """
        where = await self._able(Capability.VOLUME)
        return sorted(await where.volumes_list(), key=lambda one: (one.name, one.id))

    async def volume(self, id: str) -> cloud.Volume:
        """Return one volume.

        Raises:
            NotFound: There is none of that id.
            CapabilityMissing: The cloud has no volumes.

        """
        # What is asked for by its id is looked for in the one list that everybody shares.
        found = next((one for one in await self.volumes() if one.id == id.lower()), None)
        if found is None:
            raise NotFound(f"There is no volume '{id[:64]}'.")
        return found

    async def volume_snapshots(self, volume: str) -> list[cloud.VolumeSnapshot]:
        """Return the snapshots of a volume, in the order of their names.

        Raises:
            NotFound: There is no such volume.
            CapabilityMissing: The cloud has no volumes.

        """
        found = await self.volume(volume)
        snapshots = await self._where().volume_snapshots_list()
        return sorted(
            (one for one in snapshots if one.volume_id == found.id), key=lambda one: (one.name, one.id)
        )

    async def quota(self, caller: Caller) -> quota.Quotas:
        """Return what the caller's project may have, has, and is about to have."""
        where = self._where()
        limits = await where.quota(quota.kinds(await where.capabilities()))
        promised = await self._store.read(reservations.exact, project_id=caller.project_id, cloud=where.name)
        return quota.quota(where.name, limits, promised)

    # -- keypairs

    async def keypairs(self) -> list[cloud.Keypair]:
        """Return the caller's keypairs, in the order of their names."""
        return sorted(await self._where().keypairs(), key=lambda one: one.name)

    async def keypair(self, name: str) -> cloud.Keypair:
        """Return one keypair.

        Raises:
            NotFound: There is none of that name.

        """
        found = next((one for one in await self.keypairs() if one.name == name), None)
        if found is None:
            raise NotFound(f"There is no keypair '{name[:64]}'.")
        return found

    async def create_keypair(self, wish: KeypairWish) -> tuple[cloud.Keypair, bool]:
        """Import a public key; return it, and whether it is new. The same key under the same name is no fault.

        Raises:
            Invalid: It is no public key.
            NameTaken: Another key has the name.

        """
        problem = public_key.fault(wish.public_key)
        if problem:
            raise Invalid(problem, faults=(Fault(pointer="/public_key", detail=problem),))
        where = self._where()
        try:
            return await where.create_keypair(wish.name, public_key=wish.public_key), True
        except (CloudConflict, OutcomeUnknown) as error:
            there = await where.keypair(wish.name)
            if there is None:
                raise
            if not keypair.same_key(there.public_key, wish.public_key):
                detail = f"Another key has the name '{wish.name}'."
                fault = Fault(pointer="/name", detail=detail, code="taken")
                raise NameTaken(detail, faults=(fault,)) from error
            return there, isinstance(error, OutcomeUnknown)

    async def delete_keypair(self, name: str) -> None:
        """Delete a keypair; servers that were given it keep it.

        Raises:
            NotFound: There is none of that name.

        """
        where = self._where()
        if await where.keypair(name) is None:
            raise NotFound(f"There is no keypair '{name[:64]}'.")
        await where.delete_keypair(name)

    def _where(self) -> driver.Cloud:
        return self._clouds.get(self._clouds.names()[0])

    async def _able(self, capability: Capability) -> driver.Cloud:
        where = self._where()
        if capability not in await where.capabilities():
            raise CapabilityMissing(
                f"Cloud '{where.name}' offers no {capability.value} service.", cloud=where.name
            )
        return where
