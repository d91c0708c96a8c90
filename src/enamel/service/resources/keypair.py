"""The keypair: a public key that servers are given."""

from typing import Any

from msgspec import Struct

from enamel.clouds import driver
from enamel.commands.launch import public_key
from enamel.model import cloud as cloud_model
from enamel.model.call_context import CallContext
from enamel.model.errors import CloudConflict, Fault, Invalid, NameTaken, NotFound, OutcomeUnknown
from enamel.model.keypair import KeypairRequest
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.resources import paging
from enamel.service.resources.paging import Page
from enamel.service.validation import body
from enamel.steps import keypair


class Keypair(Struct, frozen=True, kw_only=True):
    """A public key that servers are given."""

    name: str
    public_key: str
    fingerprint: str = ""
    cloud: str
    """The cloud that it is on."""


class Keypairs:
    """Lists, imports and deletes keypairs."""

    def __init__(self, clouds: CallerClouds) -> None:
        self._clouds = clouds

    async def list(
        self,
        ctx: CallContext,
        *,
        cloud: str | None = None,
        limit: int = paging.LIMIT,
        marker: str | None = None,
    ) -> Page[Keypair]:
        """Return the caller's keypairs, in the order of their names."""
        policy.enforce(ctx, "enamel:keypair:list")
        keypairs = await _listed(self._clouds.chosen(ctx, cloud))
        return paging.page(
            keypairs, limit=limit, marker=marker, key=lambda keypair: keypair.name, what="keypair"
        )

    async def get(self, ctx: CallContext, name: str, *, cloud: str | None = None) -> Keypair:
        """Return one keypair.

        Raises:
            NotFound: No keypair has that name.
        """
        policy.enforce(ctx, "enamel:keypair:get")
        keypairs = await _listed(self._clouds.chosen(ctx, cloud))
        keypair = next((keypair for keypair in keypairs if keypair.name == name), None)
        if keypair is None:
            raise NotFound(f"There is no keypair '{name[:64]}'.")
        return keypair

    async def create(self, ctx: CallContext, data: Any, *, cloud: str | None = None) -> tuple[Keypair, bool]:
        """Import a public key; return it, and whether it is new. The same key under the same name is no fault.

        Raises:
            Invalid: The body has faults, or is not a public key.
            NameTaken: Another key has the name.
        """
        policy.enforce(ctx, "enamel:keypair:create")
        request = body.read(data, KeypairRequest)
        problem = public_key.fault(request.public_key)
        if problem:
            raise Invalid(problem, faults=(Fault(pointer="/public_key", detail=problem),))
        account = self._clouds.chosen(ctx, cloud)
        try:
            created = await account.create_keypair(request.name, public_key=request.public_key)
        except (CloudConflict, OutcomeUnknown) as error:
            existing = await account.keypair(request.name)
            if existing is None:
                raise
            if not keypair.same_key(existing.public_key, request.public_key):
                detail = f"Another key has the name '{request.name}'."
                fault = Fault(pointer="/name", detail=detail, code="taken")
                raise NameTaken(detail, faults=(fault,)) from error
            return _keypair(existing, cloud=account.name), isinstance(error, OutcomeUnknown)
        return _keypair(created, cloud=account.name), True

    async def delete(self, ctx: CallContext, name: str, *, cloud: str | None = None) -> None:
        """Delete a keypair; servers that were given it keep it.

        Raises:
            NotFound: No keypair has that name.
        """
        policy.enforce(ctx, "enamel:keypair:delete")
        account = self._clouds.chosen(ctx, cloud)
        if await account.keypair(name) is None:
            raise NotFound(f"There is no keypair '{name[:64]}'.")
        await account.delete_keypair(name)


async def _listed(account: driver.Cloud) -> list[Keypair]:
    keypairs = [_keypair(keypair, cloud=account.name) for keypair in await account.keypairs()]
    return sorted(keypairs, key=lambda keypair: keypair.name)


def _keypair(keypair: cloud_model.Keypair, *, cloud: str) -> Keypair:
    return Keypair(
        name=keypair.name, public_key=keypair.public_key, fingerprint=keypair.fingerprint, cloud=cloud
    )
