"""Prepare a request: read it, find the clouds that can meet it, and plan it there."""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from enamel.commands.command import Command, CommandRequest, Planned
from enamel.commands.facts import Facts
from enamel.model import ids
from enamel.model.call_context import CallContext
from enamel.model.errors import CloudError, Fault, Invalid, NotFound
from enamel.model.placement import Containers
from enamel.service import off_loop
from enamel.service.access.clouds import CallerClouds
from enamel.service.access.webhook_targets import WebhookTargets
from enamel.service.planning.candidates import CandidatePlanner, Earlier
from enamel.service.planning.server_locator import ServerLocator
from enamel.service.resources import address, volume
from enamel.service.tasks import read
from enamel.service.validation import body as bodies
from enamel.store import engine, items, tasks

_ENTRY = re.compile(r"(.*/\d+)/[^/]+")
"""The pointer to a field of an entry of a list, and to the entry."""
_FIND = {"volume": volume.find, "address": address.find}
"""How to find the cloud of what a request is about, by the name of the parameter that names it."""


class Prepared(Struct, frozen=True, kw_only=True):
    """A request with its plan, and everything that is wrong with it."""

    id: str
    """The id that its task will have."""
    cloud: str
    parent: str | None
    """The earlier task that it is about."""
    params: Mapping[str, str]
    planned: Planned
    facts: Facts
    faults: tuple[Fault, ...]


class Preparer:
    """Prepares requests. Nothing is written."""

    def __init__(
        self,
        store: engine.Store,
        *,
        clouds: CallerClouds,
        locator: ServerLocator,
        candidates: CandidatePlanner,
        targets: WebhookTargets,
        containers: Containers,
    ) -> None:
        self._store = store
        self._clouds = clouds
        self._locator = locator
        self._candidates = candidates
        self._targets = targets
        self._containers = containers

    async def prepare(
        self,
        ctx: CallContext,
        command: Command,
        data: Any,
        *,
        cloud: str | None,
        params: Mapping[str, str],
    ) -> Prepared:
        """Read the request, gather the facts, and plan.

        Raises:
            Invalid: Its body cannot be read at all.
            NotFound: What it is about does not exist.
            CloudError: The cloud does not answer.
        """
        faults: list[Fault] = []
        body = None
        if command.body is not None:
            size = _entries(data)
            body, faults = await off_loop.run(size, bodies.shape, {} if data is None else data, command.body)
            if body is None:
                raise Invalid("; ".join(fault.detail for fault in faults), faults=tuple(faults))
        id = ids.new_id()
        names = self._clouds.names(ctx, cloud)
        earlier = await self._earlier(ctx, params, cloud=cloud)
        request = CommandRequest(
            body=body,
            params=params,
            task_id=id,
            clouds=names,
            containers=self._containers,
            roles=frozenset(ctx.caller.roles),
            earlier=earlier.task,
            seed=uuid.UUID(id).int,
        )
        among, more = await self._among(ctx, command, request, cloud=cloud)
        candidate = await self._candidates.best(ctx, command, request, among=among, earlier=earlier)
        planned = candidate.planned
        if planned.notify and not any(fault.pointer.startswith("/notify") for fault in planned.faults):
            more = [*more, *await self._targets.faults([notify.url for notify in planned.notify])]
        return Prepared(
            id=id,
            cloud=candidate.cloud,
            parent=earlier.task.id if earlier.task is not None else None,
            params=params,
            planned=planned,
            facts=candidate.facts,
            faults=_merged(faults, [*more, *planned.faults]),
        )

    async def _among(
        self, ctx: CallContext, command: Command, request: CommandRequest, *, cloud: str | None
    ) -> tuple[Sequence[str], Sequence[Fault]]:
        """Return the clouds that a request can be met on, the first choice first, and what is wrong with its choice."""
        named, faults = command.cloud(request)
        if request.earlier is not None:
            return [request.earlier.cloud], faults
        if cloud is not None or len(request.clouds) == 1:
            return request.clouds, faults
        if "server" in request.params:
            return [await self._locator.cloud_of(ctx, request.params["server"])], faults
        for name, find in _FIND.items():
            if name in request.params:
                try:
                    _, account = await find(self._clouds, ctx, request.params[name], cloud=None)
                except (NotFound, CloudError):
                    # The command itself says what is missing: a repeated request has an answer even when it is gone.
                    return request.clouds[:1], faults
                return [account.name], faults
        return [named or request.clouds[0], *command.elsewhere(request)], faults

    async def _earlier(self, ctx: CallContext, params: Mapping[str, str], *, cloud: str | None) -> Earlier:
        """Return the earlier task that a request is about, with its items and the tasks that are about it."""
        if "task" not in params:
            return Earlier()
        id = read.task_id(params["task"])
        task = await self._store.read(tasks.get, id, project_id=ctx.caller.project_id)
        if cloud not in (None, task.cloud):
            raise NotFound(f"There is no task '{id}' on cloud '{cloud}'.")
        return Earlier(
            task=task,
            items=tuple(await self._store.read(items.list, id)),
            children=await self._store.read(tasks.children, id),
        )


def _entries(data: Any) -> int:
    """Return how many entries the largest list of a body has, at its first and second level."""
    if isinstance(data, list):
        return len(data)
    return max(map(_entries, data.values()), default=0) if isinstance(data, dict) else 0


def _merged(unreadable: Sequence[Fault], others: Sequence[Fault]) -> tuple[Fault, ...]:
    """Return all faults, each once.

    A field that could not be read is not missing as well, nor is the entry of a list that it makes whole.
    """
    pointers = {fault.pointer for fault in unreadable}
    pointers |= {match[1] for fault in unreadable if (match := _ENTRY.fullmatch(fault.pointer))}
    every = dict.fromkeys([*unreadable, *others])
    return tuple(fault for fault in every if fault in unreadable or fault.pointer not in pointers)
