"""The order of undoing: what has to be gone before each thing, in a roll-back and in a revert alike.

A step that made several things, one for each of several servers, is undone thing by thing: what keeps one of them keeps
no other.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from enamel.flow import expressions
from enamel.flow.graph import Graph
from enamel.flow.plan import Node
from enamel.model import item
from enamel.model.item import Item
from enamel.steps import KINDS
from enamel.steps.server import Boot


class Part(NamedTuple):
    """What is undone by itself: a step, or one of the several things that it has made."""

    step: str
    place: int | None = None


Order = Mapping[Part, Collection[Part]]
"""For each part those that have to be undone before it; they come before it, too."""


def parts(step: Item) -> list[Part]:
    """Return the parts of a step that may still have an effect."""
    several = KINDS[step.kind].list_output
    if step.state is not item.State.COMPLETED or not several:
        return [Part(step.name)]
    gone = set(step.outputs.get("undone", ()))
    return [Part(step.name, place) for place, _ in enumerate(step.outputs[several]) if place not in gone]


def order(graph: Graph, chosen: Collection[Part]) -> Order:
    """Return the order in which parts are undone: each after all that build on it, also across steps that leave nothing.

    Args:
        graph: The graph of the plan that made them.
        chosen: The parts that are undone.
    """
    own: dict[str, list[Part]] = {}
    for part in chosen:
        own.setdefault(part.step, []).append(part)
    used_by = {name: _uses(node) for name, node in graph.nodes.items()}
    before: dict[Part, set[Part]] = {}
    after: dict[str, set[Part]] = {}
    """By step: what waits for nothing but that, or for what builds on it."""
    for name in reversed(graph.nodes):
        needs: dict[int | None, set[Part]] = {None: set()}
        for other in graph.dependents[name]:
            for place in used_by[other].get(name, {None}):
                needs.setdefault(place, set()).update(after[other])
        everything = set[Part]().union(*needs.values())
        for part in own.get(name, ()):
            whole = part.place is None
            before[part] = everything if whole else needs[None] | needs.get(part.place, set())
        after[name] = set(own.get(name, ())) or everything
    _keep_addresses(graph, before)
    return {part: before[part] for part in _sorted(before)}


def _uses(node: Node) -> dict[str, set[int | None]]:
    """Return which things of which other steps a step refers to; None stands for the step as a whole."""
    used: dict[str, set[int | None]] = {}
    for path in expressions.paths(node.inputs, "ref"):
        step, *keys = path.split(".")
        place = int(keys[1]) if len(keys) > 1 and keys[1].isdecimal() else None
        used.setdefault(step, set()).add(place)
    return used


def _keep_addresses(graph: Graph, before: dict[Part, set[Part]]) -> None:
    """Have a server's public address undone after the server: one that cannot be deleted keeps it."""
    servers: dict[str, list[Part]] = {}
    for part in before:
        if graph.nodes[part.step].kind == Boot.kind:
            for group in _groups(graph.nodes[part.step], part):
                servers.setdefault(group, []).append(part)
    for part in before:
        node = graph.nodes[part.step]
        if not KINDS[node.kind].undone_after_server:
            continue
        for server in servers.get(node.group or "", ()):
            direct = part in before[server]
            before[server].discard(part)
            if part not in set(_reached(before, server)):
                before[part].add(server)
            elif direct:
                before[server].add(part)


def _groups(node: Node, part: Part) -> Collection[str]:
    """Return the groups that a part was made for."""
    if node.group is not None:
        return (node.group,)
    return node.members if part.place is None else node.members[part.place : part.place + 1]


def _reached(before: Mapping[Part, Collection[Part]], start: Part) -> Iterator[Part]:
    """Yield all parts that are undone before one."""
    seen: set[Part] = set()
    open_ = list(before[start])
    while open_:
        part = open_.pop()
        if part not in seen:
            seen.add(part)
            yield part
            open_ += before[part]


def _sorted(before: Mapping[Part, Collection[Part]]) -> Iterator[Part]:
    """Yield the parts, each after all that are undone before it."""
    waits = {part: len(others) for part, others in before.items()}
    followers: dict[Part, list[Part]] = {part: [] for part in before}
    for part, others in before.items():
        for other in others:
            followers[other].append(part)
    ready = [part for part, number in waits.items() if not number]
    for part in ready:
        yield part
        for follower in followers[part]:
            waits[follower] -= 1
            if not waits[follower]:
                ready.append(follower)
