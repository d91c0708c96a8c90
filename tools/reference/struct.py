"""Tables of the fields of a Struct, with the sentence under each field in the source."""

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
    """Return the Structs that a Struct's fields contain, directly or through others, each once."""
    structs: dict[type[msgspec.Struct], None] = {}
    ahead = [struct]
    while ahead:
        parts = [part for field in msgspec.structs.fields(ahead.pop(0)) for part in named(field.type)]
        ahead += [part for part in parts if part not in structs]
        structs |= dict.fromkeys(parts)
    return list(structs)


def named(kind: object) -> list[type[msgspec.Struct]]:
    """Return the Structs that a type names: itself, its alternatives, its elements."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [struct_type for part in typing.get_args(kind) for struct_type in named(part)]


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
    """Return a type in words for readers who do not write Python."""
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
    # The code names it in CamelCase; people read words.
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", getattr(kind, "__name__", str(kind))).lower()


def default(field: msgspec.structs.FieldInfo) -> str:
    """Return the default of a field; nothing if it is required or null."""
    if field.required or field.default in (msgspec.NODEFAULT, None, msgspec.UNSET):
        return "required" if field.required else ""
    value = field.default.value if isinstance(field.default, enum.Enum) else field.default
    if isinstance(value, msgspec.Struct) or value == "":
        return ""
    if isinstance(value, datetime.timedelta):
        return page.code(f"{value.total_seconds():g}s")
    return page.code(msgspec.json.encode(value).decode() if not isinstance(value, str) else value)
