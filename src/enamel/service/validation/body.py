"""The body of a request: bytes become JSON data, JSON data becomes a Struct, and every fault is found on the way.

msgspec alone stops at the first fault. People who correct a launch of twenty servers want to hear of all of them, so
`shape` walks the data beside the type and goes on after each fault.
"""

import datetime
import functools
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from enamel.model import text
from enamel.model.errors import MOST_FAULTS, BodyTooLarge, Fault, Invalid
from enamel.service.validation import error_wording

T = TypeVar("T")

LARGEST = 1024 * 1024
"""Most bytes of a body."""
DEEPEST = 64
"""Most levels of lists and objects in a body."""
MOST = MOST_FAULTS
MOST_ENTRIES = 1000
"""Most entries of a list or an object of which nothing else is said."""
_NOTHING: Any = object()


def loads(raw: bytes) -> Any:
    """Return the JSON data of a body; it can always be encoded again.

    Raises:
        BodyTooLarge: There are more bytes than `LARGEST`.
        Invalid: It is empty, not JSON, nested too deep, or names a key twice.

    """
    if len(raw) > LARGEST:
        raise BodyTooLarge(f"The body has more than {LARGEST:,} bytes.")
    if not raw.strip():
        raise _refused("The body is empty: a JSON object is expected.", code="empty")
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(
            f"The body is not UTF-8: byte {error.start} cannot be read.", code="encoding"
        ) from error
    try:
        data = json.loads(decoded, object_pairs_hook=_Pairs, parse_constant=_constant, parse_float=_float)
    except json.JSONDecodeError as error:
        raise _refused(f"The body is not JSON: {_lower(error.msg)} in line {error.lineno}, column {error.colno}.",
                       code="json") from error  # fmt: skip
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise _refused("The body has a whole number with too many digits.", code="json") from error
    faults = tuple(itertools.islice(_unfit(data), MOST))
    if faults:
        raise Invalid(_sentence(faults), faults=faults)
    return data


def read(data: Any, form: type[T]) -> T:
    """Return the Struct that a body describes.

    Raises:
        Invalid: It has faults; all of them are named.
    """
    value, faults = shape({} if data is None else data, form)
    if value is None or faults:
        raise Invalid(" ".join(fault.detail for fault in faults), faults=tuple(faults))
    return value


def shape(data: Any, type: type[T], *, pointer: str = "") -> tuple[T | None, list[Fault]]:
    """Return the Struct that JSON data describes, and every fault in it.

    A field that has a fault is left at its default, so that later checks can go on with the rest. Where nothing
    sensible can be built (it is not an object, a required field is missing) the value is None.

    Args:
        data: What `loads` gave.
        type: A Struct, or any other type that msgspec knows. `Meta(extra={"expected": "a host name"})` beside a
            pattern says in words what is expected there.
        pointer: Where in the body the data stands.

    """
    faults: list[Fault] = []
    value = _build(data, _info(type), pointer, faults)
    return (None if value is _NOTHING else value), faults[:MOST]


_info: Callable[[Any], inspect.Type] = functools.cache(inspect.type_info)
"""The structure of a type does not change, and finding it out costs more than checking a request."""


# -- from bytes to data


class _Pairs(dict[str, Any]):
    """An object that remembers its duplicate keys."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(key for key, _ in pairs) if len(pairs) > len(self) else {}
        self.twice = [key for key, count in counts.items() if count > 1]


def _constant(name: str) -> Any:
    raise _refused(f"The body is not JSON: {name} is not a JSON number.", code="json")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _refused(f"The body has a number that is too large: {error_wording.short(text)}.", code="json")
    return value


def _unfit(data: Any) -> Iterator[Fault]:
    """Yield what the JSON grammar allows but Enamel does not.

    A place is kept as (place above, name): pointers are written only where there is a fault.
    """
    waiting: list[tuple[Any, Any, int]] = [(data, None, 0)]
    while waiting:
        value, place, depth = waiting.pop()
        if depth > DEEPEST:
            raise _too_deep()
        if isinstance(value, _Pairs):
            for key in value.twice:
                detail = f"The key '{error_wording.short(key)}' appears more than once in this object."
                yield Fault(pointer=_pointer((place, key)), detail=detail, code="duplicate_key")
            unfit = next((key for key in value if not text.fits(key)), None)
            if unfit is not None:
                detail = f"A key in this object has {error_wording.unfit(unfit)}."
                yield Fault(pointer=_pointer(place), detail=detail, code="encoding")
            waiting += [(below, (place, key), depth + 1) for key, below in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [(value[at], (place, at), depth + 1) for at in range(len(value) - 1, -1, -1)]
        elif isinstance(value, str):
            if not text.fits(value):
                detail = f"This text has {error_wording.unfit(value)}."
                yield Fault(pointer=_pointer(place), detail=detail, code="encoding")
        elif isinstance(value, int) and not -(2**63) <= value < 2**64:
            yield Fault(
                pointer=_pointer(place), detail="This whole number has more than 64 bits.", code="type"
            )


def _pointer(place: Any) -> str:
    names: list[str | int] = []
    while place is not None:
        place, name = place
        names.append(name)
    pointer = ""
    for name in reversed(names):
        pointer = error_wording.step(pointer, name)
    return text.clean(pointer)


def _refused(detail: str, *, code: str) -> Invalid:
    return Invalid(detail, faults=(Fault(pointer="", detail=detail, code=code),))


def _too_deep() -> Invalid:
    return _refused(f"The body is nested deeper than {DEEPEST} levels.", code="depth")


def _sentence(faults: tuple[Fault, ...]) -> str:
    return faults[0].detail if len(faults) == 1 else f"The body has {len(faults)} faults."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


# -- from data to Structs


def _build(data: Any, kind: inspect.Type, pointer: str, faults: list[Fault]) -> Any:
    """Return the value of a type that data describes, or _NOTHING after adding a fault."""
    expected = ""
    if isinstance(kind, inspect.Metadata):
        expected, kind = str((kind.extra or {}).get("expected", "")), kind.type
    before = len(faults)
    match kind:
        case inspect.AnyType():
            return data
        case inspect.UnionType():
            return _union(data, kind, pointer, faults)
        case inspect.StructType() if isinstance(data, dict):
            return _struct(data, kind, pointer, faults)
        case inspect.DictType() if isinstance(data, dict):
            if not _fits_length(data, kind):
                _length(data, kind, "entries", pointer, faults)
                return _NOTHING
            built = {
                key: _build(below, kind.value_type, error_wording.step(pointer, key), faults)
                for key, below in data.items()
            }
            return built if len(faults) == before else _NOTHING
        case inspect.CollectionType() if isinstance(data, list):
            return _list(data, kind, pointer, faults)
        case inspect.LiteralType() if data in kind.values and type(data) in {
            type(value) for value in kind.values
        }:
            return data
        case inspect.EnumType() if isinstance(data, str | int) and not isinstance(data, bool):
            members = [member for member in kind.cls if member.value == data]
            if members:
                return members[0]
        case inspect.StrType() if isinstance(data, str):
            _length(data, kind, "characters", pointer, faults)
            if kind.pattern and not re.search(kind.pattern, data):
                right = f"is not {expected}" if expected else f"does not match {kind.pattern}"
                text = "This" if error_wording.is_secret(pointer) else f"'{error_wording.short(data)}'"
                faults.append(Fault(pointer=pointer, detail=f"{text} {right}.", code="pattern"))
            return data if len(faults) == before else _NOTHING
        case inspect.IntType() if isinstance(data, int) and not isinstance(data, bool):
            return _bounded(data, kind, pointer, faults)
        case inspect.IntType() if isinstance(data, float) and data.is_integer() and abs(data) < 2**63:
            # JSON knows one kind of number: 2.0 is a whole one, as JSON Schema has it, too.
            return _bounded(int(data), kind, pointer, faults)
        case inspect.FloatType() if isinstance(data, int | float) and not isinstance(data, bool):
            return _bounded(float(data), kind, pointer, faults)
        case inspect.BoolType() if isinstance(data, bool):
            return data
        case inspect.NoneType() if data is None:
            return None
        case inspect.DateTimeType() if isinstance(data, str):
            return _moment(data, pointer, faults)
    detail = error_wording.mismatch(kind, data, pointer=pointer, expected=expected)
    faults.append(Fault(pointer=pointer, detail=detail, code="type"))
    return _NOTHING


def _struct(data: dict[str, Any], kind: inspect.StructType, pointer: str, faults: list[Fault]) -> Any:
    """Build a Struct of the fields without faults."""
    fields = {field.encode_name: field for field in kind.fields}
    for name in data:
        if name not in fields and len(faults) < MOST:
            detail = f"There is no field '{error_wording.short(name)}'{error_wording.like(name, fields)}"
            faults.append(
                Fault(
                    pointer=error_wording.step(pointer, name),
                    detail=error_wording.stopped(detail),
                    code="unknown_field",
                )
            )
    values: dict[str, Any] = {}
    hollow = False
    for name, field in fields.items():
        value = (
            _build(data[name], field.type, error_wording.step(pointer, name), faults)
            if name in data
            else _NOTHING
        )
        if value is not _NOTHING:
            values[field.name] = value
        elif field.required:
            hollow = True
            if name not in data:
                detail = f"The field '{name}' is required."
                faults.append(
                    Fault(pointer=error_wording.step(pointer, name), detail=detail, code="required")
                )
    if hollow:
        return _NOTHING
    try:
        return kind.cls(**values)
    except (ValueError, TypeError) as error:  # from __post_init__
        faults.append(Fault(pointer=pointer, detail=error_wording.stopped(str(error)), code="invalid"))
        return _NOTHING


def _union(data: Any, kind: inspect.UnionType, pointer: str, faults: list[Fault]) -> Any:
    """Build the member of a union that fits; if none does, report the faults of the closest one."""
    tries: list[tuple[list[Fault], Any]] = []
    for member in kind.types:
        own: list[Fault] = []
        value = _build(data, member, pointer, own)
        if not own:
            return value
        # A fault of type right here means that another member is meant.
        if not any(fault.pointer == pointer and fault.code == "type" for fault in own):
            tries.append((own, value))
    if not tries:
        detail = error_wording.mismatch(kind, data, pointer=pointer)
        faults.append(Fault(pointer=pointer, detail=detail, code="type"))
        return _NOTHING
    least, value = min(tries, key=lambda attempt: len(attempt[0]))
    faults += least
    return value


def _list(data: list[Any], kind: inspect.CollectionType, pointer: str, faults: list[Fault]) -> Any:
    """Build a list; an entry with faults spoils it, because later faults could not be located."""
    if not _fits_length(data, kind):
        _length(data, kind, "entries", pointer, faults)
        return _NOTHING
    items = []
    for at, below in enumerate(data):
        if len(faults) >= MOST:
            return _NOTHING
        items.append(_build(below, kind.item_type, error_wording.step(pointer, at), faults))
    if any(item is _NOTHING for item in items):
        return _NOTHING
    try:
        return _COLLECT[type(kind)](items)
    except TypeError:
        faults.append(Fault(pointer=pointer, detail="A set cannot contain lists or objects.", code="type"))
        return _NOTHING


_COLLECT: dict[type[inspect.Type], Any] = {
    inspect.ListType: list,
    inspect.VarTupleType: tuple,
    inspect.SetType: set,
    inspect.FrozenSetType: frozenset,
}


def _moment(data: str, pointer: str, faults: list[Fault]) -> Any:
    try:
        moment = msgspec.convert(data, datetime.datetime)
    except msgspec.ValidationError:
        moment = None
    if moment is None or moment.tzinfo is None:
        detail = f"'{error_wording.short(data)}' is not a time with its zone, such as 2026-01-31T12:00:00Z."
        faults.append(Fault(pointer=pointer, detail=detail, code="format"))
        return _NOTHING
    return moment


def _bounded(data: Any, kind: inspect.IntType | inspect.FloatType, pointer: str, faults: list[Fault]) -> Any:
    rules = [
        (kind.ge is not None and data < (kind.ge or 0), f"at least {kind.ge}"),
        (kind.gt is not None and data <= (kind.gt or 0), f"more than {kind.gt}"),
        (kind.le is not None and data > (kind.le or 0), f"at most {kind.le}"),
        (kind.lt is not None and data >= (kind.lt or 0), f"less than {kind.lt}"),
        (bool(kind.multiple_of) and data % (kind.multiple_of or 1) != 0, f"a multiple of {kind.multiple_of}"),
    ]
    broken = [bound for wrong, bound in rules if wrong]
    if not broken:
        return data
    faults.append(Fault(pointer=pointer, detail=f"{data} is not {' and '.join(broken)}.", code="range"))
    return _NOTHING


def _most(data: Any, kind: Any) -> float:
    """Return how long data of a kind may be: texts as long as a body, unless something else is said."""
    if kind.max_length is not None:
        return float(kind.max_length)
    return math.inf if isinstance(data, str) else MOST_ENTRIES


def _fits_length(data: Any, kind: Any) -> bool:
    return (kind.min_length or 0) <= len(data) <= _most(data, kind)


def _length(data: Any, kind: Any, what: str, pointer: str, faults: list[Fault]) -> None:
    if _fits_length(data, kind):
        return
    small = len(data) < (kind.min_length or 0)
    bound = f"at least {kind.min_length}" if small else f"at most {_most(data, kind):.0f}"
    detail = f"This has {len(data)} {what}; {bound} are expected."
    faults.append(Fault(pointer=pointer, detail=detail, code="length"))
