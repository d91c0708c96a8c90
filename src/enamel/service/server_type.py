"""The server type: a size of server, who can use it, and what it takes to make one."""

from collections.abc import Awaitable
from typing import TypeVar

from msgspec import Struct

from enamel.clouds import driver
from enamel.model import cloud
from enamel.model.errors import (
    CloudConflict,
    CloudForbidden,
    EnamelError,
    Fault,
    Forbidden,
    NameTaken,
    NotFound,
)
from enamel.model.server_type import ServerTypeWish, TypeSpec, Visibility

T = TypeVar("T")

ROLE = "admin"
"""The role that clouds ask for, unless their operators have written other rules."""


class ServerType(Struct, frozen=True, kw_only=True):
    """A size of server."""

    id: str
    name: str
    description: str
    spec: TypeSpec
    visibility: Visibility


class ServerTypes:
    """Lists the sizes of servers, and changes them for those who may."""

    def __init__(self, clouds: driver.Clouds) -> None:
        self._clouds = clouds

    async def all(self) -> list[ServerType]:
        """Return what the caller's project can use, the smallest first."""
        found = [_told(one) for one in await self._where().flavors()]
        return sorted(found, key=lambda one: (one.spec.memory_mb, one.spec.cpu_units, one.name))

    async def one(self, text: str) -> ServerType:
        """Return the server type that has an id or a name.

        Raises:
            NotFound: None has.

        """
        known = await self.all()
        found = next((one for one in known if one.id == text), None)
        found = found or next((one for one in known if one.name == text), None)
        if found is None:
            raise NotFound(f"There is no server type '{text[:64]}'.")
        return found

    async def create(self, wish: ServerTypeWish) -> ServerType:
        """Make a server type; a private one is for the caller's project.

        Raises:
            Forbidden: The caller lacks the role.
            NameTaken: Another one has the name.

        """
        where = self._where()
        want = cloud.FlavorWant(
            name=wish.name,
            memory_mb=wish.spec.memory_mb,
            vcpus=wish.spec.cpu_units,
            disk_gb=wish.spec.root_disk_gb,
            swap_mb=wish.spec.swap_mb,
            rxtx_factor=wish.spec.rxtx_factor,
            description=wish.description,
            public=wish.visibility is Visibility.PUBLIC,
        )
        try:
            made = await _allowed(where.create_flavor(want))
        except CloudConflict as error:
            detail = f"Another server type has the name '{wish.name}'."
            raise NameTaken(detail, faults=(Fault(pointer="/name", detail=detail, code="taken"),)) from error
        if wish.visibility is Visibility.PRIVATE:
            try:
                identity = await where.identity()
                await _allowed(where.share_flavor(made.id, project_id=identity.project_id))
            except EnamelError:
                # Nobody could use what nobody sees.
                await where.delete_flavor(made.id)
                raise
        return _told(made)

    async def delete(self, text: str) -> None:
        """Delete the server type that has an id or a name; servers of its size keep it.

        Raises:
            NotFound: None has.
            Forbidden: The caller lacks the role.

        """
        found = await self.one(text)
        await _allowed(self._where().delete_flavor(found.id))

    def _where(self) -> driver.Cloud:
        return self._clouds.get(self._clouds.names()[0])


async def _allowed(deed: Awaitable[T]) -> T:
    """Return what a deed returns; where the cloud forbids it, the error names the role that it takes."""
    try:
        return await deed
    except CloudForbidden as error:
        raise Forbidden(
            f"Changing server types takes the role '{ROLE}' on the cloud. It said: {error.detail}",
            remedy=f"Ask the cloud's operators for the role '{ROLE}', or to make the change.",
            role=ROLE,
        ) from error


def _told(found: cloud.Flavor) -> ServerType:
    return ServerType(
        id=found.id,
        name=found.name,
        description=found.description,
        visibility=Visibility.PUBLIC if found.public else Visibility.PRIVATE,
        spec=TypeSpec(
            memory_mb=found.memory_mb,
            cpu_units=found.vcpus,
            root_disk_gb=found.disk_gb,
            swap_mb=found.swap_mb,
            rxtx_factor=found.rxtx_factor,
        ),
    )
