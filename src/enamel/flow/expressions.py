"""Expressions: values within a step's inputs that are known only when the step starts.

Each is an object with one key. It may stand anywhere in the inputs, also within another expression:

    {"ref": "port-create.ports.0.id"}               an output of another step
    {"alt": "zone"}                                 a field of the placement in which the step's group is tried
    {"secret": "user-data-1"}                       a text in the key store
    {"join": {"separator": "-", "parts": […]}}      texts and numbers, put together
    {"substitute": {"text": "…", "values": {…}}}    a text in which each `${name}` is replaced by a value
    {"base64": …}                                   a text, encoded
    {"select": {"key": 0, "of": …}}                 an element of a list, or the value of a key
    {"literal": {"ref": …}}                         an object that only looks like an expression

A value that contains a secret is itself secret: no record holds it, and a preview shows `<secret>` in its place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from enamel.model.errors import PlanUnreadable

REFERENCES = frozenset({"ref", "alt", "secret"})
"""The operators that stand for a value from elsewhere; their operand is a path."""
OPERANDS: dict[str, frozenset[str]] = {
    "join": frozenset({"separator", "parts"}),
    "select": frozenset({"key", "of"}),
    "substitute": frozenset({"text", "values"}),
}
"""The operators with named operands."""
OPERATORS = REFERENCES | OPERANDS.keys() | {"base64", "literal"}

MAX_DEPTH = 20
"""Expressions within each other."""
SECRET = "<secret>"  # noqa: S105 - what stands for one in previews


class Expression:
    """A value that is known when the step starts."""

    __slots__ = ("operand", "operator")

    def __init__(self, operator: str, operand: Any) -> None:
        self.operator = operator
        self.operand = operand


# -- what commands write


def ref(path: str) -> Any:
    """Return an output of a step: the step's name and the keys that lead to the value, separated by dots."""
    return Expression("ref", path)


def alternative(key: str) -> Any:
    """Return a field of the placement in which the step's group is tried."""
    return Expression("alt", key)


def secret(reference: str) -> Any:
    """Return a text in the key store."""
    return Expression("secret", reference)


def join(separator: str, *parts: Any) -> Any:
    """Return texts and numbers put together."""
    return Expression("join", {"separator": separator, "parts": parts})


def substitute(text: Any, values: Mapping[str, Any]) -> Any:
    """Return a text in which each `${name}` of the values is replaced; `$${name}` becomes a plain `${name}`."""
    return Expression("substitute", {"text": text, "values": values})


def base64(text: Any) -> Any:
    """Return the base64 form of a text."""
    return Expression("base64", text)


def select(key: int | str, of: Any) -> Any:
    """Return an element of a list, or the value of a key."""
    return Expression("select", {"key": key, "of": of})


# -- as data


def encode(value: Any) -> Any:
    """Return a value as data; an object that only looks like an expression is quoted.

    Raises:
        ValueError: An object that looks like an expression contains one.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Expression):
        return {value.operator: operands(value.operator, value.operand, encode)}
    if isinstance(value, Struct):
        names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        value = {encoded: getattr(value, name) for encoded, name in names}
    if isinstance(value, Mapping):
        data = {msgspec.to_builtins(key, str_keys=True): part for key, part in value.items()}
        if operator_of(data) is None:
            return {key: encode(part) for key, part in data.items()}
        try:
            return {"literal": msgspec.to_builtins(data)}
        except TypeError as exc:
            raise ValueError(
                f"An object with the only key {list(data)} cannot contain an expression."
            ) from exc
    if isinstance(value, list | tuple):
        return [encode(part) for part in value]
    return msgspec.to_builtins(value)


def operator_of(value: Any) -> str | None:
    """Return the operator of an expression as data; None of any other value."""
    if isinstance(value, dict) and len(value) == 1:
        (key,) = value
        return key if key in OPERATORS else None
    return None


def operands(operator: str, operand: Any, change: Callable[[Any], Any]) -> Any:
    """Return an expression's operand with each value in it changed."""
    if operator == "substitute":
        values = {name: change(part) for name, part in operand["values"].items()}
        return {"text": change(operand["text"]), "values": values}
    if operator in OPERANDS:
        return {name: change(part) for name, part in operand.items()}
    return change(operand) if operator == "base64" else operand


def _parts(value: Any) -> Sequence[Any]:
    """Return the values directly within a value."""
    operator = operator_of(value)
    if operator is None:
        return list(value.values()) if isinstance(value, dict) else value if is_list(value) else ()
    operand = value[operator]
    if operator == "substitute":
        return [operand["text"], *operand["values"].values()]
    if operator in OPERANDS:
        return list(operand.values())
    return [operand] if operator == "base64" else ()


def is_list(value: Any) -> bool:
    """Tell whether a value is a list, as it is in the store, or a tuple, as it is in a plan that was just made."""
    return isinstance(value, list | tuple)


def paths(value: Any, operator: str) -> Iterator[str]:
    """Yield the paths of all references of a kind within a value: `ref`, `alt` or `secret`."""
    if operator_of(value) == operator:
        yield value[operator]
    for part in _parts(value):
        yield from paths(part, operator)


def rewrite(value: Any, change: Callable[[str, str], Any]) -> Any:
    """Return a value with each of its references, given by operator and path, replaced."""
    operator = operator_of(value)
    if operator in REFERENCES:
        return change(operator, value[operator])
    if operator is not None:
        return {operator: operands(operator, value[operator], lambda part: rewrite(part, change))}
    if isinstance(value, dict):
        return {key: rewrite(part, change) for key, part in value.items()}
    return [rewrite(part, change) for part in value] if is_list(value) else value


def shown(value: Any) -> Any:
    """Return a value as people may see it: its expressions with their literal parts, without secrets."""
    return rewrite(value, lambda operator, path: SECRET if operator == "secret" else {operator: path})


def quoted(value: Any, operators: frozenset[str]) -> Any:
    """Return a value of an earlier version, in which objects that look like some operators were literals."""
    if operator_of(value) in operators:
        return {"literal": value}
    if isinstance(value, dict):
        return {key: quoted(part, operators) for key, part in value.items()}
    return [quoted(part, operators) for part in value] if is_list(value) else value


def check(value: Any, *, depth: int = 0) -> None:
    """Make sure that the expressions within a value can be evaluated.

    Raises:
        PlanUnreadable: One does not have the operands of its operator, or they are nested too deeply.
    """
    operator = operator_of(value)
    if operator is not None:
        _check_operand(operator, value[operator])
        depth += 1
        if depth > MAX_DEPTH:
            raise PlanUnreadable(f"More than {MAX_DEPTH} expressions are nested within each other.")
    for part in _parts(value):
        check(part, depth=depth)


def _check_operand(operator: str, operand: Any) -> None:
    names = OPERANDS.get(operator)
    if operator in REFERENCES and not isinstance(operand, str):
        raise PlanUnreadable(f"'{operator}' needs a path.")
    if names is not None and (not isinstance(operand, dict) or operand.keys() != names):
        raise PlanUnreadable(f"'{operator}' needs {' and '.join(sorted(names))}.")
    if operator == "substitute" and not isinstance(operand["values"], dict):
        raise PlanUnreadable("The values of 'substitute' must be an object.")
