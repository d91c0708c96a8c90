"""Bodies become data and Structs, and every fault is found on the way."""

import enum
import json
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta, Struct

from enamel.model import launch
from enamel.model.errors import BodyTooLarge, Invalid
from enamel.service.validation import body


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Disk(Struct, frozen=True, kw_only=True):
    size_gb: Annotated[int, Meta(ge=1, le=100)]
    type: str | None = None
    tags: tuple[str, ...] = ()


class Want(Struct, frozen=True, kw_only=True):
    name: Annotated[
        str, Meta(pattern="^[a-z]+$", max_length=8, extra={"expected": "a name of small letters"})
    ] = "web"
    count: int = 1
    networks: Literal["auto", "none"] | list[str | Disk] = "auto"
    public: bool | Disk = False
    volumes: list[Disk] = []
    colour: Colour | None = None
    properties: dict[str, str] = {}
    due: datetime | None = None
    keys: frozenset[str] = frozenset()


BAD_BYTES = {
    "empty": (b"  ", "empty", ""),
    "cut off": (b'{"a": [1,', "json", ""),
    "not UTF-8": (b'{"a": "\xff"}', "encoding", ""),
    "NaN": (b'{"a": NaN}', "json", ""),
    "infinite": (b"[-Infinity]", "json", ""),
    "too large a number": (b"[1e999]", "json", ""),
    "a number of 5000 digits": (b"1" * 5000, "json", ""),
    "65 bits": (b'{"a": [18446744073709551616]}', "type", "/a/0"),
    "deep": (b"[" * 66 + b"]" * 66, "depth", ""),
    "deeper than the stack": (b"[" * 100_000 + b"]" * 100_000, "depth", ""),
    "a key twice": (b'{"x": {"a/b": 1, "a/b": 2}}', "duplicate_key", "/x/a~1b"),
    "half a character": (b'{"a": "\\ud800"}', "encoding", "/a"),
    "a NUL": (b'{"a": ["b", "c\\u0000"]}', "encoding", "/a/1"),
    "a NUL in a key": (b'{"a": {"\\u0000": 1}}', "encoding", "/a"),
    "half a character in a key": (b'{"a": {"\\udc00": 1}}', "encoding", "/a"),
}


@pytest.mark.parametrize(("raw", "code", "pointer"), BAD_BYTES.values(), ids=BAD_BYTES)
def test_what_is_not_fit_is_refused_and_pointed_at(raw: bytes, code: str, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        body.loads(raw)
    assert [(fault.code, fault.pointer) for fault in refused.value.faults] == [(code, pointer)]


def test_too_many_bytes_are_refused_with_a_code_of_their_own() -> None:
    with pytest.raises(BodyTooLarge):
        body.loads(b'"' + b"x" * body.LARGEST + b'"')


def test_every_duplicate_key_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        body.loads(b'{"a": 1, "a": 2, "b": [{"c": 1, "c": 1}]}')
    assert [fault.pointer for fault in refused.value.faults] == ["/a", "/b/0/c"]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_data_or_refused(raw: bytes) -> None:
    try:
        data = body.loads(raw)
    except Invalid:
        return
    assert msgspec.json.decode(msgspec.json.encode(data)) == data


def test_a_right_body_becomes_its_struct() -> None:
    data = body.loads(
        b'{"name": "web", "count": 2, "networks": ["a", {"size_gb": 3}], "public": {"size_gb": 1},'
        b' "colour": "red", "properties": {"k": "v"}, "due": "2026-01-31T12:00:00Z", "keys": ["a", "a"]}'
    )
    want, faults = body.shape(data, Want)
    assert faults == []
    assert want is not None
    assert want.networks == ["a", Disk(size_gb=3)]
    assert (want.public, want.colour, want.keys) == (Disk(size_gb=1), Colour.RED, frozenset({"a"}))


def test_a_whole_number_may_be_written_with_a_point() -> None:
    want, faults = body.shape({"name": "web", "count": 2.0}, Want)
    assert not faults and want is not None
    assert (want.count, type(want.count)) == (2, int)


FAULTS = {
    "unknown field": ({"nmae": "web"}, "/nmae", "There is no field 'nmae'; did you mean 'name'?"),
    "wrong type": ({"count": "3"}, "/count", "Expected a whole number, got the text '3'."),
    "a truth is no number": ({"count": True}, "/count", "Expected a whole number, got true."),
    "half a number": ({"count": 1.5}, "/count", "Expected a whole number, got the number 1.5."),
    "pattern in words": ({"name": "WEB"}, "/name", "'WEB' is not a name of small letters."),
    "length": ({"name": "w" * 9}, "/name", "This has 9 characters; at most 8 are expected."),
    "range": ({"volumes": [{"size_gb": 0}]}, "/volumes/0/size_gb", "0 is not at least 1."),
    "required": ({"volumes": [{}]}, "/volumes/0/size_gb", "The field 'size_gb' is required."),
    "not a member": ({"colour": "green"}, "/colour", "Expected 'red', 'blue' or null, got the text 'green'."),
    "another case": ({"colour": "Red"}, "/colour", "Expected 'red', 'blue' or null, got the text 'Red'. Did you mean 'red'?"),
    "no alternative": ({"networks": 7}, "/networks", "Expected 'auto', 'none' or a list, got the number 7."),
    "inside an alternative": ({"public": {"size_gb": 101}}, "/public/size_gb", "101 is not at most 100."),
    "a list for an object": ({"properties": []}, "/properties", "Expected an object, got a list."),
    "a value in a map": ({"properties": {"a/b": 1}}, "/properties/a~1b", "Expected a text, got the number 1."),
    "a time without zone": (
        {"due": "2026-01-31T12:00:00"},
        "/due",
        "'2026-01-31T12:00:00' is not a time with its zone, such as 2026-01-31T12:00:00Z.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "pointer", "detail"), FAULTS.values(), ids=FAULTS)
def test_a_fault_says_where_and_what_would_be_right(data: object, pointer: str, detail: str) -> None:
    want, faults = body.shape(data, Want)
    assert [(fault.pointer, fault.detail) for fault in faults] == [(pointer, detail)]
    assert want == Want() or "volumes" in pointer or pointer == "/public/size_gb"


def test_all_faults_are_found_in_one_go_and_the_rest_is_kept() -> None:
    want, faults = body.shape({"name": "db", "count": "x", "colour": 1, "extra": 1}, Want)
    assert [fault.pointer for fault in faults] == ["/extra", "/count", "/colour"]
    assert want == Want(name="db")


def test_what_is_not_an_object_gives_no_struct() -> None:
    want, faults = body.shape(["web"], Want)
    assert want is None
    assert [fault.detail for fault in faults] == ["Expected an object, got a list."]


def test_a_body_of_nothing_but_faults_names_the_first_hundred() -> None:
    _, faults = body.shape({f"field{n}": n for n in range(50_000)}, Want)
    assert len(faults) == body.MOST


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5) | st.sampled_from(["auto", "red", "web", "2026-01-31T12:00:00Z"]),
    lambda below: st.lists(below, max_size=4)
    | st.dictionaries(st.sampled_from([*Want.__struct_fields__, *Disk.__struct_fields__, "other", "a/b~c"]), below),
    max_leaves=12,
)  # fmt: skip


@settings(deadline=None)
@given(JSON)
def test_shape_never_raises_and_what_it_builds_can_be_encoded(data: object) -> None:
    want, faults = body.shape(data, Want)
    assert faults or want is not None
    if want is not None:
        assert msgspec.json.decode(msgspec.json.encode(want), type=Want) == want
    for fault in faults:
        json.dumps(fault.pointer)
        assert fault.detail.endswith((".", "?"))


@settings(deadline=None)
@given(JSON)
def test_shape_agrees_with_msgspec_on_what_is_right(data: object) -> None:
    want, faults = body.shape(data, Want)
    if not faults:
        assert msgspec.convert(data, Want) == want


@pytest.mark.parametrize("value", ["planted-77", 7788, 77.5, ["planted-77"], {"planted": 1}, True, None])
def test_no_fault_repeats_what_stands_in_a_secret_field(value: Any) -> None:
    class Form(msgspec.Struct, forbid_unknown_fields=True):
        password: Annotated[str, msgspec.Meta(pattern="^never$")] | None = None
        user_data: int = 0

    _, faults = body.shape({"password": value, "user_data": value}, Form)
    assert not any("77" in fault.detail or "planted'" in fault.detail for fault in faults)


@pytest.mark.parametrize("name", ["ttl", "timeout"])
def test_a_number_of_seconds_is_told_how_durations_are_written(name: str) -> None:
    _, faults = body.shape({name: 3600}, launch.Launch)
    expected = "Expected a duration such as 90s, 30m or 4h or null, got the number 3600."
    assert [(fault.pointer, fault.detail) for fault in faults] == [(f"/{name}", expected)]
