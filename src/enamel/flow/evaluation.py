"""Evaluation: what the expressions within a step's inputs come to when the step starts."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from enamel.flow import expressions
from enamel.model.errors import PlanUnreadable

MAX_LENGTH = 1024 * 1024
"""Characters of a text that an expression makes."""
_PLACEHOLDER = re.compile(r"\$(\$?)\{([^{}\s]+)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where references find their values."""

    outputs: Mapping[str, Mapping[str, Any]]
    """Outputs of the steps that are done, by name."""
    placement: Mapping[str, Any]
    """The placement in which the step's group is tried."""
    secrets: Mapping[str, str] | None
    """Texts out of the key store, by reference; None if expressions that contain one are to be empty texts."""


LITERALS = Sources(outputs={}, placement={}, secrets=None)
"""The sources of values that refer to nothing."""


def resolve(value: Any, sources: Sources) -> Any:
    """Return a value with every expression evaluated.

    Raises:
        KeyError, IndexError: A reference leads nowhere.
        PlanUnreadable: The values of the operands do not fit the operator.
    """
    operator = expressions.operator_of(value)
    if operator is None:
        if isinstance(value, dict):
            return {key: resolve(part, sources) for key, part in value.items()}
        return [resolve(part, sources) for part in value] if expressions.is_list(value) else value
    if sources.secrets is None and any(True for _ in expressions.paths(value, "secret")):
        return ""
    operand = value[operator]
    if operator == "ref":
        return _follow(sources.outputs, operand)
    if operator == "alt":
        return sources.placement.get(operand)
    if operator == "secret":
        return (sources.secrets or {})[operand]
    if operator == "literal":
        return operand
    return _EVALUATE[operator](expressions.operands(operator, operand, lambda part: resolve(part, sources)))


def _follow(outputs: Mapping[str, Mapping[str, Any]], path: str) -> Any:
    """Return the value to which a path leads."""
    step, *keys = path.split(".")
    value: Any = outputs[step]
    for key in keys:
        value = value[int(key)] if expressions.is_list(value) else value[key]
    return value


def _join(operand: Any) -> str:
    if not expressions.is_list(operand["parts"]):
        raise PlanUnreadable("The parts of 'join' are not a list.")
    return _bounded([_text(part, "join") for part in operand["parts"]], _text(operand["separator"], "join"))


def _substitute(operand: Any) -> str:
    values = {name: _text(value, "substitute") for name, value in operand["values"].items()}
    text, pieces, end = _text(operand["text"], "substitute"), [], 0
    for place in _PLACEHOLDER.finditer(text):
        escape, name = place.groups()
        if name not in values:
            # User data is full of shell variables.
            continue
        pieces += [text[end : place.start()], place[0][1:] if escape else values[name]]
        end = place.end()
    return _bounded([*pieces, text[end:]])


def _base64(text: Any) -> str:
    return _bounded([base64.b64encode(_text(text, "base64").encode()).decode()])


def _select(operand: Any) -> Any:
    key, of = operand["key"], operand["of"]
    try:
        if expressions.is_list(of) and int(key) >= 0:
            return of[int(key)]
        if isinstance(of, dict):
            return of[key]
    except (KeyError, IndexError, TypeError, ValueError):
        pass
    raise PlanUnreadable("'select' finds no value with its key.")


_EVALUATE: dict[str, Callable[[Any], Any]] = {
    "base64": _base64,
    "join": _join,
    "select": _select,
    "substitute": _substitute,
}


def _text(value: Any, operator: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    # The value itself may be a secret.
    raise PlanUnreadable(f"'{operator}' needs texts and numbers, and got a value of another type.")


def _bounded(pieces: Sequence[str], separator: str = "") -> str:
    """Return texts put together, unless they are too long."""
    if sum(map(len, pieces)) + len(separator) * len(pieces) > MAX_LENGTH:
        raise PlanUnreadable(f"An expression makes a text of more than {MAX_LENGTH} characters.")
    return separator.join(pieces)
