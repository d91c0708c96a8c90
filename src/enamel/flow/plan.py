"""The plan: a directed acyclic graph of steps, as data.

Commands write it with a `Draft`; the store keeps it as JSON; the runner carries it out; the API shows it.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct

from enamel.flow import expressions, versions
from enamel.model import mark as marks
from enamel.model.errors import PlanUnreadable
from enamel.model.task_key import Taken
from enamel.steps import KINDS
from enamel.steps.step import Retry, Step


class Node(Struct, frozen=True, kw_only=True):
    """One step of a plan."""

    name: str
    """Unique in the plan, for example `boot-web-1`."""
    kind: str
    """Which step it is: a key of `enamel.steps.KINDS`."""
    action: str
    """The word that people read: NETWORKING, SPAWNING …"""
    inputs: dict[str, Any]
    """Literals and expressions, for example `{"ref": "ports.ports.0.id"}`; see `enamel.flow.expressions`."""
    after: tuple[str, ...] = ()
    """Names of the steps that must be done before."""
    group: str | None = None
    """Name of the group that it belongs to, a server's hostname; None if it serves the whole task."""
    cloud: str | None = None
    """The cloud on which it is done, if not the task's own."""
    project: str | None = None
    """Id of the project for which it is done, if not the entry's own."""
    members: tuple[str, ...] = ()
    """Of a step that makes one thing for each of several servers: their hostnames, in the order of the things."""
    needs: dict[str, int] = {}
    """How much of each quota of its cloud it uses up."""
    retry: Retry = Retry()
    timeout: timedelta = timedelta(minutes=5)
    """Time for one attempt."""


SERVER = "server"
"""The kind of the groups that are servers: each has an entry among those of the task."""


class Group(Struct, frozen=True, kw_only=True):
    """Steps that fail together and move on together: those of one server of many, or of anything else."""

    name: str
    kind: str = SERVER
    id: str | None = None
    """The id of a server that exists before the task begins."""
    known: dict[str, Any] = {}
    """What the entry of such a server says from the beginning."""
    alternatives: tuple[dict[str, Any], ...] = ({},)
    """Where the group can go, in order of preference; steps refer to the present one as `{"alt": "zone"}`."""


class Plan(Struct, frozen=True, kw_only=True):
    """What will be done."""

    version: int = versions.VERSION
    """How it is written; a worker that does not know the version leaves the task to one that does."""
    nodes: tuple[Node, ...] = ()
    groups: tuple[Group, ...] = ()
    on_failure: str = "rollback"
    """rollback or keep."""
    keep_going: bool = False
    """Whether the failure of a step keeps only those from beginning that build on it, as in a revert."""
    all_or_nothing: bool = False
    """Whether one group's failure undoes the others."""
    needs: dict[str, int] = {}
    """How much of each quota it uses up."""
    calls: int = 0
    """API calls that are expected, without those of waiting."""
    notes: tuple[str, ...] = ()
    """Notes of the planner, for example which fall-back it chose."""


def label(group: Group) -> dict[str, str]:
    """Return what events call a group: `server` where it is one."""
    return {SERVER if group.kind == SERVER else "group": group.name}


def servers(plan: Plan) -> tuple[Group, ...]:
    """Return the groups of a plan that are servers."""
    return tuple(group for group in plan.groups if group.kind == SERVER)


def asleep(node: Node, groups: Mapping[str, Group], at: Mapping[str, int]) -> bool:
    """Tell whether a step is for a group that may come to its cloud later: it has no item until then.

    Args:
        node: The step.
        groups: The plan's groups by name.
        at: Which of its alternatives each group is at; the first by default.
    """
    group = groups.get(node.group) if node.group is not None else None
    if group is None or all("cloud" not in place for place in group.alternatives):
        return False
    return group.alternatives[at.get(group.name, 0)].get("cloud") != node.cloud


def with_secrets(plan: Plan, references: Mapping[str, str]) -> Plan:
    """Return a plan in which the symbols of secrets are replaced by references into the key store."""

    def change(operator: str, path: str) -> dict[str, str]:
        return {operator: references.get(path, path) if operator == "secret" else path}

    return _with_inputs(plan, lambda inputs: expressions.rewrite(inputs, change)) if references else plan


def _with_inputs(plan: Plan, change: Callable[[Any], Any]) -> Plan:
    nodes = [msgspec.structs.replace(node, inputs=change(node.inputs)) for node in plan.nodes]
    return msgspec.structs.replace(plan, nodes=tuple(nodes))


def step(kind: str, inputs: dict[str, Any]) -> Step:
    """Return a step of a kind, with the values of its inputs."""
    return msgspec.convert(inputs, KINDS[kind])


def step_of(node: Node, inputs: Any) -> Step:
    """Return the step of a node, with the values of its inputs.

    Raises:
        PlanUnreadable: This version does not know the kind, or the inputs do not fit it.
    """
    try:
        return msgspec.convert(inputs, _kind_of(node))
    except msgspec.ValidationError as exc:
        # The message may quote a value.
        why = "" if any(True for _ in expressions.paths(node.inputs, "secret")) else f": {exc}"
        raise PlanUnreadable(
            f"The inputs of step '{node.name}' do not fit its kind '{node.kind}'{why}"
        ) from exc


def _kind_of(node: Node) -> type[Step]:
    kind = KINDS.get(node.kind)
    if kind is None:
        raise PlanUnreadable(f"Step '{node.name}' has the unknown kind '{node.kind}'.", newer=True)
    return kind


def read(data: Mapping[str, Any]) -> Plan:
    """Return the plan that was stored as data, by this version or an earlier one.

    Raises:
        PlanUnreadable: The data are no plan; or, with `newer` among its data, a later version has written it.
    """
    try:
        plan = msgspec.convert(versions.upgraded(data), Plan)
    except msgspec.ValidationError as exc:
        raise PlanUnreadable(f"The stored plan cannot be read: {exc}") from exc
    names = {node.name for node in plan.nodes}
    for node in plan.nodes:
        _kind_of(node)
        expressions.check(node.inputs)
        if not names.issuperset(node.after):
            raise PlanUnreadable(f"Step '{node.name}' waits for a step that the plan does not have.")
    return plan


def data(plan: Plan) -> dict[str, Any]:
    """Return a plan as data for the store."""
    stored: dict[str, Any] = msgspec.to_builtins(plan)
    return stored


def taken(plan: Plan, *, besides: Collection[str] = ()) -> frozenset[Taken]:
    """Return the existing resources that the steps of a plan take, but for some steps."""
    return frozenset(
        thing
        for node in plan.nodes
        if node.name not in besides
        for thing in KINDS[node.kind].takes(node.inputs)
    )


def mark(task: str, step: str, *, alternative: int = 0) -> str:
    """Return the mark that resources of a step carry.

    A server that moved on to its next placement carries another mark than the one that failed before.
    """
    return marks.write(task, step) + (f"~{alternative}" if alternative else "")
