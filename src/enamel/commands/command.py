"""The command: one operation, from a request and facts to a plan. Pure: a preview is the same code."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, structs

from enamel.commands import feasibility
from enamel.commands.facts import Facts, FactsNeeded
from enamel.flow.plan import Plan
from enamel.model import duration
from enamel.model.errors import Fault
from enamel.model.item import Item
from enamel.model.launch import Notify
from enamel.model.placement import Containers
from enamel.model.task import Priority, Task


class CommandRequest(Struct, frozen=True, kw_only=True):
    """What a caller asked for, as far as it could be parsed."""

    body: Any
    """The body as the command's Struct; fields with faults have their defaults."""
    params: Mapping[str, str] = {}
    """The parameters of the route's path and query, for example the server's id."""
    task_id: str = ""
    """The id that the task will have."""
    clouds: tuple[str, ...] = ()
    """All clouds of the configuration, the default one first."""
    containers: Containers = Containers()
    """The containers that the operator has defined over them."""
    roles: frozenset[str] = frozenset()
    """The caller's roles in the project."""
    earlier: Task | None = None
    """The earlier task that the request is about."""
    spare: bool = False
    """Whether it is planned for a cloud to which servers may move later, one by one."""
    seed: int = 0
    """Random seed: a plan made twice is the same plan."""


class Planned(Struct, frozen=True, kw_only=True):
    """What a command makes of a request."""

    plan: Plan
    faults: tuple[Fault, ...] = ()
    """Everything that is wrong; with any of them the plan is not carried out."""
    secrets: Mapping[str, bytes] = {}
    """Texts for the key store, by their symbols in the plan."""
    kept: tuple[Item, ...] = ()
    """Items that are done already, in an earlier task that this one restarts."""
    groups: Mapping[str, int] = {}
    """For servers that moved on in the earlier task: the placement that they are in."""
    type: str | None = None
    """The task's type, if it is not the command's."""
    action: str | None = None
    timeout: timedelta = timedelta(hours=1)
    ttl: timedelta | None = None
    not_before: datetime | None = None
    notify: tuple[Notify, ...] = ()
    priority: Priority = Priority.NORMAL


def named_cloud(request: CommandRequest) -> tuple[str | None, Sequence[Fault]]:
    """Return the cloud that a request names by itself."""
    return request.params.get("cloud"), ()


def _timed(planned: Planned, text: str | None) -> Planned:
    """Return what was planned with the time that the request's query allows for it."""
    if text is None:
        return planned
    try:
        return structs.replace(planned, timeout=duration.parse(text))
    except ValueError as exc:
        fault = Fault(pointer="?timeout", detail=f"{exc}.")
        return structs.replace(planned, faults=(*planned.faults, fault))


class Command(Struct, frozen=True, kw_only=True):
    """One line of the table of commands."""

    name: str
    """The task's type: `server.create`."""
    action: str
    """The word of the vNext API: CREATE."""
    summary: str
    body: type | None
    """Struct of the request's body; None if it has none."""
    cloud: Callable[[CommandRequest], tuple[str | None, Sequence[Fault]]] = named_cloud
    """Says which cloud the request is about; None means the default one."""
    elsewhere: Callable[[CommandRequest], Sequence[str]] = lambda request: ()
    """Names the further clouds that can fulfil the request, in order."""
    ask: Callable[[CommandRequest], FactsNeeded]
    planner: Callable[[CommandRequest, Facts], Planned]
    """Plans the request, without regard to quotas."""
    blank: Callable[[Any], Any] = lambda data: data
    """Removes the secrets from the request's data before they are stored."""

    def plan(self, request: CommandRequest, facts: Facts) -> Planned:
        """Return the plan of a request, with everything that is wrong with it."""
        planned = _timed(self.planner(request, facts), request.params.get("timeout"))
        more = list(feasibility.faults(planned.plan, facts, kept=planned.kept))
        if any(fault.code == "capability_missing" for fault in planned.faults):
            # The command has said what lacks, at the field that asks for it.
            more = [fault for fault in more if fault.code != "capability_missing"]
        return structs.replace(planned, faults=(*planned.faults, *more))
