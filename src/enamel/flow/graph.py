"""The graph of a plan: which step waits for which, kept up to date as steps end."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from enamel.flow import expressions
from enamel.flow.plan import Group, Node, Plan
from enamel.model import item
from enamel.model.item import Item
from enamel.steps.server import Boot


class Graph:
    """Which steps may begin next; the end of a step costs no more than the steps that waited for it."""

    def __init__(self, plan: Plan) -> None:
        self.nodes: dict[str, Node] = {node.name: node for node in plan.nodes}
        self.groups: dict[str, Group] = {group.name: group for group in plan.groups}
        self.dependents: dict[str, list[str]] = {name: [] for name in self.nodes}
        for node in plan.nodes:
            for needed in node.after:
                self.dependents[needed].append(node.name)
        self.of_group: dict[str, list[str]] = {name: [] for name in self.groups}
        for node in plan.nodes:
            if node.group in self.of_group:
                self.of_group[node.group].append(node.name)
        self.moving: dict[str, list[str]] = {
            group: self._moving(names) for group, names in self.of_group.items()
        }
        """By group: the steps that are done again when it moves on to its next placement."""
        self._lacking: dict[str, int] = {}
        self.ready: deque[str] = deque()

    def _moving(self, names: Sequence[str]) -> list[str]:
        """Return those of a group's steps that are done again in its next placement."""
        first = [name for name in names if depends_on_placement(self.nodes[name])]
        # A server that found no room is deleted, along with its volumes.
        return self.closure(
            [*first, *(other for name in first for other in self.going_along(name))], within=names
        )

    def going_along(self, name: str) -> Iterator[str]:
        """Yield the steps that made and awaited the volumes which are deleted with a step's server."""
        node = self.nodes[name]
        if node.kind != Boot.kind:
            return
        disks = [disk["volume_id"] for disk in node.inputs["disks"] if disk["delete_with_server"]]
        for awaited in _steps_of(disks):
            yield awaited
            yield from _steps_of(self.nodes[awaited].inputs)

    def begin(self, items: Mapping[str, Item]) -> None:
        """Resume the plan where its items say it stands."""
        done = {name for name, step in items.items() if step.state is item.State.COMPLETED}
        for name, node in self.nodes.items():
            self._lacking[name] = sum(needed not in done for needed in node.after)
            if name in items and items[name].state in item.OPEN and not self._lacking[name]:
                self.ready.append(name)

    def done(self, name: str) -> None:
        """Record that a step is done."""
        for waiting in self.dependents[name]:
            self._lacking[waiting] -= 1
            if not self._lacking[waiting]:
                self.ready.append(waiting)

    def again(self, names: Collection[str], items: Mapping[str, Item]) -> None:
        """Resume steps, some of which were reset."""
        self.ready = deque(name for name in self.ready if name not in names)
        for name in filter(items.__contains__, names):
            self._lacking[name] = sum(
                items[needed].state is not item.State.COMPLETED for needed in self.nodes[name].after
            )
            if not self._lacking[name] and items[name].state in item.OPEN:
                self.ready.append(name)

    def closure(self, names: Iterable[str], *, within: Collection[str]) -> list[str]:
        """Return steps and all within others that build on them, in the order of those."""
        closed: set[str] = set()
        open_ = [name for name in names if name in within]
        while open_:
            name = open_.pop()
            if name not in closed:
                closed.add(name)
                open_ += [other for other in self.dependents[name] if other in within]
        return [name for name in within if name in closed]

    def places(self, node: Node, group: str) -> list[int]:
        """Return the positions of what a step that serves several groups has made for one of them."""
        return [place for place, member in enumerate(node.members) if member == group]

    def placement(self, node: Node, groups: Mapping[str, int]) -> int:
        """Return in which of its group's placements a step is done; 0 if that makes no difference to it."""
        return groups.get(node.group, 0) if node.group and node.name in self.moving.get(node.group, ()) else 0

    def serving(self, group: str) -> list[Node]:
        """Return the steps that serve several groups, this one among them."""
        return [node for node in self.nodes.values() if group in node.members]


def depends_on_placement(node: Node) -> bool:
    """Tell whether a step's inputs depend on the placement in which its group is tried."""
    return any(True for _ in expressions.paths(node.inputs, "alt"))


def _steps_of(inputs: object) -> set[str]:
    """Return the steps whose outputs some inputs refer to."""
    return {path.split(".")[0] for path in expressions.paths(inputs, "ref")}
