"""JSON Schemas (2020-12) of every body, from the Structs and the sentences under their fields."""

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from enamel.api import problems
from enamel.api.route import Table
from enamel.model import field_docs, item, orphan, tag, task, webhook
from enamel.service.resources import placement, template

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NAMES = {
    task.State: "task_state",
    item.State: "item_state",
    webhook.State: "notification_state",
    orphan.Kind: "orphan_kind",
    placement.Kind: "placement_kind",
    template.Kind: "template_kind",
}
"""Enums of the same name need different ones here."""
_SHORT = {f"{kind.__module__}.{kind.__name__}": name for kind, name in _NAMES.items()}
_SHORT |= {"Item": "task_item", "Items": "task_items", "CloudEvent": "event"}
_VALUES: dict[str, dict[str, Any]] = {
    "tag": {
        "title": "Tag",
        "description": "A tag of a server or a server type.",
        "type": "string",
        "minLength": 1,
        "maxLength": tag.LONGEST,
        "pattern": "^[^/,]+$",
    },
    "property": {
        "title": "Property",
        "description": "The value of one of a server's properties, under the property's name.",
        "type": "string",
        "maxLength": 255,
    },
}
"""Named schemas that are no objects."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def bodies(table: Table) -> list[Any]:
    """Return the types of all bodies, each once."""
    types: dict[Any, None] = {problems.Errors: None, problems.Details: None}
    for route in table:
        types[route.request] = None
        types |= dict.fromkeys(kind for kinds in route.responses.values() for kind in kinds)
    return [kind for kind in types if kind not in {Any, None}]


def components(types: Sequence[Any], *, ref: str) -> tuple[list[Any], dict[str, Any]]:
    """Return the schemas of types, and the named schemas that they refer to.

    Args:
        types: Structs and other types.
        ref: The form of a reference, with `{name}` in it.

    """
    places, named = msgspec.json.schema_components(types, schema_hook=_anything, ref_template=ref)
    named = {_short(name): schema for name, schema in named.items()}
    _describe(types, named)
    return [_renamed(place) for place in places], {
        name: _titled(name, _renamed(schema)) for name, schema in named.items()
    }


def name_of(kind: Any) -> str:
    """Return the name of a type's schema."""
    return _NAMES.get(kind) or _short(kind.__name__)


def document(table: Table, name: str) -> dict[str, Any] | None:
    """Return the schema of one kind of body with all that it refers to, or None if no body has that name."""
    named = _all(table)
    if name not in named:
        return None
    needed = set(_reach(name, named)) - {name}
    schema = {"$schema": DIALECT, "$id": f"/schemas/{name}", **named[name]}
    if any(name in _references(named[other]) for other in (*needed, name)):
        needed.add(name)
    return schema | ({"$defs": {other: named[other] for other in sorted(needed)}} if needed else {})


def names(table: Table) -> tuple[str, ...]:
    """Return the names of all schemas."""
    return tuple(sorted(_all(table)))


@functools.cache
def _all(table: Table) -> dict[str, Any]:
    """Return the schemas of a table by their names; a table does not change, and this is slow."""
    return components(bodies(table), ref="#/$defs/{name}")[1] | _VALUES


def _anything(kind: type) -> dict[str, Any]:
    return {"description": "Anything."}


def _short(name: str) -> str:
    """Return a component's name in the API: `server_type` for `ServerType`."""
    return _SHORT.get(name) or _HUMP.sub("_", name).lower()


def _renamed(schema: Any) -> Any:
    """Return a schema in which references use the short names."""
    if isinstance(schema, dict):
        return {key: _reference(value) if key == "$ref" else _renamed(value) for key, value in schema.items()}
    return [_renamed(part) for part in schema] if isinstance(schema, list) else schema


def _titled(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a named schema with a title of its own: generators of clients name their classes after titles."""
    return schema | {"title": "".join(map(str.capitalize, name.split("_")))} if "title" in schema else schema


def _reference(text: str) -> str:
    place, slash, name = text.rpartition("/")
    return f"{place}{slash}{_short(name)}"


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _references(part)


def _reach(name: str, named: dict[str, Any]) -> set[str]:
    reached: set[str] = set()
    ahead = [name]
    while ahead:
        following = ahead.pop()
        if following not in reached:
            reached.add(following)
            ahead += _references(named[following])
    return reached


# -- the sentences


def _describe(types: Sequence[Any], named: dict[str, Any]) -> None:
    """Add to each field of each schema its docstring."""
    for kind in structs(types):
        struct = kind.cls
        schema = named.get(_short(struct.__name__))
        if schema is None or schema.get("title", struct.__name__) != struct.__name__:
            continue
        sentences = field_docs.of(struct)
        for field in msgspec.structs.fields(struct):
            described = schema.get("properties", {}).get(field.encode_name)
            if described is not None and field.name in sentences:
                described.setdefault("description", sentences[field.name])
            if described is not None:
                dated(field, described)


def dated(field: msgspec.structs.FieldInfo, schema: dict[str, Any]) -> dict[str, Any]:
    """Note that a text is a time, which msgspec does only if the type requires a zone."""
    if "datetime.datetime" in str(field.type):
        for option in schema.get("anyOf", [schema]):
            if option.get("type") == "string":
                option["format"] = "date-time"
    if "datetime.timedelta" in str(field.type) and schema.get("format") == "duration":
        # ISO 8601 has fractions of seconds; the format `duration`, which is RFC 3339's, has none.
        del schema["format"]
        schema["pattern"] = "^P"
    return schema


def structs(types: Sequence[Any]) -> Iterator[msgspec.inspect.StructType]:
    """Yield every Struct that is among the types or contained in them, each once."""
    seen: set[Any] = set()
    ahead = [*msgspec.inspect.multi_type_info(types)]
    while ahead:
        kind = ahead.pop()
        match kind:
            case msgspec.inspect.Metadata():
                ahead.append(kind.type)
            case msgspec.inspect.StructType() if kind.cls not in seen:
                seen.add(kind.cls)
                yield kind
                ahead += [field.type for field in kind.fields]
            case msgspec.inspect.UnionType():
                ahead += kind.types
            case msgspec.inspect.CollectionType():
                ahead.append(kind.item_type)
            case msgspec.inspect.DictType():
                ahead.append(kind.value_type)
