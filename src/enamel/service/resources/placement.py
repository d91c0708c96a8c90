"""The placement: clouds, regions, zones and containers, each with an id that stays the same."""

import asyncio
import contextlib
import enum
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from enamel.clouds import driver
from enamel.model import ids
from enamel.model.call_context import CallContext
from enamel.model.errors import CloudError, EnamelError, NotFound
from enamel.model.placement import Container, Containers, clouds_at, id_of, root_of
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.resources import paging
from enamel.service.resources.paging import Page


class Kind(enum.Enum):
    """What a placement is."""

    CONTAINER = "CONTAINER"
    CLOUD = "CLOUD"
    REGION = "REGION"
    ZONE = "ZONE"


_BY_DEPTH = (Kind.CLOUD, Kind.REGION, Kind.ZONE)


class Placement(Struct, frozen=True, kw_only=True):
    """Where servers can go: into it, or into any placement below it."""

    id: str
    """The same in every run."""
    path: str
    """What a launch names as its `placement`: cloud/region/zone, the beginning of it, or a container's name."""
    name: str
    kind: Kind
    description: str = ""
    """What a container is for, in its operator's words."""
    tags: tuple[str, ...] = ()
    properties: dict[str, str] = {}
    available: bool
    """Whether servers can go there at the moment."""
    parents: tuple[str, ...] = ()
    """Ids of the placements above it."""
    children: tuple[str, ...] = ()
    """Ids of the placements below it."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which placements to list; an empty field matches all."""

    tags: tuple[str, ...] = ()
    """With any of these tags."""
    parents: tuple[str, ...] = ()
    """Directly below any of these, by their ids."""

    def matches(self, placement: Placement) -> bool:
        """Return whether a placement is listed."""
        return (not self.tags or not set(self.tags).isdisjoint(placement.tags)) and (
            not self.parents or not set(self.parents).isdisjoint(placement.parents)
        )


EVERYTHING = Filter()


class Placements:
    """Lists where servers can go."""

    def __init__(self, clouds: CallerClouds, *, containers: Containers | None = None) -> None:
        self._clouds = clouds
        self._containers = containers or Containers()

    async def list(
        self,
        ctx: CallContext,
        *,
        cloud: str | None = None,
        matching: Filter = EVERYTHING,
        limit: int = paging.LIMIT,
        marker: str | None = None,
    ) -> Page[Placement]:
        """Return the placements: the containers, then each cloud before its region and this before its zones.

        With a cloud named, only those on it.
        """
        policy.enforce(ctx, "enamel:placement:list")
        return paging.page(
            await self._listed(ctx, cloud),
            limit=limit,
            marker=marker,
            key=lambda placement: placement.id,
            what="placement",
            keep=matching.matches,
        )

    async def get(self, ctx: CallContext, id: str, *, cloud: str | None = None) -> Placement:
        """Return one placement, by its id or its path.

        Raises:
            NotFound: No placement has that id or path.
        """
        policy.enforce(ctx, "enamel:placement:get")
        canonical = ids.canonical(id)
        placement = next(
            (
                placement
                for placement in await self._listed(ctx, cloud)
                if placement.id == canonical or placement.path == id
            ),
            None,
        )
        if placement is None:
            raise NotFound(f"There is no placement '{id[:64]}'.")
        return placement

    async def _listed(self, ctx: CallContext, cloud: str | None) -> Sequence[Placement]:
        """Return all placements, or those on one cloud."""
        placements = await self._all(ctx)
        if cloud is None:
            return placements
        names = self._clouds.names(ctx, cloud)
        return [placement for placement in placements if clouds_at(placement.path, names)]

    async def _all(self, ctx: CallContext) -> Sequence[Placement]:
        accounts, trees = self._opened(ctx)
        for account, answer in zip(accounts, await self._clouds.ask(ctx, accounts, _tree), strict=True):
            trees[account.name] = _only_the_cloud(account.name) if isinstance(answer, EnamelError) else answer
        by_path: dict[str, Placement] = {}
        for placement in (placement for tree in trees.values() for placement in tree):
            by_path[placement.path] = _joined(by_path.get(placement.path), placement)
        # A place that a container names and no cloud shows at the moment is listed all the same.
        for path in (path for container in self._containers for path in self._containers.leaves(container)):
            by_path.setdefault(path, _missing(path, by_path))
        above: dict[str, list[str]] = {}
        for container in self._containers:
            for member in container.members:
                above.setdefault(self._id(member), []).append(container.id)
        containers = [self._container(container, by_path) for container in self._containers]
        return _linked([*containers, *by_path.values()], above)

    def _opened(self, ctx: CallContext) -> tuple[Sequence[driver.Cloud], dict[str, Sequence[Placement]]]:
        """Return the clouds that can be opened, and by their names, in order, what is known of all of them yet."""
        clouds, accounts = self._clouds.of(ctx), []
        trees: dict[str, Sequence[Placement]] = {}
        for name in clouds.names():
            trees[name] = _only_the_cloud(name)
            with contextlib.suppress(CloudError):
                accounts.append(clouds.get(name))
        return accounts, trees

    def _id(self, member: str) -> str:
        inner = self._containers.named(member)
        return id_of(member) if inner is None else inner.id

    def _container(self, container: Container, by_path: Mapping[str, Placement]) -> Placement:
        return Placement(
            id=container.id,
            path=container.name,
            name=container.name,
            kind=Kind.CONTAINER,
            description=container.description,
            tags=container.tags,
            properties=container.properties,
            available=any(by_path[path].available for path in self._containers.leaves(container)),
            children=tuple(dict.fromkeys(map(self._id, container.members))),
        )


def _linked(placements: Sequence[Placement], above: Mapping[str, Sequence[str]]) -> Sequence[Placement]:
    """Return placements that name each other as parents and children.

    Args:
        placements: All of them.
        above: The ids of the containers that each is a member of, by its id.
    """
    parents = {
        placement.id: tuple(dict.fromkeys((*above.get(placement.id, ()), *placement.parents)))
        for placement in placements
    }
    below: dict[str, list[str]] = {}
    for placement in placements:
        for parent in parents[placement.id]:
            below.setdefault(parent, []).append(placement.id)
    return [
        msgspec.structs.replace(
            placement,
            parents=parents[placement.id],
            children=tuple(dict.fromkeys((*placement.children, *below.get(placement.id, ())))),
        )
        for placement in placements
    ]


def _only_the_cloud(name: str) -> Sequence[Placement]:
    """Return what is shown of a cloud that does not answer."""
    entry = name.partition("/")[0]
    return [Placement(id=id_of(entry), path=entry, name=entry, kind=Kind.CLOUD, available=False)]


async def _tree(account: driver.Cloud) -> Sequence[Placement]:
    """Return a cloud with its region and zones."""
    name = account.name
    entry = name.partition("/")[0]
    top = id_of(entry)
    identity, zones = await asyncio.gather(account.identity(), account.zones())
    root = root_of(name, identity.region)
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
    above = Placement(
        id=top,
        path=entry,
        name=entry,
        kind=Kind.CLOUD,
        available=available,
        children=tuple(leaf.id for leaf in leaves) if middle == top else (middle,),
    )
    if middle == top:
        # A cloud whose catalogue names no region.
        return [above, *leaves]
    return [
        above,
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


def _joined(known: Placement | None, further: Placement) -> Placement:
    """Return the placement of an entry that has several regions, one region after the other."""
    if known is None:
        return further
    return msgspec.structs.replace(
        known,
        available=known.available or further.available,
        children=tuple(dict.fromkeys((*known.children, *further.children))),
    )


def _missing(path: str, by_path: Mapping[str, Placement]) -> Placement:
    """Return a placement that an operator has named and that its cloud does not show."""
    parent, _, name = path.rpartition("/")
    return Placement(
        id=id_of(path),
        path=path,
        name=name,
        kind=_BY_DEPTH[path.count("/")],
        available=False,
        parents=(by_path[parent].id,) if parent in by_path else (),
    )
