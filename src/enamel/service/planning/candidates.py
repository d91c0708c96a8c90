"""The prospect: what a request comes to on a cloud, and which cloud is the best of those it can go to."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import msgspec
from msgspec import Struct

from enamel.clouds import accounts, driver
from enamel.commands.command import Command, CommandRequest, Planned
from enamel.commands.facts import Facts, OrphanFactsNeeded
from enamel.commands.launch import other_clouds
from enamel.model import cloud, mark, task
from enamel.model.caller import Caller
from enamel.model.cloud import Limit
from enamel.model.errors import CloudError, NotFound
from enamel.model.item import Item
from enamel.model.orphan import Orphan
from enamel.model.task import Task
from enamel.service.planning import facts as asking
from enamel.service.planning import quota_cache, reservations
from enamel.service.resources.orphan import Radar
from enamel.store import engine, tasks


class Earlier(Struct, frozen=True, kw_only=True):
    """What a request refers back to."""

    task: Task | None = None
    items: tuple[Item, ...] = ()
    children: tuple[Task, ...] = ()
    """The tasks that are about that task."""


class Candidate(Struct, frozen=True, kw_only=True):
    """What a request comes to on one cloud."""

    cloud: str
    planned: Planned
    facts: Facts


class CandidatePlanner:
    """Asks clouds what a request needs to know of them, and has it planned."""

    def __init__(self, store: engine.Store, *, clouds: driver.Clouds, radar: Radar | None = None) -> None:
        self._radar = radar or Radar(store, clouds=clouds)
        self._store = store
        self._clouds = clouds
        self._allowance = quota_cache.QuotaCache(now=lambda: datetime.now(UTC))

    def accepted(self, cloud: str, needs: Mapping[str, int]) -> None:
        """Take note of what a task that was accepted will take of a cloud's quota."""
        self._allowance.accepted(cloud, needs)

    async def best(
        self,
        command: Command,
        want: CommandRequest,
        *,
        among: Sequence[str],
        caller: Caller,
        earlier: Earlier,
    ) -> Candidate:
        """Return what a request comes to on the first cloud that can meet it; where none can, on the most likely.

        Clouds that were passed over are named in the plan's notes.

        Args:
            command: What is asked for.
            want: The request.
            among: The clouds, the first choice first.
            caller: Who asks.
            earlier: What the request refers back to.

        Raises:
            CloudError: No cloud answers.
        """
        if len(among) == 1:
            return await self._on(among[0], command, want, caller=caller, earlier=earlier)
        looks = await asyncio.gather(
            *(self._on(name, command, want, caller=caller, earlier=earlier) for name in among),
            return_exceptions=True,
        )
        for look in looks:
            if isinstance(look, BaseException) and not isinstance(look, CloudError):
                raise look
        found = [look for look in looks if isinstance(look, Candidate)]
        if not found:
            raise next(look for look in looks if isinstance(look, CloudError))
        # What is wrong everywhere is the request's fault; a quota is the least of what can be wrong with a cloud.
        chosen = min(found, key=lambda one: (bool(one.planned.faults), not _is_full(one)))
        notes = []
        for name, look in zip(among, looks, strict=True):
            if look is chosen:
                break
            why = look.detail if isinstance(look, CloudError) else _first_fault(look)
            notes.append(f"Cloud '{name}' was passed over: {why}")
        planned = chosen.planned
        if not planned.faults:
            spare = msgspec.structs.replace(want, spare=True)
            others = [one for one in found if one is not chosen and not one.planned.faults]
            further = [(one.cloud, command.plan(spare, one.facts)) for one in others]
            planned = other_clouds.joined(planned, [(name, one) for name, one in further if not one.faults])
        plan = msgspec.structs.replace(planned.plan, notes=(*planned.plan.notes, *notes))
        return msgspec.structs.replace(chosen, planned=msgspec.structs.replace(planned, plan=plan))

    async def _on(
        self, cloud: str, command: Command, want: CommandRequest, *, caller: Caller, earlier: Earlier
    ) -> Candidate:
        """Return what a request comes to on one cloud, as the cloud is now."""
        found = await self._planned(cloud, command, want, caller=caller, earlier=earlier)
        # What is not to be found may be new, or have another id than it had: a catalogue that was kept is asked again.
        missing = any(fault.code == "unknown" for fault in found.planned.faults)
        if missing and await self._clouds.get(cloud).refresh():
            return await self._planned(cloud, command, want, caller=caller, earlier=earlier)
        return found

    async def _planned(
        self, cloud: str, command: Command, want: CommandRequest, *, caller: Caller, earlier: Earlier
    ) -> Candidate:
        """Return what a request comes to on one cloud, as far as is known of it."""
        asked = command.ask(want)
        where = self._clouds.get(cloud)
        remembered = self._allowance.remembered(cloud, asked.quota) if asked.quota else {}
        facts, limits = await asyncio.gather(
            asking.gather(
                where, asked, clouds=want.clouds, elsewhere=partial(accounts.resolve, self._clouds)
            ),
            self._allowance.look(where, asked.quota) if remembered is None else _known(remembered),
        )
        facts = msgspec.structs.replace(
            facts,
            containers=want.containers,
            addresses=await self._recognised(caller, facts) if asked.terminate else facts.addresses,
            quota=limits,
            orphans=await self._orphans(asked.orphans, cloud) if asked.orphans else (),
            task=earlier.task if asked.task else None,
            items=earlier.items if asked.task else (),
            children=earlier.children,
            unfinished=await self._at_work(caller, asked.server) if asked.server else (),
            reserved=await self._promised(caller, cloud, limits),
            promised_names=await self._store.read(
                tasks.promised_names,
                project_id=caller.project_id,
                cloud=cloud,
                names=asked.server_names,
            )
            if asked.server_names
            else frozenset(),
        )
        planned = command.plan(want, facts)
        if remembered and quota_cache.is_tight(planned.plan.needs, limits, facts.reserved):
            limits = await self._allowance.look(where, asked.quota)
            promised = await self._promised(caller, cloud, limits)
            facts = msgspec.structs.replace(facts, quota=limits, reserved=promised)
            planned = command.plan(want, facts)
        return Candidate(cloud=cloud, planned=planned, facts=facts)

    async def _recognised(self, caller: Caller, facts: Facts) -> tuple[cloud.Address, ...]:
        """Return a server's addresses; on clouds where they carry no marks, the task that made one is known from here."""
        by = mark.read(facts.server.mark) if facts.server else None
        if by is None or all(one.mark for one in facts.addresses):
            return facts.addresses
        try:
            owner = await self._store.read(tasks.get, by.task, project_id=caller.project_id)
        except NotFound:
            return facts.addresses
        made = {one.id for things in owner.result.made.values() for one in things if one.kind == "address"}
        text = mark.write(by.task, "address-create")
        return tuple(
            msgspec.structs.replace(one, mark=text) if not one.mark and one.id in made else one
            for one in facts.addresses
        )

    async def _at_work(self, caller: Caller, server: str) -> tuple[Task, ...]:
        """Return the tasks that have not ended and are about a server."""
        return await self._store.read(
            tasks.list,
            project_id=caller.project_id,
            server=server,
            states=frozenset(task.State) - task.ENDED,
        )

    async def _orphans(self, asked: OrphanFactsNeeded, cloud: str) -> tuple[Orphan, ...]:
        """Return what belongs to nobody; a look that something is to follow from counts for nothing itself."""
        found = await self._radar.look(
            cloud=cloud, kinds=asked.kinds, min_age=asked.min_age, foreign=asked.foreign, counts=False
        )
        return tuple(found)

    async def _promised(self, caller: Caller, cloud: str, limits: Mapping[str, Limit]) -> dict[str, int]:
        """Return what running tasks are about to take; the exact sum only where it can matter."""
        if not limits:
            return {}
        most = await self._store.read(tasks.reserved, project_id=caller.project_id, cloud=cloud)
        tight = any(
            limit.free is not None and most.get(kind, 0) * 2 >= limit.free for kind, limit in limits.items()
        )
        if not most or not tight:
            return most
        return await self._store.read(reservations.exact, project_id=caller.project_id, cloud=cloud)


async def _known(limits: dict[str, Limit]) -> dict[str, Limit]:
    return limits


def _is_full(one: Candidate) -> bool:
    return {fault.code for fault in one.planned.faults} == {"quota_exceeded"}


def _first_fault(look: object) -> str:
    return look.planned.faults[0].detail if isinstance(look, Candidate) else ""
