"""What there is after a task has ended: the task, its steps and events, and the project."""

from msgspec import Struct

from enamel.model import item
from enamel.model.event import Event
from enamel.model.item import Item
from enamel.model.task import State, Task
from tests.flows.balance import Row


class After(Struct, frozen=True, kw_only=True):
    """A task that has ended, and what is left of it."""

    task: Task
    items: tuple[Item, ...]
    events: tuple[Event, ...]
    cloud: dict[str, list[Row]]
    """What the project has that it did not have in the beginning, by kind."""

    @property
    def state(self) -> State:
        return self.task.state

    def item(self, name: str) -> Item:
        return next(one for one in self.items if one.name == name)

    def told(self, type: str) -> list[Event]:
        return [one for one in self.events if one.type == type]

    def count(self) -> dict[str, int]:
        """How much of each kind there is, without what there is nothing of."""
        return {kind: len(rows) for kind, rows in self.cloud.items() if rows}


def states(after: After) -> dict[str, item.State]:
    """Return the state of each step."""
    return {one.name: one.state for one in after.items}
