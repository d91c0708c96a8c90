"""The view of a task: its servers, progress, calls and resources, as its items record them.

All of it is derived, so that the end of a step writes the step's row and nothing else; only the end of the task
writes the view down.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from enamel.flow import evaluation
from enamel.flow import plan as plans
from enamel.flow.plan import Group, Plan
from enamel.model import cloud, errors, item, moment, problem, task
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.steps import KINDS
from enamel.steps.step import failed_places

FAILED = frozenset({item.State.ABORTED, item.State.TIMED_OUT, item.State.REVERTED})
"""The states of a step that failed for good; it may be undone since."""
_KEPT = frozenset({item.State.ABORTED, item.State.TIMED_OUT})
"""The states of a step that failed and was not undone."""
_LASTING = ("cloud", "placement", "fixed_addresses", "public_address", "volumes", "launched_at")
"""What is so of a server whatever a task does with it."""


def seen(owner: Task, items: Sequence[Item], plan: Plan) -> Task:
    """Return a task with its servers, progress, calls and result as its items record them."""
    servers = tuple(_explained(entry, owner) for entry in entries(plan, items))
    return msgspec.structs.replace(
        owner,
        progress=task.Progress(
            done=sum(step.state in {item.State.COMPLETED, item.State.REVERTED} for step in items),
            total=len(items),
        ),
        calls=sum(len(step.calls) for step in items),
        servers=servers,
        result=task.Result(servers=servers, made=made(owner.cloud, items), data=data(items)),
    )


def entries(plan: Plan, items: Sequence[Item]) -> list[task.ServerEntry]:
    """Return what is known of each requested server, in the order of the request."""
    by_group: dict[str, list[Item]] = {group.name: [] for group in plans.servers(plan)}
    fields: dict[str, dict[str, Any]] = {
        group.name: {"id": group.id, **group.known} for group in plans.servers(plan)
    }
    members = {node.name: node.members for node in plan.nodes if node.members}
    refused: dict[str, problem.Problem] = {}
    for step in sorted(items, key=_when):
        for place, why in failed_places(step.outputs).items() if step.name in members else ():
            refused.setdefault(members[step.name][place], why)
        if step.group in by_group and not left_behind(step):
            by_group[step.group].append(step)
            fields[step.group].update(step.outputs.get("entry", {}))
        for name, entry in step.outputs.get("entries", {}).items():
            if name in fields:
                fields[name].update(entry)
    return [
        _entry(group.name, by_group[group.name], fields[group.name], refused=refused.get(group.name))
        for group in plans.servers(plan)
    ]


def _explained(entry: task.ServerEntry, owner: Task) -> task.ServerEntry:
    """Return an entry with the error of its task, where the task failed before anything was done for the server."""
    if owner.error is None or owner.state not in task.ENDED or entry.state != "WAITING" or entry.error:
        return entry
    if owner.error.code == errors.PartlyDone.code:
        # The others failed, not this one.
        return entry
    why = msgspec.structs.replace(owner.error, left=())
    return msgspec.structs.replace(entry, state="FAILED", error=why)


def known(entry: task.ServerEntry) -> dict[str, Any]:
    """Return what an entry says of a server beside the progress of its task."""
    fields: dict[str, Any] = msgspec.to_builtins(entry)
    return {name: fields[name] for name in _LASTING if fields[name]}


def there(server: cloud.Server, *, on: str, region: str) -> Group:
    """Return the group of a server that exists before the task begins."""
    public = next(iter(server.floating_addresses), None)
    entry = task.ServerEntry(
        hostname=server.name,
        cloud=on,
        placement=server.placement(cloud=on, region=region),
        fixed_addresses=server.fixed_addresses,
        public_address=public,
        volumes=server.volumes,
        launched_at=server.launched_at,
    )
    return Group(name=server.name, id=server.id, known=known(entry))


def left_behind(step: Item) -> bool:
    """Tell whether a step was done on a cloud that its server has moved on from."""
    return bool(step.outputs.get("left_behind"))


def data(items: Iterable[Item]) -> dict[str, Any]:
    """Return what a command answers with beside what it has made, for example the id of a snapshot's image.

    Lists of several steps become one list; of other values, the last step's counts.
    """
    answer: dict[str, Any] = {}
    for step in items:
        if step.state is item.State.COMPLETED:
            for name, value in step.outputs.get("data", {}).items():
                answer[name] = [*answer.get(name, ()), *value] if isinstance(value, list) else value
    return answer


def _when(step: Item) -> datetime:
    return step.ended_at or datetime.max.replace(tzinfo=UTC)


def _entry(
    name: str, own: Sequence[Item], known: Mapping[str, Any], *, refused: problem.Problem | None
) -> task.ServerEntry:
    """Return a server's entry, made of the outputs of its steps.

    Args:
        name: Its hostname.
        own: The steps that are for it alone.
        known: What the outputs of all steps say of it.
        refused: Why a step that serves several servers could not do its part.
    """
    fields = dict(known)
    failed = next((step for step in own if step.state in FAILED and step.error), None)
    why = refused or (failed.error if failed is not None else None)
    if why is not None:
        fields |= {"state": "FAILED", "error": msgspec.to_builtins(why)}
    elif own and all(step.state is item.State.COMPLETED for step in own):
        ended = [step.ended_at for step in own if step.ended_at is not None]
        fields |= _end(fields.get("state"), at=moment.text(max(ended)) if ended else None)
    if any(step.state is item.State.REVERTED for step in own) and why is None:
        fields["state"] = "REVERTED"
    return msgspec.convert({"hostname": name, **fields}, task.ServerEntry)


def _end(state: str | None, *, at: str | None) -> dict[str, Any]:
    """Return what the end of its last step makes of a server's entry."""
    if state == "ACTIVE":
        return {"state": "READY", "ready_at": at}
    return {"state": state or "DONE"}


def made(cloud: str, items: Iterable[Item]) -> dict[str, tuple[task.Made, ...]]:
    """Return what the steps have made and not undone, by kind: also what one that failed has made all the same."""
    things_by_kind: dict[str, list[task.Made]] = {}
    for step in items:
        kind = KINDS.get(step.kind)
        stands = step.state is item.State.COMPLETED or (step.state in _KEPT and step.outputs)
        if kind is None or not stands or not kind.undoable:
            continue
        undone = set(step.outputs.get("undone", ()))
        for place, thing in enumerate(kind.made(step.outputs)):
            if place not in undone:
                things_by_kind.setdefault(thing.kind, []).append(
                    msgspec.structs.replace(
                        thing, cloud=step.outputs.get("cloud", cloud), server=thing.server or step.group
                    )
                )
    return {kind: tuple(things) for kind, things in things_by_kind.items()}


def inputs_of(plan: Plan, items: Mapping[str, Item], name: str, groups: Mapping[str, int]) -> Any:
    """Return the inputs with which a step was carried out, without secrets.

    Raises:
        KeyError, IndexError: A step that it builds on has left no outputs.
    """
    node = next(node for node in plan.nodes if node.name == name)
    chosen: Mapping[str, Any] = {}
    for group in plan.groups:
        if group.name == node.group:
            chosen = group.alternatives[groups.get(group.name, 0)]
    outputs = {other: step.outputs for other, step in items.items() if step.outputs}
    sources = evaluation.Sources(outputs=outputs, placement=chosen, secrets=None)
    return evaluation.resolve(node.inputs, sources)
