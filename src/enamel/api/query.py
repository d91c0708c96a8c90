"""Parse the query of a request: text becomes a Struct, and every fault names its parameter."""

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from msgspec import Struct, inspect, structs

from enamel.model import text as texts
from enamel.model.errors import Fault, Invalid
from enamel.service.validation import body, error_wording

T = TypeVar("T", bound=Struct)


def parse(pairs: Iterable[tuple[str, str]], type: type[T]) -> T:
    """Return the Struct that a query describes.

    Several values of a filter are a list with commas or a repeated parameter.

    Raises:
        Invalid: A parameter is unknown, given twice, or malformed.

    """
    fields = {field.encode_name: inspect.type_info(field.type) for field in structs.fields(type)}
    data: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, text in pairs:
        if not texts.fits(name + text):
            detail = f"This parameter has {error_wording.unfit(name + text)}."
            faults.append(Fault(pointer=f"?{texts.clean(name)}", detail=detail, code="encoding"))
        elif name in fields and _is_list(fields[name]):
            parts = text.split(",")
            data.setdefault(name, []).extend(filter(None, parts))
            if "" in parts:
                # An unset shell variable would otherwise list everything.
                detail = f"'{name}' has an empty value: give it one, or leave the parameter out."
                faults.append(Fault(pointer=f"?{name}", detail=detail, code="length"))
        elif name in data:
            faults.append(Fault(pointer=f"?{name}", detail=f"'{name}' is given twice.", code="duplicate_key"))
        else:
            data[name] = _read(text, fields.get(name))
    query, more = body.shape(data, type)
    faults += [_renamed(fault) for fault in more]
    if faults or query is None:
        raise Invalid(" ".join(fault.detail for fault in faults), faults=tuple(faults))
    return query


def _read(text: str, kind: inspect.Type | None) -> Any:
    """Return a text as a value of its parameter's type, or as text if it is none."""
    options = _options(kind)
    if any(isinstance(option, inspect.BoolType) for option in options):
        # `?all` alone means yes.
        return {"": True, "true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if any(isinstance(option, inspect.IntType) for option in options) and re.fullmatch(
        r"-?[0-9]{1,18}", text
    ):
        return int(text)
    return text


def _is_list(kind: inspect.Type) -> bool:
    return any(isinstance(option, inspect.CollectionType) for option in _options(kind))


def _options(kind: inspect.Type | None) -> list[inspect.Type]:
    match kind:
        case inspect.Metadata():
            return _options(kind.type)
        case inspect.UnionType():
            return [inner for option in kind.types for inner in _options(option)]
        case None:
            return []
    return [kind]


def _renamed(fault: Fault) -> Fault:
    name = fault.pointer.removeprefix("/").split("/")[0].replace("~1", "/").replace("~0", "~")
    detail = fault.detail.replace("There is no field", "There is no query parameter")
    return Fault(pointer=f"?{name}", detail=detail, code=fault.code)
