"""The decoder of clouds' answers: what does not fit is left out, and all the rest of the answer is used.

Clouds send more than their documentation says: nulls, empty texts for numbers, custom properties under the name of a
field. A field that does not fit is read as if it were missing. A record that lacks what cannot be missing, as its id, is left out
of its list. Only an answer whose outermost shape is another one is refused.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct, inspect

T = TypeVar("T")

Id = Annotated[str, Meta(min_length=1)]
"""A text that a record cannot be used without: one that lacks it is left out of its list."""

_IPV4 = r"((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3})"
_GROUPS = r"[0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})"
_IPV6 = rf"({_GROUPS}{{7}}|(?!([^:]*:){{8}})({_GROUPS}*)?::({_GROUPS}*)?)"
Ip = Annotated[str, Meta(pattern=rf"^({_IPV4}|{_IPV6})\Z")]
"""An IP address."""
Range = Annotated[str, Meta(pattern=rf"^({_IPV4}/(3[0-2]|[12]?\d)|{_IPV6}/(12[0-8]|1[01]\d|[1-9]?\d))\Z")]
"""A range of IP addresses."""

_WHOLE = re.compile(r"\s*[+-]?\d{1,18}\s*")
_TRUTHS = {"true": True, "false": False, "1": True, "0": False}


class Misfit(Struct, frozen=True, kw_only=True):
    """A part of an answer that does not fit."""

    field: str
    """Where it stands, as `servers[].fault.message`."""
    record: str
    """The id or name of the record that it belongs to, as far as it has one."""
    why: str
    left_out: bool
    """Whether the record is left out; otherwise only the field is."""


class Unusable(ValueError):
    """An answer is not what was asked for."""

    def __init__(self, why: str, *, is_json: bool) -> None:
        super().__init__(why)
        self.is_json = is_json
        """Whether it is JSON at all, so that it comes from an API and not from a page in its place."""


class _Mismatch(Exception):
    """A value is of another type than its field."""


def decode(body: bytes, type: type[T]) -> tuple[T, list[Misfit]]:
    """Return an answer's body as a type, and what of it does not fit.

    Raises:
        Unusable: It is no JSON, or JSON of another shape.
    """
    try:
        return msgspec.json.decode(body or b"null", type=type), []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Answers that fit are by far the most: only the others are read piece by piece.
        return fit(_json(body), type)


def fit(value: Any, type: type[T], *, name: str = "") -> tuple[T, list[Misfit]]:
    """Return a value of JSON as a type, and what of it does not fit.

    Args:
        value: The value.
        type: What it is to be.
        name: What it is called in the misfits.

    Raises:
        Unusable: It has another shape.
    """
    reading = _Reading()
    try:
        return reading.fit(inspect.type_info(type), value, name), reading.misfits
    except (_Mismatch, RecursionError) as exc:
        raise Unusable(str(exc), is_json=True) from exc


def _json(body: bytes) -> Any:
    """Return a body as JSON, with replacements for what is no text and null for what is no number."""
    try:
        return msgspec.json.decode(body or b"null")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        value = json.loads(
            body.decode("utf-8-sig", "replace"), parse_constant=lambda _: None, parse_float=_finite
        )
        # Half of a pair of surrogates can be neither sent on nor stored.
        return msgspec.json.decode(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as exc:
        raise Unusable(str(exc), is_json=False) from exc


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


class _Reading:
    """One answer that is read piece by piece."""

    def __init__(self) -> None:
        self.misfits: list[Misfit] = []
        self._record = ""

    def fit(self, node: inspect.Type, value: Any, path: str) -> Any:
        """Return a value as what a node describes. Raises _Mismatch."""
        match node:
            case inspect.AnyType():
                return value
            case inspect.StructType():
                return self._struct(node, value, path)
            case inspect.ListType() | inspect.FrozenSetType():
                return self._list(node, value, path)
            case inspect.DictType():
                return self._dict(node, value, path)
            case inspect.UnionType():
                return self._union(node, value, path)
            case _:
                return _scalar(node, value, path)

    def _struct(self, node: inspect.StructType, value: Any, path: str) -> Any:
        if not isinstance(value, Mapping):
            raise _mismatch(path, value, "an object")
        values = {}
        for field in node.fields:
            inner = f"{path}.{field.encode_name}" if path else field.encode_name
            if field.encode_name not in value:
                if field.required:
                    raise _Mismatch(f"{inner} is missing")
                continue
            given = value[field.encode_name]
            if (
                given is None
                and field.required
                and isinstance(field.type, inspect.ListType | inspect.DictType)
            ):
                # So some services write a list without entries.
                given = [] if isinstance(field.type, inspect.ListType) else {}
            try:
                values[field.name] = self.fit(field.type, given, inner)
            except _Mismatch as exc:
                if field.required:
                    raise
                # Null is a usual way of saying that there is nothing.
                if given is not None:
                    self._note(inner, exc, left_out=False)
        return node.cls(**values)

    def _list(self, node: inspect.ListType | inspect.FrozenSetType, value: Any, path: str) -> Any:
        if not isinstance(value, list):
            raise _mismatch(path, value, "a list")
        entries, outer = [], self._record
        for entry in value:
            self._record = _called(entry) or outer
            try:
                entries.append(self.fit(node.item_type, entry, f"{path}[]"))
            except _Mismatch as exc:
                self._note(f"{path}[]", exc, left_out=True)
        self._record = outer
        return entries if isinstance(node, inspect.ListType) else frozenset(entries)

    def _dict(self, node: inspect.DictType, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _mismatch(path, value, "an object")
        entries = {}
        for key, entry in value.items():
            try:
                entries[key] = self.fit(node.value_type, entry, f"{path}.{key}")
            except _Mismatch as exc:
                if entry is not None:
                    self._note(f"{path}.{key}", exc, left_out=False)
        return entries

    def _union(self, node: inspect.UnionType, value: Any, path: str) -> Any:
        if value is None and node.includes_none:
            return None
        refusals = []
        for member in node.types:
            try:
                return self.fit(member, value, path)
            except _Mismatch as exc:
                refusals.append(exc)
        raise refusals[0]

    def _note(self, field: str, exc: _Mismatch, *, left_out: bool) -> None:
        self.misfits.append(Misfit(field=field, record=self._record, why=str(exc), left_out=left_out))


def _scalar(node: inspect.Type, value: Any, path: str) -> Any:
    """Return a text, number, truth or time that is written in one of the usual ways. Raises _Mismatch."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match node:
        case inspect.NoneType() if value is None:
            return None
        case inspect.StrType() if isinstance(value, str) and _allowed(node, value):
            return value
        case inspect.StrType() if number and _allowed(node, str(value)):
            return str(value)
        case inspect.IntType() if number and (isinstance(value, int) or value.is_integer()):
            return int(value)
        case inspect.IntType() if isinstance(value, str) and _WHOLE.fullmatch(value):
            return int(value)
        case inspect.FloatType() if number:
            return float(value)
        case inspect.FloatType() if isinstance(value, str) and _WHOLE.fullmatch(value.partition(".")[0]):
            return _converted(value, float, path)
        case inspect.BoolType() if isinstance(value, bool):
            return value
        case inspect.BoolType() if str(value).lower() in _TRUTHS:
            return _TRUTHS[str(value).lower()]
        case inspect.DateTimeType() if isinstance(value, str):
            return _converted(value, datetime.fromisoformat, path)
    of_form = isinstance(node, inspect.StrType) and isinstance(value, str) and value != ""
    raise _mismatch(path, value, "one of the expected form" if of_form else _NAMES[type(node)])


def _allowed(node: inspect.StrType, text: str) -> bool:
    return len(text) >= (node.min_length or 0) and (
        node.pattern is None or re.search(node.pattern, text) is not None
    )


def _converted(text: str, convert: Any, path: str) -> Any:
    try:
        return convert(text)
    except ValueError:
        raise _Mismatch(f"{path} cannot be read") from None


_NAMES: dict[type[inspect.Type], str] = {
    inspect.NoneType: "null",
    inspect.StrType: "a text",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.BoolType: "true or false",
    inspect.DateTimeType: "a time",
}
"""The types of single values that answers may have."""

_FORMS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a truth",
    int: "a number",
    float: "a number",
}


def _mismatch(path: str, value: Any, expected: str) -> _Mismatch:
    # The value itself may be a secret.
    form = "null" if value is None else "empty" if value == "" else _FORMS.get(type(value), "something else")
    return _Mismatch(f"{path or 'the answer'} is {form}, not {expected}")


def _called(entry: Any) -> str:
    """Return what a record is called in the log."""
    if not isinstance(entry, Mapping):
        return ""
    return next((str(entry[key])[:64] for key in ("id", "name") if isinstance(entry.get(key), str | int)), "")
