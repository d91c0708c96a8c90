"""Leftovers: what could not be undone, in sentences for people."""

from collections.abc import Sequence

from enamel.flow import evaluation
from enamel.flow.plan import Node
from enamel.model import task
from enamel.model.errors import EnamelError
from enamel.model.item import Item
from enamel.model.problem import Problem
from enamel.steps import KINDS
from enamel.steps.revert import Revert

_NAMED = 5
"""Things that one sentence names."""


def things(step: Item, place: int | None = None) -> list[task.Made]:
    """Return what a step has made and not undone, or one of these things."""
    gone = set(step.outputs.get("undone", ()))
    made = KINDS[step.kind].made(step.outputs) if step.outputs else []
    return [thing for at, thing in enumerate(made) if at not in gone and place in (None, at)]


def of_revert(node: Node) -> list[task.Made]:
    """Return what a step of a revert is to remove, as far as that is known."""
    inputs = evaluation.resolve(node.inputs, evaluation.LITERALS)
    made = KINDS[inputs["of"]].made(inputs["outputs"]) if inputs["outputs"] else []
    only = inputs.get("only")
    return [thing for at, thing in enumerate(made) if only is None or at in only]


def is_revert(node: Node) -> bool:
    """Tell whether a step undoes one of an earlier task."""
    return node.kind == Revert.kind


def name(things: Sequence[task.Made], *, step: str) -> str:
    """Return what things are called in a sentence, for example `server 'web-1' (5c1f…)`."""
    named = [f"{thing.kind.replace('_', ' ')} '{thing.name or thing.id}' ({thing.id})" for thing in things]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more or f"what step '{step}' did"


def sentence(things: Sequence[task.Made], *, step: str, why: str) -> str:
    """Return the sentence about things that still exist, with the reason and what to do about it."""
    subject = name(things, step=step)
    state = "still exist" if len(things) > 1 else "still exists" if things else "is not undone"
    return f"{subject[0].upper()}{subject[1:]} {state} (step '{step}'): {why}".strip()


def reason(error: EnamelError | Problem) -> str:
    """Return why something could not be undone, and what to do about it."""
    remedy = error.advice if isinstance(error, EnamelError) else error.remedy
    return f"{error.detail} {remedy}".strip()


def kept_by(users: Sequence[str]) -> str:
    """Return why something was not touched: what uses it still exists."""
    return f"Not tried, because {', '.join(users)} still needs it."
