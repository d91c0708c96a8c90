"""The moment: a time as all bodies, streams and webhooks write it: RFC 3339, in UTC, to the microsecond."""

import functools
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, inspect

S = TypeVar("S")


def text(time: datetime) -> str:
    """Return a time as text: `2026-12-24T18:00:00.000000Z`."""
    try:
        time = time.astimezone(UTC)
    except OverflowError:  # A cloud that answers with the first hours of the year 1 means no time at all.
        time = time.replace(tzinfo=UTC)
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def spelled(body: S) -> S:
    """Return a body with its times as texts: the encoder alone would leave out the fraction of a whole second."""
    result: S = _spelled(body)
    return result


def _spelled(value: Any) -> Any:
    match value:
        case datetime():
            return text(value)
        case Struct():
            fields = _fields(type(value))
            if not fields:
                return value
            return msgspec.structs.replace(value, **{name: _spelled(getattr(value, name)) for name in fields})
        case tuple() | list():
            return [_spelled(entry) for entry in value]
        case dict():
            return {name: _spelled(entry) for name, entry in value.items()}
    return value


@functools.cache
def _fields(kind: type[Struct]) -> tuple[str, ...]:
    """Return the fields of a Struct that hold times, or have them within."""
    return tuple(
        field.name
        for field in msgspec.structs.fields(kind)
        if _holds_times(inspect.type_info(field.type), within=frozenset({kind}))
    )


def _holds_times(kind: inspect.Type, *, within: frozenset[type]) -> bool:
    match kind:
        case inspect.DateTimeType():
            return True
        case inspect.Metadata():
            return _holds_times(kind.type, within=within)
        case inspect.UnionType():
            return any(_holds_times(option, within=within) for option in kind.types)
        case inspect.CollectionType():
            return _holds_times(kind.item_type, within=within)
        case inspect.DictType():
            return _holds_times(kind.value_type, within=within)
        case inspect.StructType():
            return kind.cls not in within and any(
                _holds_times(field.type, within=within | {kind.cls}) for field in kind.fields
            )
    return False
