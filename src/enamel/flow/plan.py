"""The plan: a directed acyclic graph of steps, as data.

Commands write plans with `Draft`; the store keeps them as JSON; the runner carries them out; the API shows them.

    draft = Draft()
    ports = draft.add(port.CreatePorts(wants=wants))
    draft.add(server.Boot(networks=[{"port_id": ports["ports", 0, "id"]}]), group="web-1")
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from enamel.model import mark as marks
from enamel.model.errors import PlanUnreadable
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
    """Literals, and references to outputs of other steps: `{"ref": "ports.ports.0.id"}`."""
    after: tuple[str, ...] = ()
    """Names of the steps that must be done before."""
    group: str | None = None
    """Hostname of the server that it belongs to; None where it serves the whole task."""
    cloud: str | None = None
    """Where it is done, if not on the task's own cloud."""
    project: str | None = None
    """Id of the project for which it is done, if not the entry's own."""
    members: tuple[str, ...] = ()
    """Of a step that makes one thing for each of several servers: their hostnames, in the order of the things."""
    retry: Retry = Retry()
    give_up_after: float = 300.0
    """Seconds for one attempt."""


class Group(Struct, frozen=True, kw_only=True):
    """One server of many: what fails together and moves on together."""

    name: str
    id: str | None = None
    """The server's id, where it is there before the task begins."""
    known: dict[str, Any] = {}
    """What its entry tells of it from the beginning, where it is there before."""
    alternatives: tuple[dict[str, Any], ...] = ({},)
    """Where the server can go, in order of preference; steps refer to the present one as `{"alt": "zone"}`."""


class Plan(Struct, frozen=True, kw_only=True):
    """What will be done."""

    nodes: tuple[Node, ...] = ()
    groups: tuple[Group, ...] = ()
    on_failure: str = "rollback"
    """rollback or keep."""
    all_or_nothing: bool = False
    """Whether one server's failure undoes its siblings."""
    needs: dict[str, int] = {}
    """What it takes of each quota."""
    calls: int = 0
    """Plumbing calls that are foreseen."""
    notes: tuple[str, ...] = ()
    """What the planner wants the reader to know, for example which fall-back it chose."""


class Ref:
    """A place where a value will be when the plan runs: an output of a step, an alternative, or a secret."""

    __slots__ = ("kind", "path")

    def __init__(self, kind: str, path: str) -> None:
        self.kind = kind
        self.path = path


class Handle:
    """A step that was added to a draft: `handle["ports", 0, "id"]` refers to one of its outputs."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, path: str | tuple[str | int, ...]) -> Any:
        parts = path if isinstance(path, tuple) else (path,)
        return Ref("ref", ".".join([self.name, *map(str, parts)]))


def alternative(key: str) -> Any:
    """Return a reference to a field of the alternative that the step's group is tried in."""
    return Ref("alt", key)


def secret(reference: str) -> Any:
    """Return a reference to a text in the key store."""
    return Ref("secret", reference)


class Draft:
    """A plan that is being written."""

    def __init__(self, *, cloud: str | None = None, group: str | None = None) -> None:
        """Begin a plan.

        Args:
            cloud: Where its steps are done, if not on the task's own cloud; their names say so.
            group: The server that all of them are for.
        """
        self._cloud = cloud
        self._group = group
        self._nodes: dict[str, Node] = {}
        self._steps: dict[str, Step] = {}

    def add(
        self,
        step: Step,
        *,
        name: str | None = None,
        group: str | None = None,
        members: Sequence[str] = (),
        after: Sequence[Handle] = (),
        action: str | None = None,
        cloud: str | None = None,
        project: str | None = None,
        give_up_after: float | None = None,
    ) -> Handle:
        """Add a step and return its handle.

        Steps whose outputs it refers to, and those in `after`, are done before it. The `action` is the word that
        people read where a step's own says too little.
        """
        base = name or step.kind.replace(".", "-")
        group = group or self._group
        label = f"{base}-{group}" if group else base
        label += f"@{self._cloud}" if self._cloud else ""
        unique = label
        number = 2
        while unique in self._nodes:
            unique = f"{label}-{number}"
            number += 1
        inputs = msgspec.to_builtins(step, enc_hook=_encode)
        needed = {path.split(".")[0] for path in references(inputs)} | {handle.name for handle in after}
        self._nodes[unique] = Node(
            name=unique,
            kind=step.kind,
            action=action or step.action,
            inputs=inputs,
            after=tuple(sorted(needed)),
            group=group,
            cloud=cloud or self._cloud,
            project=project,
            members=tuple(members),
            retry=step.retry,
            give_up_after=give_up_after or step.give_up_after.total_seconds(),
        )
        self._steps[unique] = step
        return Handle(unique)

    def plan(self, **rest: Any) -> Plan:
        """Return the plan; the keyword arguments are its other fields."""
        calls = sum(step.calls for step in self._steps.values())
        return Plan(nodes=tuple(self._nodes.values()), calls=calls, **rest)


def _encode(value: Any) -> Any:
    if isinstance(value, Ref):
        return {value.kind: value.path}
    raise NotImplementedError(f"a plan cannot hold a {type(value).__name__}")


def _marked(value: Any, kind: str) -> Iterator[str]:
    """Yield the paths of all references of a kind within a value: `ref`, `alt` or `secret`."""
    if isinstance(value, dict):
        if value.keys() == {kind}:
            yield value[kind]
            return
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _marked(part, kind)


def references(inputs: Any) -> Iterator[str]:
    """Return the paths of the outputs that a step's inputs refer to."""
    return _marked(inputs, "ref")


def depends_on_alternative(node: Node) -> bool:
    """Tell whether a step's inputs depend on the placement that its server is tried in."""
    return any(True for _ in _marked(node.inputs, "alt"))


def asleep(node: Node, groups: Mapping[str, Group], at: Mapping[str, int]) -> bool:
    """Tell whether a step is for a server that may come to its cloud later: it has no item until then.

    Args:
        node: The step.
        groups: The plan's groups by name.
        at: Which of its alternatives each group is at; the first where nothing is said.
    """
    group = groups.get(node.group) if node.group is not None else None
    if group is None or all("cloud" not in place for place in group.alternatives):
        return False
    return group.alternatives[at.get(group.name, 0)].get("cloud") != node.cloud


def secrets_of(value: Any) -> Iterator[str]:
    """Return the key store references within the inputs of a step."""
    return _marked(value, "secret")


def with_secrets(plan: Plan, references: Mapping[str, str]) -> Plan:
    """Return a plan in which the symbols of secrets are replaced by references into the key store."""
    if not references:
        return plan

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            if value.keys() == {"secret"}:
                return {"secret": references.get(value["secret"], value["secret"])}
            return {key: replaced(part) for key, part in value.items()}
        return [replaced(part) for part in value] if isinstance(value, list | tuple) else value

    nodes = [msgspec.structs.replace(node, inputs=replaced(node.inputs)) for node in plan.nodes]
    return msgspec.structs.replace(plan, nodes=tuple(nodes))


def resolve(
    value: Any,
    *,
    outputs: Mapping[str, Mapping[str, Any]],
    chosen: Mapping[str, Any],
    secrets: Mapping[str, str],
) -> Any:
    """Return a step's inputs with every reference replaced by its value.

    Args:
        value: The inputs.
        outputs: Outputs of the steps that are done, by name.
        chosen: The alternative that the step's group is tried in.
        secrets: Texts out of the key store, by reference.

    Raises:
        KeyError, IndexError: A reference leads nowhere.
    """
    if isinstance(value, list | tuple):
        return [resolve(part, outputs=outputs, chosen=chosen, secrets=secrets) for part in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(key, path)] = value.items()
        if key == "ref":
            return _walk(outputs, path)
        if key == "alt":
            return chosen.get(path)
        if key == "secret":
            return secrets[path]
    return {
        key: resolve(part, outputs=outputs, chosen=chosen, secrets=secrets) for key, part in value.items()
    }


def _walk(outputs: Mapping[str, Mapping[str, Any]], path: str) -> Any:
    name, *parts = path.split(".")
    value: Any = outputs[name]
    for part in parts:
        value = value[int(part)] if isinstance(value, list | tuple) else value[part]
    return value


def step_of(node: Node, inputs: Any) -> Step:
    """Return the step of a node, ready to be done.

    Raises:
        PlanUnreadable: This version does not know the kind, or the inputs do not fit it.
    """
    kind = KINDS.get(node.kind)
    if kind is None:
        raise PlanUnreadable(f"Step '{node.name}' is of the unknown kind '{node.kind}'.")
    try:
        return msgspec.convert(inputs, kind)
    except msgspec.ValidationError as exc:
        raise PlanUnreadable(
            f"The inputs of step '{node.name}' do not fit its kind '{node.kind}': {exc}"
        ) from exc


def read(data: Mapping[str, Any]) -> Plan:
    """Return the plan that was stored as data.

    Raises:
        PlanUnreadable: The data are no plan, or name a kind of step that this version does not know.
    """
    try:
        plan = msgspec.convert(dict(data), Plan)
    except msgspec.ValidationError as exc:
        raise PlanUnreadable(f"The stored plan cannot be read: {exc}") from exc
    for node in plan.nodes:
        if node.kind not in KINDS:
            raise PlanUnreadable(f"Step '{node.name}' is of the unknown kind '{node.kind}'.")
    return plan


def data(plan: Plan) -> dict[str, Any]:
    """Return a plan as data for the store."""
    found: dict[str, Any] = msgspec.to_builtins(plan)
    return found


def mark(task: str, step: str, *, alternative: int = 0) -> str:
    """Return the mark that resources of a step carry.

    A server that moved on to its next placement carries another mark than the one that failed before.
    """
    return marks.write(task, step) + (f"~{alternative}" if alternative else "")
