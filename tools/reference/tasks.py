"""The page of tasks, items and what they hold."""

import enum
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from enamel.model import item, problem, task
from tools.reference import page, struct

State = TypeVar("State", bound=enum.Enum)
STRUCTS: dict[str, type[msgspec.Struct]] = {
    "Task": task.Task,
    "Server entry": task.ServerEntry,
    "Result": task.Result,
    "Made": task.Made,
    "Progress": task.Progress,
    "Item": item.Item,
    "Call": item.Call,
    "Problem": problem.Problem,
}


def text() -> str:
    """Return the page: the states with their moves, then one heading for each kind of record."""
    return page.compose(
        title="Tasks and items",
        source="`enamel.model`",
        intro="A task is an accepted command; its items are the records of its steps.",
        parts=[
            f"## States of a task\n\n{_moves(task.MOVES)}",
            f"## States of an item\n\n{_moves(item.MOVES)}",
            *[f"## {name}\n\n{struct.describe(kind)}" for name, kind in STRUCTS.items()],
        ],
    )


def _moves(moves: Mapping[State, frozenset[State]]) -> str:
    rows = [
        (
            page.code(before.value),
            ", ".join(page.code(state.value) for state in type(before) if state in after),
        )
        for before, after in moves.items()
    ]
    return page.table(header=["state", "may become"], rows=rows)
