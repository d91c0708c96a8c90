"""Plan a request on every candidate cloud and choose one."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from enamel.clouds import accounts, driver
from enamel.commands.command import Command, CommandRequest, Planned
from enamel.commands.facts import Facts, OrphanFactsNeeded
from enamel.commands.launch import other_clouds
from enamel.model import cloud as cloud_model
from enamel.model import mark, task
from enamel.model.call_context import CallContext
from enamel.model.cloud import Limit
from enamel.model.errors import CloudError, NotFound
from enamel.model.item import Item
from enamel.model.orphan import Orphan
from enamel.model.task import Task
from enamel.service import off_loop
from enamel.service.access.clouds import CallerClouds
from enamel.service.planning import facts as gathering
from enamel.service.planning import quota_cache
from enamel.service.resources.orphan import Radar
from enamel.store import clock, engine, reservations, tasks

DISPROVED = frozenset({"not_routed", "no_port_security"})
"""Codes of faults that follow from how networks are: nobody is refused because of what they were a moment ago."""


class Earlier(Struct, frozen=True, kw_only=True):
    """What a request refers back to."""

    task: Task | None = None
    items: tuple[Item, ...] = ()
    children: tuple[Task, ...] = ()
    """The tasks that are about that task."""


class Candidate(Struct, frozen=True, kw_only=True):
    """The plan of a request on one cloud."""

    cloud: str
    planned: Planned
    facts: Facts


class CandidatePlanner:
    """Gathers what a request needs to know of clouds, and plans it there."""

    def __init__(self, store: engine.Store, *, clouds: CallerClouds, radar: Radar) -> None:
        self._radar = radar
        self._store = store
        self._clouds = clouds
        self._quotas = quota_cache.QuotaCache(now=clock.MACHINE)

    def accepted(self, ctx: CallContext, cloud: str, needs: Mapping[str, int]) -> None:
        """Remember what an accepted task takes of a quota."""
        self._quotas.accepted(ctx, cloud, needs)

    async def best(
        self,
        ctx: CallContext,
        command: Command,
        request: CommandRequest,
        *,
        among: Sequence[str],
        earlier: Earlier,
    ) -> Candidate:
        """Return the plan on the first cloud that can meet a request; if none can, on the most likely.

        Clouds that were passed over are named in the plan's notes.

        Args:
            ctx: Who asks.
            command: What is asked for.
            request: The request.
            among: The clouds, the first choice first.
            earlier: What the request refers back to.

        Raises:
            CloudError: No cloud answers.
        """
        if len(among) == 1:
            return await self._on(ctx, among[0], command, request, earlier=earlier)
        answers = await asyncio.gather(
            *(self._on(ctx, name, command, request, earlier=earlier) for name in among),
            return_exceptions=True,
        )
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, CloudError):
                raise answer
        candidates = [answer for answer in answers if isinstance(answer, Candidate)]
        if not candidates:
            raise next(answer for answer in answers if isinstance(answer, CloudError))
        # What is wrong everywhere is the request's fault; a quota is the least of what can be wrong with a cloud.
        chosen = min(
            candidates, key=lambda candidate: (bool(candidate.planned.faults), not _is_full(candidate))
        )
        notes = _passed_over(among, answers, chosen)
        planned = chosen.planned
        if not planned.faults:
            others = [other for other in candidates if other is not chosen and not other.planned.faults]
            size = _size(request, earlier) * len(others)
            planned = await off_loop.run(size, _with_spares, command, request, planned, others)
        plan = msgspec.structs.replace(planned.plan, notes=(*planned.plan.notes, *notes))
        return msgspec.structs.replace(chosen, planned=msgspec.structs.replace(planned, plan=plan))

    async def _on(
        self, ctx: CallContext, cloud: str, command: Command, request: CommandRequest, *, earlier: Earlier
    ) -> Candidate:
        """Return the plan of a request on one cloud, from fresh facts where cached ones lack something."""
        candidate = await self._planned(ctx, cloud, command, request, earlier=earlier)
        # What the cached catalogue does not have may be new, or have another id now: it is fetched again.
        codes = {fault.code for fault in candidate.planned.faults}
        account = self._clouds.of(ctx).get(cloud)
        stale = bool(codes & DISPROVED) and await account.refresh(at_once=True)
        if "unknown" in codes:
            stale = await account.refresh() or stale
        if stale:
            return await self._planned(ctx, cloud, command, request, earlier=earlier)
        return candidate

    async def _planned(
        self, ctx: CallContext, cloud: str, command: Command, request: CommandRequest, *, earlier: Earlier
    ) -> Candidate:
        """Return the plan of a request on one cloud, from what is known of it."""
        size = _size(request, earlier)
        needed = await off_loop.run(size, command.ask, request)
        clouds = self._clouds.of(ctx)
        account = clouds.get(cloud)
        remembered = self._quotas.remembered(ctx, cloud, needed.quota) if needed.quota else {}
        facts, limits = await asyncio.gather(
            gathering.gather(
                account, needed, clouds=request.clouds, elsewhere=partial(accounts.resolve, clouds)
            ),
            self._quotas.fetch(ctx, account, needed.quota) if remembered is None else _known(remembered),
        )
        facts = msgspec.structs.replace(
            facts,
            containers=request.containers,
            addresses=await self._recognised(ctx, facts) if needed.terminate else facts.addresses,
            quota=limits,
            orphans=await self._orphans(ctx, account, needed.orphans) if needed.orphans else (),
            task=earlier.task if needed.task else None,
            items=earlier.items if needed.task else (),
            children=earlier.children,
            unfinished=await self._at_work(ctx, needed.server) if needed.server else (),
            reserved=await self._reserved(ctx, cloud, limits),
            reserved_names=await self._reserved_names(ctx, cloud, needed.server_names),
        )
        planned = await off_loop.run(size, command.plan, request, facts)
        if remembered and quota_cache.is_tight(planned.plan.needs, limits, facts.reserved):
            limits = await self._quotas.fetch(ctx, account, needed.quota)
            reserved = await self._reserved(ctx, cloud, limits)
            facts = msgspec.structs.replace(facts, quota=limits, reserved=reserved)
            planned = await off_loop.run(size, command.plan, request, facts)
        return Candidate(cloud=cloud, planned=planned, facts=facts)

    async def _recognised(self, ctx: CallContext, facts: Facts) -> tuple[cloud_model.Address, ...]:
        """Return a server's addresses; on clouds where they carry no marks, the store knows which task made one."""
        by = mark.read(facts.server.mark) if facts.server else None
        if by is None or all(address.mark for address in facts.addresses):
            return facts.addresses
        try:
            owner = await self._store.read(tasks.get, by.task, project_id=ctx.caller.project_id)
        except NotFound:
            return facts.addresses
        made_ids = {
            resource.id
            for resources in owner.result.made.values()
            for resource in resources
            if resource.kind == "address"
        }
        text = mark.write(by.task, "address-create")
        return tuple(
            msgspec.structs.replace(address, mark=text)
            if not address.mark and address.id in made_ids
            else address
            for address in facts.addresses
        )

    async def _at_work(self, ctx: CallContext, server: str) -> tuple[Task, ...]:
        """Return the tasks that have not ended and are about a server."""
        return await self._store.read(
            tasks.list,
            project_id=ctx.caller.project_id,
            server=server,
            states=frozenset(task.State) - task.ENDED,
        )

    async def _orphans(
        self, ctx: CallContext, account: driver.Cloud, needed: OrphanFactsNeeded
    ) -> tuple[Orphan, ...]:
        """Return the orphans; what a plan is made from does not count as a sighting."""
        orphans = await self._radar.look(
            ctx, account, kinds=needed.kinds, min_age=needed.min_age, foreign=needed.foreign, counts=False
        )
        return tuple(orphans)

    async def _reserved(self, ctx: CallContext, cloud: str, limits: Mapping[str, Limit]) -> dict[str, int]:
        """Return what running tasks have reserved."""
        if not limits:
            return {}
        project = ctx.caller.project_id
        return await self._store.read(reservations.reserved, project_id=project, cloud=cloud)

    async def _reserved_names(self, ctx: CallContext, cloud: str, names: frozenset[str]) -> frozenset[str]:
        """Return which of some host names running tasks have reserved."""
        if not names:
            return frozenset()
        return await self._store.read(
            tasks.reserved_names, project_id=ctx.caller.project_id, cloud=cloud, names=names
        )


async def _known(limits: dict[str, Limit]) -> dict[str, Limit]:
    return limits


def _size(request: CommandRequest, earlier: Earlier) -> int:
    """Return how many things the planning of a request deals with."""
    return max(getattr(request.body, "resources", 0), len(earlier.items))


def _with_spares(
    command: Command, request: CommandRequest, planned: Planned, others: Sequence[Candidate]
) -> Planned:
    """Return a plan whose servers can move on to the other clouds, one by one."""
    spare = msgspec.structs.replace(request, spare=True)
    further = [(other.cloud, command.plan(spare, other.facts)) for other in others]
    return other_clouds.joined(planned, [(name, plan) for name, plan in further if not plan.faults])


def _passed_over(among: Sequence[str], answers: Sequence[object], chosen: Candidate) -> list[str]:
    """Return a note for each cloud before the chosen one, with the reason."""
    notes = []
    for name, answer in zip(among, answers, strict=True):
        if answer is chosen:
            break
        why = answer.detail if isinstance(answer, CloudError) else _first_fault(answer)
        notes.append(f"Cloud '{name}' was passed over: {why}")
    return notes


def _is_full(candidate: Candidate) -> bool:
    return {fault.code for fault in candidate.planned.faults} == {"quota_exceeded"}


def _first_fault(answer: object) -> str:
    return answer.planned.faults[0].detail if isinstance(answer, Candidate) else ""
