"""Fields that came with a later version of the API than the negotiated one.

A body marks such a field with `Annotated[…, since(1, 1)]`. Answers of earlier versions omit it, requests of earlier versions
cannot contain it, and its schema names the version.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Meta, Struct, inspect

from enamel.api import schemas, version
from enamel.api.version import Version
from enamel.model.errors import Fault, Invalid

Later = Mapping[type, frozenset[str]]
"""The encoded names of each Struct's fields that came later."""


def since(major: int, minor: int) -> Meta:
    """Return the mark of a field that came with a version."""
    return Meta(
        extra={"since": (major, minor)},
        extra_json_schema={"x-enamel-since": version.text((major, minor))},
    )


@functools.cache
def later(kinds: tuple[Any, ...], agreed: Version) -> Later:
    """Return the fields of some types, and of all types in them, that came after a version."""
    fields = {
        kind.cls: frozenset(field.encode_name for field in kind.fields if _since(field.type) > agreed)
        for kind in schemas.structs([kind for kind in kinds if kind not in (None, Any)])
    }
    return {kind: names for kind, names in fields.items() if names}


def without(value: Any, unknown: Later) -> Any:
    """Return a value as it is encoded, without the fields that came after the negotiated version."""
    if isinstance(value, Struct):
        left_out = unknown.get(type(value), frozenset())
        return {
            field.encode_name: without(getattr(value, field.name), unknown)
            for field in msgspec.structs.fields(value)
            if field.encode_name not in left_out
        }
    if isinstance(value, Mapping):
        return {key: without(entry, unknown) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without(entry, unknown) for entry in value]
    return value


def check(data: Any, kind: Any, *, agreed: Version) -> None:
    """Refuse a request with fields that came after its version.

    Raises:
        Invalid: It does.

    """
    unknown = later((kind,), agreed)
    faults = tuple(_later_fields(data, inspect.type_info(kind), unknown, "")) if unknown else ()
    if faults:
        raise Invalid(" ".join(fault.detail for fault in faults), faults=faults)


def _later_fields(data: Any, kind: inspect.Type, unknown: Later, pointer: str) -> Iterator[Fault]:
    if isinstance(kind, inspect.StructType) and isinstance(data, dict):
        for field in kind.fields:
            place = f"{pointer}/{field.encode_name}"
            if field.encode_name not in data:
                continue
            if field.encode_name in unknown.get(kind.cls, ()):
                came = version.text(_since(field.type))
                detail = f"The field '{field.encode_name}' came with version {came} of the API."
                yield Fault(pointer=place, detail=detail, code="version")
            else:
                yield from _later_fields(data[field.encode_name], field.type, unknown, place)
    elif isinstance(kind, inspect.DictType) and isinstance(data, dict):
        for key, value in data.items():
            yield from _later_fields(value, kind.value_type, unknown, f"{pointer}/{key}")
    elif isinstance(kind, inspect.CollectionType) and isinstance(data, list):
        for number, value in enumerate(data):
            yield from _later_fields(value, kind.item_type, unknown, f"{pointer}/{number}")
    elif isinstance(kind, inspect.UnionType):
        for part in kind.types:
            yield from _later_fields(data, part, unknown, pointer)
    elif isinstance(kind, inspect.Metadata):
        yield from _later_fields(data, kind.type, unknown, pointer)


def _since(kind: inspect.Type) -> Version:
    if isinstance(kind, inspect.Metadata):
        since: Version | None = (kind.extra or {}).get("since")
        return since or _since(kind.type)
    return version.OLDEST
