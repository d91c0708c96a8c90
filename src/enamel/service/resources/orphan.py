"""The radar: looks for what belongs to nobody, and remembers since when it was seen."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

from enamel.clouds import driver
from enamel.clouds.capability import Capability
from enamel.commands.orphan import find
from enamel.commands.orphan.find import Inventory, Owner, Rules
from enamel.model import mark
from enamel.model.orphan import Kind, Orphan, Why
from enamel.store import engine, owners, sightings, tasks

_ALL = frozenset(Kind)


class Radar:
    """Looks for orphans. A look changes nothing but the memory of what was seen."""

    def __init__(self, store: engine.Store, *, clouds: driver.Clouds, rules: Rules | None = None) -> None:
        self._store = store
        self._clouds = clouds
        self._rules = rules or Rules()

    async def look(
        self,
        *,
        cloud: str | None = None,
        kinds: Collection[Kind] = _ALL,
        min_age: timedelta | None = None,
        foreign: bool = False,
        counts: bool = True,
    ) -> list[Orphan]:
        """Return what belongs to nobody, the oldest first; the cloud is asked for one list of each kind.

        Args:
            cloud: The cloud; the default one where none is named.
            kinds: What is looked for.
            min_age: The age from which an orphan is proposed; the configured ones where none is given.
            foreign: Whether what unknown tasks have made belongs to it.
            counts: Whether this look is remembered as one that has found something.

        Raises:
            CloudError: The cloud does not answer.

        """
        where = self._clouds.get(cloud or self._clouds.names()[0])
        there = await _inventory(where, kinds)
        makers = {by.task for text in there.marks() if (by := mark.read(text)) is not None}
        known = await self._store.read(owners.of, makers)
        told = {id: _owner(family) for id, family in known.items()}
        project = (await where.identity()).project_id
        running = await self._store.read(tasks.unfinished, project_id=project, cloud=where.name)
        found = find.find(there, told, running={one.id for one in running})
        found = [one for one in found if one.kind in kinds]
        if counts:
            seen = await self._store.run(
                sightings.note, found, kinds=kinds, cloud=where.name, project_id=project
            )
        else:
            seen = await self._store.read(sightings.all, cloud=where.name, project_id=project)
        shown = [one for one in found if foreign or one.why is not Why.UNKNOWN_TASK]
        return find.judge(shown, seen.sightings, now=seen.now, rules=self._rules, min_age=min_age)


_LISTS = {
    Kind.SERVER: {"servers"},
    Kind.PORT: {"servers", "ports"},
    Kind.ADDRESS: {"servers", "ports", "addresses"},
    Kind.VOLUME: {"servers", "volumes"},
    Kind.SECURITY_GROUP: {"servers", "ports", "security_groups"},
    Kind.SERVER_GROUP: {"server_groups"},
    Kind.NETWORK: {"networks"},
}
"""The lists that show whether somebody uses a thing."""
_NEEDS = {
    "servers": Capability.COMPUTE,
    "ports": Capability.NETWORK,
    "addresses": Capability.FLOATING_IP,
    "volumes": Capability.VOLUME,
    "security_groups": Capability.SECURITY_GROUPS,
    "server_groups": Capability.SERVER_GROUPS,
    "networks": Capability.NETWORK_CREATION,
}


async def _inventory(where: driver.Cloud, kinds: Collection[Kind]) -> Inventory:
    """Return what a project has, as far as it is needed to look for some kinds and the cloud offers it."""
    has = await where.capabilities()
    lists: dict[str, Callable[[], Awaitable[Sequence[Any]]]] = {
        "servers": where.servers_list,
        "ports": where.ports_list,
        "addresses": where.addresses_list,
        "volumes": where.volumes_list,
        "security_groups": where.security_groups,
        "server_groups": where.server_groups,
        "networks": where.unfinished_networks,
    }
    wanted = set[str]().union(*(_LISTS[kind] for kind in kinds))
    names = [name for name in lists if name in wanted and _NEEDS[name] in has]
    found = await asyncio.gather(*(lists[name]() for name in names))
    return Inventory(**{name: tuple(things) for name, things in zip(names, found, strict=True)})


def _owner(family: owners.Family) -> Owner:
    return Owner(
        alive=family.alive,
        reverted=family.reverted,
        failed_to_undo=family.failed_to_undo,
        made=family.made,
    )
