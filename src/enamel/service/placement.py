"""The placement as people see it: clouds, their regions and zones as a tree, each with an id that stays the same."""

import asyncio
import enum

from msgspec import Struct

from enamel.clouds import driver
from enamel.commands import placement
from enamel.model.errors import CloudError, NotFound


class Kind(enum.Enum):
    """What a placement is."""

    CLOUD = "CLOUD"
    REGION = "REGION"
    ZONE = "ZONE"


class Placement(Struct, frozen=True, kw_only=True):
    """A place where servers can go; one that is launched into it lands in it or in any place below it."""

    id: str
    """The same in every run."""
    path: str
    """What `placement` of a launch takes: cloud/region/zone, or the beginning of it."""
    name: str
    kind: Kind
    available: bool
    """Whether servers can go there at the moment."""
    parents: tuple[str, ...] = ()
    """Ids of the placements above it."""
    children: tuple[str, ...] = ()
    """Ids of the placements below it."""


class Placements:
    """Finds out where servers can go."""

    def __init__(self, clouds: driver.Clouds) -> None:
        self._clouds = clouds

    async def all(self) -> list[Placement]:
        """Return every placement, each cloud before its region and this before its zones."""
        trees = await asyncio.gather(*(self._tree(name) for name in self._clouds.names()))
        return [one for tree in trees for one in tree]

    async def one(self, id: str) -> Placement:
        """Return one placement.

        Raises:
            NotFound: There is none of that id.

        """
        found = next((one for one in await self.all() if one.id == id.lower()), None)
        if found is None:
            raise NotFound(f"There is no placement '{id[:64]}'.")
        return found

    async def _tree(self, name: str) -> list[Placement]:
        """Return a cloud with what is below it; of one that does not answer, only that it is there."""
        top = placement.id_of(name)
        try:
            where = self._clouds.get(name)
            identity, zones = await asyncio.gather(where.identity(), where.zones())
        except CloudError:
            return [Placement(id=top, path=name, name=name, kind=Kind.CLOUD, available=False)]
        root = f"{name}/{identity.region}"
        middle = placement.id_of(root)
        leaves = [
            Placement(
                id=placement.id_of(f"{root}/{zone.name}"),
                path=f"{root}/{zone.name}",
                name=zone.name,
                kind=Kind.ZONE,
                available=zone.available,
                parents=(middle,),
            )
            for zone in sorted(zones, key=lambda zone: zone.name)
        ]
        available = not leaves or any(leaf.available for leaf in leaves)
        return [
            Placement(id=top, path=name, name=name, kind=Kind.CLOUD, available=available, children=(middle,)),
            Placement(
                id=middle,
                path=root,
                name=identity.region,
                kind=Kind.REGION,
                available=available,
                parents=(top,),
                children=tuple(leaf.id for leaf in leaves),
            ),
            *leaves,
        ]
