"""Orphans: resources that no task and no server accounts for, and since when they were seen."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.commands.orphan import find
from enamel.commands.orphan.find import Inventory, Owner, Rules
from enamel.model import duration, mark, orphan
from enamel.model.call_context import CallContext
from enamel.model.errors import Fault, Invalid
from enamel.model.orphan import Kind, Why
from enamel.service.access import policy
from enamel.service.access.clouds import CallerClouds
from enamel.service.resources import paging
from enamel.service.resources.paging import Page
from enamel.store import engine, owners, reservations, sightings

_ALL = frozenset(Kind)


class Orphan(orphan.Orphan, frozen=True, kw_only=True):
    """A resource that seems to be an orphan, with what is known of it."""

    cloud: str
    """The cloud that it is on."""


class Filter(Struct, frozen=True, kw_only=True):
    """Which orphans to list; an empty field matches all."""

    kinds: tuple[Kind, ...] = ()
    whys: tuple[Why, ...] = ()
    """For any of these reasons."""
    min_age: str | None = None
    """At least this old, as in 2h; it replaces the configured ages, too."""
    foreign: bool = False
    """Also what unknown tasks have made."""
    proposed: bool | None = None
    """Whether a clean-up would delete them."""

    def matches(self, orphan: orphan.Orphan) -> bool:
        """Return whether an orphan is listed."""
        least = self.age
        return (
            (not self.whys or orphan.why in self.whys)
            and (self.proposed is None or orphan.proposed is self.proposed)
            and (least is None or orphan.age >= least.total_seconds())
        )

    @property
    def age(self) -> timedelta | None:
        """Return the least age. Raises Invalid where it is not a duration."""
        try:
            return duration.parse(self.min_age) if self.min_age else None
        except ValueError as error:
            raise Invalid(str(error), faults=(Fault(pointer="?min_age", detail=str(error)),)) from error


EVERYTHING = Filter()


class Radar:
    """Looks for orphans. A look changes nothing but the memory of what was seen."""

    def __init__(self, store: engine.Store, *, clouds: CallerClouds, rules: Rules | None = None) -> None:
        self._store = store
        self._clouds = clouds
        self._rules = rules or Rules()

    async def list(
        self,
        ctx: CallContext,
        *,
        cloud: str | None = None,
        matching: Filter = EVERYTHING,
        limit: int = paging.LIMIT,
        marker: str | None = None,
    ) -> Page[Orphan]:
        """Return the project's orphans, the oldest first; that they were seen is remembered.

        Raises:
            Invalid: The least age is not a duration.
            CloudError: The cloud does not answer.
        """
        policy.enforce(ctx, "enamel:orphan:list")
        account = self._clouds.chosen(ctx, cloud)
        orphans = await self.look(
            ctx, account, kinds=matching.kinds or _ALL, min_age=matching.age, foreign=matching.foreign
        )
        kept = [_on(account.name, orphan) for orphan in orphans if matching.matches(orphan)]
        return paging.page(kept, limit=limit, marker=marker, key=lambda orphan: orphan.id, what="orphan")

    async def look(
        self,
        ctx: CallContext,
        account: driver.Cloud,
        *,
        kinds: Collection[Kind] = _ALL,
        min_age: timedelta | None = None,
        foreign: bool = False,
        counts: bool = True,
    ) -> Sequence[orphan.Orphan]:
        """Return the orphans, the oldest first, from one list of each kind of resource.

        Args:
            ctx: Who asks.
            account: The caller's project on the cloud.
            kinds: What is looked for.
            min_age: The age from which an orphan is proposed for a clean-up; the configured ones if None.
            foreign: Whether what unknown tasks have made belongs to it.
            counts: Whether this look is remembered as one that has found something.

        Raises:
            CloudError: The cloud does not answer.
        """
        inventory = await _inventory(account, kinds)
        makers = {by.task for text in inventory.marks() if (by := mark.read(text)) is not None}
        families = await self._store.read(owners.of, makers)
        project = (await account.identity()).project_id
        running = await self._store.read(reservations.holders, project_id=project, cloud=account.name)
        suspects = find.find(
            inventory,
            {id: _owner(family) for id, family in families.items()},
            running=running,
        )
        suspects = [suspect for suspect in suspects if suspect.kind in kinds]
        if counts:
            seen = await self._store.run(
                sightings.note, suspects, kinds=kinds, cloud=account.name, project_id=project
            )
        else:
            seen = await self._store.read(sightings.all, cloud=account.name, project_id=project)
        judged = [suspect for suspect in suspects if foreign or suspect.why is not Why.UNKNOWN_TASK]
        return find.judge(judged, seen.sightings, now=seen.now, rules=self._rules, min_age=min_age)


def _on(cloud: str, orphan: orphan.Orphan) -> Orphan:
    return Orphan(**msgspec.structs.asdict(orphan), cloud=cloud)


_LISTS = {
    Kind.SERVER: {"servers"},
    Kind.PORT: {"servers", "ports"},
    Kind.ADDRESS: {"servers", "ports", "addresses"},
    Kind.VOLUME: {"servers", "volumes"},
    Kind.SECURITY_GROUP: {"servers", "ports", "security_groups"},
    Kind.SERVER_GROUP: {"server_groups"},
    Kind.NETWORK: {"networks"},
}
"""The lists that show whether a resource is in use."""
_NEEDS = {
    "servers": Capability.COMPUTE,
    "ports": Capability.NETWORK,
    "addresses": Capability.FLOATING_IP,
    "volumes": Capability.VOLUME,
    "security_groups": Capability.SECURITY_GROUPS,
    "server_groups": Capability.SERVER_GROUPS,
    "networks": Capability.NETWORK_CREATION,
}


async def _inventory(account: driver.Cloud, kinds: Collection[Kind]) -> Inventory:
    """Return what a project has, as far as it is needed to look for some kinds and the cloud offers it."""
    capabilities = await account.capabilities()
    lists: dict[str, Callable[[], Awaitable[Sequence[Any]]]] = {
        "servers": account.servers_list,
        "ports": account.ports_list,
        "addresses": account.addresses_list,
        "volumes": account.volumes_list,
        "security_groups": account.security_groups,
        "server_groups": account.server_groups,
        "networks": account.unfinished_networks,
    }
    needed = set[str]().union(*(_LISTS[kind] for kind in kinds))
    names = [name for name in lists if name in needed and _NEEDS[name] in capabilities]
    answers = await asyncio.gather(*(lists[name]() for name in names))
    return Inventory(**{name: tuple(resources) for name, resources in zip(names, answers, strict=True)})


def _owner(family: owners.Family) -> Owner:
    return Owner(
        alive=family.alive,
        reverted=family.reverted,
        failed_to_undo=family.failed_to_undo,
        made=family.made,
    )
