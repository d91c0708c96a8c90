"""The placement as people see it: clouds, regions, zones and containers, each with an id that stays the same."""

import asyncio
import enum
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from enamel.clouds import driver
from enamel.model.errors import CloudError, NotFound
from enamel.model.placement import Container, Containers, id_of


class Kind(enum.Enum):
    """What a placement is."""

    CONTAINER = "CONTAINER"
    CLOUD = "CLOUD"
    REGION = "REGION"
    ZONE = "ZONE"


_BY_DEPTH = (Kind.CLOUD, Kind.REGION, Kind.ZONE)


class Placement(Struct, frozen=True, kw_only=True):
    """A place where servers can go; one that is launched into it lands in it or in any place below it."""

    id: str
    """The same in every run."""
    path: str
    """What `placement` of a launch takes: cloud/region/zone, the beginning of it, or a container's name."""
    name: str
    kind: Kind
    description: str = ""
    """What a container promises, in its operator's words."""
    tags: tuple[str, ...] = ()
    properties: dict[str, str] = {}
    available: bool
    """Whether servers can go there at the moment."""
    parents: tuple[str, ...] = ()
    """Ids of the placements above it."""
    children: tuple[str, ...] = ()
    """Ids of the placements below it."""


class Placements:
    """Finds out where servers can go."""

    def __init__(self, clouds: driver.Clouds, *, containers: Containers | None = None) -> None:
        self._clouds = clouds
        self._containers = containers or Containers()

    async def all(self) -> list[Placement]:
        """Return every placement: the containers, then each cloud before its region and this before its zones."""
        trees = await asyncio.gather(*(self._tree(name) for name in self._clouds.names()))
        shown = {one.path: one for tree in trees for one in tree}
        # What a container names and no cloud shows at the moment is a place all the same.
        for path in (path for one in self._containers for path in self._containers.leaves(one)):
            shown.setdefault(path, _missing(path, shown))
        above: dict[str, list[str]] = {}
        for container in self._containers:
            for member in container.members:
                above.setdefault(self._id(member), []).append(container.id)
        listed = [*(self._container(one, shown) for one in self._containers), *shown.values()]
        parents = {one.id: tuple(dict.fromkeys((*above.get(one.id, ()), *one.parents))) for one in listed}
        below: dict[str, list[str]] = {}
        for one in listed:
            for parent in parents[one.id]:
                below.setdefault(parent, []).append(one.id)
        return [
            msgspec.structs.replace(
                one,
                parents=parents[one.id],
                children=tuple(dict.fromkeys((*one.children, *below.get(one.id, ())))),
            )
            for one in listed
        ]

    async def one(self, id: str) -> Placement:
        """Return one placement.

        Raises:
            NotFound: There is none of that id.

        """
        found = next((one for one in await self.all() if one.id == id.lower()), None)
        if found is None:
            raise NotFound(f"There is no placement '{id[:64]}'.")
        return found

    def _id(self, member: str) -> str:
        inner = self._containers.named(member)
        return id_of(member) if inner is None else inner.id

    def _container(self, one: Container, shown: Mapping[str, Placement]) -> Placement:
        return Placement(
            id=one.id,
            path=one.name,
            name=one.name,
            kind=Kind.CONTAINER,
            description=one.description,
            tags=one.tags,
            properties=one.properties,
            available=any(shown[path].available for path in self._containers.leaves(one)),
            children=tuple(dict.fromkeys(map(self._id, one.members))),
        )

    async def _tree(self, name: str) -> list[Placement]:
        """Return a cloud with what is below it; of one that does not answer, only that it is there."""
        top = id_of(name)
        try:
            where = self._clouds.get(name)
            identity, zones = await asyncio.gather(where.identity(), where.zones())
        except CloudError:
            return [Placement(id=top, path=name, name=name, kind=Kind.CLOUD, available=False)]
        root = f"{name}/{identity.region}"
        middle = id_of(root)
        leaves = [
            Placement(
                id=id_of(f"{root}/{zone.name}"),
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


def _missing(path: str, shown: Mapping[str, Placement]) -> Placement:
    """Return a place that an operator has named and that its cloud does not show."""
    parent, _, name = path.rpartition("/")
    return Placement(
        id=id_of(path),
        path=path,
        name=name,
        kind=_BY_DEPTH[path.count("/")],
        available=False,
        parents=(shown[parent].id,) if parent in shown else (),
    )


def tagged(listed: Iterable[Placement], *, tags: Iterable[str]) -> list[Placement]:
    """Return the placements that have any of the tags; all of them where no tags are given."""
    wanted = set(tags)
    return [one for one in listed if not wanted or wanted.intersection(one.tags)]
