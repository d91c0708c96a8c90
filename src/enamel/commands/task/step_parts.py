"""The parts of steps that make something for each of several servers: single things that are made again.

`server-boot` made three servers and lost the second one: `server-boot-again-2` makes that one again, and whoever used
`server-boot.servers.1` uses `server-boot-again-2.servers.0`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from enamel.flow import expressions
from enamel.flow.plan import Node, Plan
from enamel.steps import KINDS

Places = Mapping[str, Collection[int]]
"""Some of the things that steps have made, by step."""


class Thing(NamedTuple):
    """What a reference leads to: a step, or one of the several things that it made."""

    step: str
    place: int | None


def thing(path: str) -> Thing:
    """Return the thing that the path of a reference leads to, such as `server-boot.servers.1.id`."""
    step, *rest = path.split(".")
    place = int(rest[1]) if len(rest) > 1 and rest[1].isdecimal() else None
    return Thing(step, place)


def of(plan: Plan, node: Node) -> list[str]:
    """Return the names of a step's pieces in a plan."""
    names = {part.name for part in plan.nodes}
    return [name for place, _ in enumerate(node.members) if (name := _name(node.name, place)) in names]


def places(plan: Plan, node: Node) -> set[int]:
    """Return the places of a step's pieces in a plan."""
    names = {part.name for part in plan.nodes}
    return {place for place, _ in enumerate(node.members) if _name(node.name, place) in names}


def split(node: Node, lost: Collection[int]) -> Iterator[Node]:
    """Yield a piece for each of the things of a step that are lost."""
    each = KINDS[node.kind].per_item_input
    for place in sorted(lost):
        yield msgspec.structs.replace(
            node,
            name=_name(node.name, place),
            inputs={**node.inputs, each: [node.inputs[each][place]]},
            group=node.members[place],
            members=(),
        )


def merged(plan: Plan, again: Collection[str]) -> list[Node]:
    """Return a plan's steps without the pieces of those that are done again as a whole."""
    back: dict[str, str] = {}
    for node in plan.nodes:
        if node.name in again:
            many = KINDS[node.kind].list_output
            for place in places(plan, node):
                back[f"{_name(node.name, place)}.{many}.0"] = f"{node.name}.{many}.{place}"
    gone = {old.split(".")[0] for old in back}
    return _renamed([node for node in plan.nodes if node.name not in gone], back)


def repointed(nodes: Sequence[Node], lost: Places) -> list[Node]:
    """Return steps in which references to lost things lead to their pieces."""
    kinds = {node.name: KINDS[node.kind] for node in nodes}
    return _renamed(
        nodes,
        {
            f"{name}.{kinds[name].list_output}.{place}": f"{_name(name, place)}.{kinds[name].list_output}.0"
            for name, places in lost.items()
            for place in places
        },
    )


def _name(step: str, place: int) -> str:
    return f"{step}-again-{place + 1}"


def _renamed(nodes: Sequence[Node], names: Mapping[str, str]) -> list[Node]:
    """Return steps whose references are renamed, and which wait for the steps that these lead to."""
    if not names:
        return list(nodes)
    known = {node.name for node in nodes}
    renamed = []
    for node in nodes:
        used: set[str] = set()

        def change(operator: str, path: str, used: set[str] = used) -> dict[str, str]:
            for old, new in names.items():
                if operator == "ref" and (path == old or path.startswith(old + ".")):
                    used.add(new.split(".")[0])
                    return {"ref": new + path.removeprefix(old)}
            return {operator: path}

        inputs = expressions.rewrite(node.inputs, change)
        after = {*node.after, *used} & known
        renamed.append(msgspec.structs.replace(node, inputs=inputs, after=tuple(sorted(after))))
    return renamed
