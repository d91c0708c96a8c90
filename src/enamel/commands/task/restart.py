"""`task.restart`: run a task that failed again, from where it failed or from a named step.

The new task has the old one's plan. What the old one made and did not undo becomes the new one's, and stays whatever
becomes of the new one; only a revert takes it away. What the old one made in steps that are to be done again is undone
first. Of a step that made something for each of several servers, only what is missing or broken is made again, each
thing by a step of its own.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta

import msgspec

from enamel.commands.command import CommandRequest, Planned
from enamel.commands.facts import Facts, FactsNeeded
from enamel.commands.task import step_parts, undo_steps
from enamel.commands.task.step_parts import Places
from enamel.flow import expressions, graph, task_view
from enamel.flow import plan as plans
from enamel.flow.draft import Draft
from enamel.flow.plan import Node, Plan
from enamel.model import item, states, task
from enamel.model.errors import Fault, WrongState
from enamel.model.item import Item
from enamel.model.task import Task
from enamel.steps import KINDS
from enamel.steps.server import Boot

RESTARTABLE = frozenset({task.State.ABORTED, task.State.TIMED_OUT})


def ask(request: CommandRequest) -> FactsNeeded:
    """Return what has to be known: the task's items, and whether its names and its quota are still free."""
    old = request.earlier
    if old is None or old.state not in RESTARTABLE:
        return FactsNeeded(task=request.params["task"])
    return FactsNeeded(
        task=old.id,
        server_names=frozenset(entry.hostname for entry in old.servers),
        quota=frozenset(plans.read(old.plan).needs),
    )


def plan(request: CommandRequest, facts: Facts) -> Planned:
    """Return the old task's plan with the items that stay done, and before it the undoing of those that do not.

    Raises:
        WrongState: The task has not failed, or was reverted or restarted before.
    """
    old = facts.task
    if old is None:
        raise AssertionError("the facts of a restart have the task")
    _refuse(old, facts)
    items = {step.name: step for step in facts.items}
    past = _there(plans.read(old.plan), items)
    before = _without_undoing(past)
    _have_secrets(old, before)
    start = request.body.start if request.body else None
    names = [node.name for node in before.nodes]
    if start is not None and start not in names:
        detail = f"The task has no item '{start[:80]}' to start from; it has {', '.join(names)}."
        return Planned(plan=before, faults=(Fault(pointer="/from", code="unknown", detail=detail),))
    lost = _lost(before, items)
    again = _again(before, items, lost, start=start)
    anew = _anew(old, past, items, again, lost)
    kept = tuple(
        _kept(items[node.name], node, lost.get(node.name, ()), task=request.task_id)
        for node in before.nodes
        if node.name not in again
    )
    return Planned(
        plan=anew,
        kept=kept,
        groups=_groups(anew, old, again),
        faults=tuple(_taken(anew, kept, facts)),
        type=old.type,
        action=old.action,
        priority=old.priority,
        timeout=task.time_limit(old) or timedelta(hours=1),
    )


# -- whether it can be restarted


def _refuse(old: Task, facts: Facts) -> None:
    """Raise WrongState where the task cannot be restarted."""
    if old.state not in RESTARTABLE:
        raise WrongState(
            f"Task {old.id} is {old.state.value}; only tasks that failed can be restarted.",
            state=old.state.value,
            possible=sorted(state.value for state in RESTARTABLE),
        )
    owner = undo_steps.owner(facts.children)
    if owner is not None:
        raise WrongState(
            f"Task {old.id} was taken up already, by task {owner.id}.",
            state=old.state.value,
            taken_up_by=owner.id,
        )
    disturber = undo_steps.disturber(facts.children)
    if disturber is not None:
        raise WrongState(
            f"Task {disturber.id} has undone a part of task {old.id}, and failed.",
            state=old.state.value,
            remedy="Revert the task again; after that, launch anew.",
        )


def _have_secrets(old: Task, before: Plan) -> None:
    """Raise WrongState where texts that the steps need are gone from the key store."""
    needed = {reference for node in before.nodes for reference in expressions.paths(node.inputs, "secret")}
    if not needed <= set(old.secrets):
        raise WrongState(
            f"The texts that task {old.id} was given to keep secret are gone from the key store.",
            state=old.state.value,
            remedy="Send the whole request again.",
        )


def _taken(anew: Plan, kept: Collection[Item], facts: Facts) -> Iterator[Fault]:
    """Yield a fault for each server that would be made again and whose name another one has now."""
    done = {known.name for known in kept}
    names = {
        name
        for node in anew.nodes
        if node.kind == Boot.kind and node.name not in done
        for name in node.inputs[Boot.per_item_input]
    }
    own = {thing.id for thing in facts.task.result.made.get("server", ())} if facts.task else set()
    others = {
        known.name
        for known in facts.servers_named
        if known.id not in own and known.state not in states.DELETED
    }
    for name in sorted(names & (others | facts.reserved_names)):
        detail = f"The project has another server '{name}' by now."
        yield Fault(pointer="", code="taken", detail=detail)


# -- what is done again


def _there(past: Plan, items: Mapping[str, Item]) -> Plan:
    """Return a plan without what was for clouds that its servers did not come to, or have moved on from."""
    nodes = [
        node for node in past.nodes if node.name in items and not task_view.left_behind(items[node.name])
    ]
    return msgspec.structs.replace(past, nodes=tuple(nodes))


def _without_undoing(past: Plan) -> Plan:
    """Return a plan without what an earlier restart had to undo before it began."""
    nodes = [node for node in past.nodes if not undo_steps.is_undoing(node)]
    names = {node.name for node in nodes}
    return msgspec.structs.replace(
        past,
        nodes=tuple(
            msgspec.structs.replace(node, after=tuple(name for name in node.after if name in names))
            for node in nodes
        ),
    )


def _lost(before: Plan, items: Mapping[str, Item]) -> Places:
    """Return the places of what is missing or broken, of steps that made something for each of several servers."""
    lost: dict[str, set[int]] = {}
    for node in before.nodes:
        step = items[node.name]
        if node.members and step.state is item.State.COMPLETED:
            gone = set(step.outputs.get("undone", ())) - step_parts.places(before, node)
            lost.setdefault(node.name, set()).update(gone)
        broken = _broken(before, node, step)
        if broken is not None and broken.place is not None:
            lost.setdefault(broken.step, set()).add(broken.place)
    return {name: places for name, places in lost.items() if places}


def _broken(before: Plan, node: Node, step: Item) -> step_parts.Thing | None:
    """Return the thing that a step waited for in vain, because it is broken or gone."""
    given = node.inputs.get(KINDS[node.kind].waits_for)
    failed = step.state is item.State.ABORTED and step.error is not None and not step.error.retryable
    for path in expressions.paths(given, "ref") if failed else ():
        thing = step_parts.thing(path)
        several = any(other.members for other in before.nodes if other.name == thing.step)
        return thing if several else step_parts.Thing(thing.step, None)
    return None


def _again(before: Plan, items: Mapping[str, Item], lost: Places, *, start: str | None) -> set[str]:
    """Return the steps that are done again.

    These are all that are not done, the named one, those that made what is broken, and all that build on any of them.
    """
    again = {node.name for node in before.nodes if items[node.name].state is not item.State.COMPLETED}
    again |= {start} if start else set()
    for node in before.nodes:
        broken = _broken(before, node, items[node.name])
        if broken is not None and broken.step not in lost:
            again.add(broken.step)
        again |= {
            node.name
            for path in expressions.paths(node.inputs, "ref")
            if (used := step_parts.thing(path)).place in lost.get(used.step, ())
        }
    whole = graph.Graph(before)
    while True:
        closed = set(whole.closure(again, within=whole.nodes))
        # A step that is done again as a whole makes what others made in its place, too.
        closed |= {
            piece for node in before.nodes if node.name in closed for piece in step_parts.of(before, node)
        }
        closed |= {
            name for node in before.nodes if node.name in closed for name in whole.going_along(node.name)
        }
        if closed == again:
            return again
        again = closed


def _anew(old: Task, past: Plan, items: Mapping[str, Item], again: Collection[str], lost: Places) -> Plan:
    """Return the plan of the new task: what is undone first, and then the old plan with its pieces."""
    before = _without_undoing(past)
    split = {name: places for name, places in lost.items() if name not in again}
    draft = Draft()
    undone = undo_steps.outstanding(draft, past, items)
    undone |= undo_steps.undo(draft, before, items, of=old, among=again, places=split)
    # The failure of one server concerns that server only, unless something is done again that serves all.
    alone = all(node.group for node in before.nodes if node.name in again)
    first = [
        msgspec.structs.replace(node, group=_whose(undone[node.name], split) if alone else None)
        for node in draft.plan().nodes
    ]
    nodes = [*first]
    for node in step_parts.merged(before, again):
        if node.name in again:
            nodes.append(_redone(node, first))
        else:
            nodes.append(node)
            nodes += [_redone(part, first) for part in step_parts.split(node, split.get(node.name, ()))]
    return msgspec.structs.replace(before, nodes=tuple(step_parts.repointed(nodes, split)))


def _whose(undone: Node, split: Places) -> str | None:
    """Return the one server that a step is undone for; None where there are several, or all use it."""
    owners = {undone.members[place] for place in split.get(undone.name, ())}
    return undone.group or (owners.pop() if len(owners) == 1 else None)


def _redone(node: Node, first: Collection[Node]) -> Node:
    """Return a step that waits until all that could be in its way is undone."""
    waits = {undoing.name for undoing in first if node.group is None or undoing.group in {None, node.group}}
    return msgspec.structs.replace(node, after=tuple(sorted({*node.after, *waits})))


def _kept(done: Item, node: Node, lost: Collection[int], *, task: str) -> Item:
    """Return the item of a step that stays done, as the new task has it; its attempts and calls were the old one's."""
    outputs = done.outputs
    if lost:
        outputs = {**outputs, "undone": sorted({*outputs.get("undone", ()), *lost})}
    if "entries" in outputs and outputs.get("undone"):
        gone = {node.members[place] for place in outputs["undone"]}
        outputs = {
            **outputs,
            "entries": {name: entry for name, entry in outputs["entries"].items() if name not in gone},
        }
    return msgspec.structs.replace(done, task=task, outputs=outputs, calls=(), attempt=0)


def _groups(anew: Plan, old: Task, again: Collection[str]) -> dict[str, int]:
    """Return the placements of the servers that stay where they went; others are tried from the first one on."""
    settled = {
        node.group for node in anew.nodes if node.name not in again and graph.depends_on_placement(node)
    }
    placements = {name: place for name, place in old.groups.items() if name in settled}
    clouds = {node.group: node.cloud for node in anew.nodes if node.group is not None}
    for group in anew.groups:
        places = [place.get("cloud") for place in group.alternatives]
        # A server that has moved on to another cloud stays there.
        if (
            group.name not in placements
            and clouds.get(group.name) in places[1:]
            and places[0] != clouds[group.name]
        ):
            placements[group.name] = places.index(clouds[group.name])
    return placements
