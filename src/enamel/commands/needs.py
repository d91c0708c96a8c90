"""The needs of steps: how much of each quota they use up, while what they refer to is not known yet."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from enamel.flow import expressions
from enamel.flow import plan as plans
from enamel.flow.plan import Node
from enamel.model.errors import PlanUnreadable


def of(nodes: Iterable[Node]) -> dict[str, int]:
    """Return how much of each quota some steps of a plan use up."""
    total: Counter[str] = Counter()
    for node in nodes:
        try:
            total.update(plans.step_of(node, _known(node.inputs)).needs())
        except PlanUnreadable:
            # A list that another step makes is not known: whatever makes something lists what it makes itself.
            continue
    return {quota: number for quota, number in total.items() if number}


def _known(value: Any) -> Any:
    """Return a value with a word in the place of each expression."""
    operator = expressions.operator_of(value)
    if operator is not None:
        return value[operator] if operator == "literal" else "unknown"
    if isinstance(value, dict):
        return {key: _known(part) for key, part in value.items()}
    return [_known(part) for part in value] if expressions.is_list(value) else value
