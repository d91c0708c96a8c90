"""The Struct: its fields, with the sentence that stands under each of them in the source."""

import datetime
import enum
import inspect
import re
import types
import typing

import msgspec

from enamel.model import field_docs
from tools.reference import page


def describe(struct: type[msgspec.Struct]) -> str:
    """Return what a Struct is for and a table of its fields."""
    return f"{page.sentence(inspect.getdoc(struct) or '')}\n\n{table(struct)}".strip()


def table(struct: type[msgspec.Struct]) -> str:
    """Return a table of a Struct's fields."""
    said = field_docs.of(struct)
    rows = [
        (page.code(field.encode_name), spell(field.type), default(field), said.get(field.name, ""))
        for field in msgspec.structs.fields(struct)
    ]
    return page.table(header=["field", "is", "default", "meaning"], rows=rows)


def inner(struct: type[msgspec.Struct]) -> list[type[msgspec.Struct]]:
    """Return the Structs that a Struct's fields are made of, and those that these are made of, each once."""
    found: dict[type[msgspec.Struct], None] = {}
    ahead = [struct]
    while ahead:
        parts = [part for field in msgspec.structs.fields(ahead.pop(0)) for part in named(field.type)]
        ahead += [part for part in parts if part not in found]
        found |= dict.fromkeys(parts)
    return list(found)


def named(kind: object) -> list[type[msgspec.Struct]]:
    """Return the Structs that a type names: itself, its alternatives, its elements."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [found for part in typing.get_args(kind) for found in named(part)]


WORDS: dict[object, str] = {
    str: "text",
    int: "number",
    float: "number",
    bool: "true or false",
    bytes: "bytes",
    type(None): "null",
    None: "null",
    datetime.datetime: "time",
    datetime.timedelta: "duration",
    typing.Any: "anything",
    msgspec.UnsetType: "",
}


def spell(kind: object) -> str:
    """Return a type in words that someone knows who does not write Python."""
    if kind in WORDS:
        return WORDS[kind]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(word for part in inner if (word := spell(part))))
    if origin is typing.Annotated:
        return spell(inner[0])
    if origin is typing.Literal:
        return ", ".join(page.code(value) for value in inner)
    if isinstance(origin, type) and issubclass(origin, dict):
        return f"map of {spell(inner[1])}"
    if isinstance(origin, type) and issubclass(origin, (tuple, list, set, frozenset)):
        return f"list of {spell(inner[0])}"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return ", ".join(page.code(member.value) for member in kind)
    # CamelCase is how the code names it; people read words.
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", getattr(kind, "__name__", str(kind))).lower()


def default(field: msgspec.structs.FieldInfo) -> str:
    """Return what a field is when nobody sets it; nothing where it must be set or is null."""
    if field.required or field.default in (msgspec.NODEFAULT, None, msgspec.UNSET):
        return "required" if field.required else ""
    value = field.default.value if isinstance(field.default, enum.Enum) else field.default
    if isinstance(value, msgspec.Struct) or value == "":
        return ""
    if isinstance(value, datetime.timedelta):
        return page.code(f"{value.total_seconds():g}s")
    return page.code(msgspec.json.encode(value).decode() if not isinstance(value, str) else value)
