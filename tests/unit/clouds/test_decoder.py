"""What clouds' answers may look like, and still be used: every type that an answer is read as, with every kind of flaw."""

import ast
import copy
import importlib
import ipaddress
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keystoneauth1 import access, discover
from msgspec import Struct, inspect

import enamel.clouds.openstack as openstack
from enamel.clouds.calls import decoder
from enamel.clouds.openstack import error_body, service, transport
from enamel.clouds.openstack.compute import server_json
from enamel.clouds.openstack.identity import identity_json

EXAMPLES = 25
FLAWS = [None, "", "x", 0, -1, 1.5, True, [], {}, [None], {"id": None}, [[]], "1999-13-99", 10**30, "\ud800"]
"""What stands in the place of what is expected."""


def answers() -> Iterator[tuple[str, Any]]:
    """Yield what `answer=` names in the code of the driver: the types as which answers are read."""
    for info in pkgutil.walk_packages(openstack.__path__, openstack.__name__ + "."):
        module = importlib.import_module(info.name)
        tree = ast.parse(Path(str(module.__file__)).read_text())
        for call in ast.walk(tree):
            for keyword in getattr(call, "keywords", ()):
                if keyword.arg != "answer" or not isinstance(call, ast.Call):
                    continue
                if getattr(call.func, "attr", "") == "get":
                    continue  # What the cache holds is Enamel's own.
                text = ast.unparse(keyword.value)
                try:
                    type = eval(text, vars(module))
                except NameError:
                    continue  # A parameter, whose callers name the type.
                yield f"{info.name.rpartition('.')[2]}.{text}", type


ANSWERS = {
    name: type
    for name, type in answers()
    if type is not transport.Nothing and (isinstance(type, __builtins__["type"]) or get_origin(type))
} | {
    "ids": service.page_of("ports", importlib.import_module("enamel.clouds.openstack.network.network")._Id),
    "described": service.page_of(
        "routers", importlib.import_module("enamel.clouds.openstack.network.creation")._Described
    ),
}
"""By name, all types as which answers are read."""


def good(node: inspect.Type) -> Any:
    """Return JSON that is what a node describes, with two entries in each list."""
    match node:
        case inspect.StructType():
            return {field.encode_name: good(field.type) for field in node.fields}
        case inspect.ListType():
            return [good(node.item_type), good(node.item_type)]
        case inspect.DictType():
            return {"key": good(node.value_type)}
        case inspect.UnionType():
            return good(next(member for member in node.types if not isinstance(member, inspect.NoneType)))
        case inspect.IntType():
            return 1
        case inspect.FloatType():
            return 1.0
        case inspect.BoolType():
            return True
        case inspect.DateTimeType():
            return "2026-11-29T01:00:00Z"
        case inspect.StrType():
            texts = ("text", "10.0.0.1", "10.0.0.0/24")
            return next(text for text in texts if re.search(node.pattern or "", text))
        case _:
            return "text"


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every part of a document."""
    if path:
        yield path
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        yield from places(inner, (*path, key))


def spoil(document: Any, path: tuple[Any, ...], flaw: Any, *, missing: bool) -> Any:
    """Return a document with a flaw in one place."""
    spoilt = copy.deepcopy(document)
    inner = spoilt
    for key in path[:-1]:
        inner = inner[key]
    if missing:
        del inner[path[-1]]
    else:
        inner[path[-1]] = flaw
    return spoilt


def records(value: Any) -> Iterator[Any]:
    """Yield the records of an answer that become Enamel's."""
    for inner in value if isinstance(value, list) else ():
        yield from records(inner)
    if isinstance(value, Struct):
        if hasattr(value, "neutral"):
            yield value
        for name in value.__struct_fields__:
            yield from records(getattr(value, name))


def as_enamels(record: Any) -> Any:
    if isinstance(record, server_json.Server):
        return record.neutral(server_json.Sizes([]))
    return record.neutral()


def usable(value: Any) -> None:
    """Fail where what was read cannot be used as what its type says."""
    for record in records(value):
        own = as_enamels(record)
        assert msgspec.json.decode(msgspec.json.encode(own), type=type(own)) == own
        # What Enamel keeps of a cloud goes into a cache and a store in UTF-8.
        assert msgspec.json.encode(own)


def body(document: Any) -> bytes:
    return json.dumps(document).encode()


def test_every_answer_is_known() -> None:
    assert len(ANSWERS) > 50
    assert {"server_json.Many", "server_json.One"} <= {name.partition(".")[2] for name in ANSWERS}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_an_answer_as_it_should_be_is_read_whole(name: str) -> None:
    document = good(inspect.type_info(ANSWERS[name]))
    value, misfits = decoder.decode(body(document), ANSWERS[name])
    assert not misfits
    usable(value)
    assert decoder.fit(document, ANSWERS[name]) == (value, [])


@pytest.mark.sampled(30)
@pytest.mark.parametrize("name", sorted(ANSWERS))
@given(data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_flaw_costs_no_more_than_its_record(name: str, data: st.DataObject) -> None:
    document = good(inspect.type_info(ANSWERS[name]))
    path = data.draw(st.sampled_from(list(places(document)) or [()]))
    if not path:
        return
    missing = data.draw(st.booleans()) and not isinstance(path[-1], int)
    flaw = data.draw(st.sampled_from(FLAWS))
    spoilt = spoil(document, path, flaw, missing=missing)
    before = decoder.fit(document, ANSWERS[name])[0]
    try:
        value, _ = decoder.decode(body(spoilt), ANSWERS[name])
    except decoder.Unusable:
        # Of a list, only what is not one is refused.
        assert not any(isinstance(key, int) for key in path)
        return
    usable(value)
    position = next((at for at, key in enumerate(path) if isinstance(key, int)), None)
    if position == 1 and isinstance(before, Struct):
        # The other record of the list is as it was.
        field = before.__struct_fields__[0]
        assert getattr(before, field)[1 - path[1]] in getattr(value, field)


@pytest.mark.sampled(30)
@pytest.mark.parametrize("name", sorted(ANSWERS))
@given(extra=st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(), st.lists))
@settings(max_examples=3, deadline=None)
def test_what_nobody_knows_does_not_matter(name: str, extra: Any) -> None:
    document = good(inspect.type_info(ANSWERS[name]))
    more = copy.deepcopy(document)
    for path in places(document):
        inner = more
        for key in path[:-1]:
            inner = inner[key]
        if isinstance(inner, dict) and isinstance(inspect.type_info(ANSWERS[name]), inspect.StructType):
            inner["added later"] = extra
    value, _ = decoder.decode(body(more), ANSWERS[name])
    assert list(records(value)) == list(records(decoder.fit(document, ANSWERS[name])[0])) or "key" in str(
        value
    )


@given(text=st.ip_addresses().map(str) | st.from_regex(r"[0-9a-f:.]{1,40}") | st.text(max_size=8))
@settings(max_examples=300, deadline=None)
def test_what_is_read_as_an_address_is_one(text: str) -> None:
    read, _ = decoder.decode(body({"a": text, "b": f"{text}/24"}), dict[str, decoder.Ip | decoder.Range])
    if "a" in read:
        assert ipaddress.ip_address(text)
    if "b" in read:
        assert ipaddress.ip_network(read["b"], strict=False)


@given(address=st.ip_addresses())
@settings(max_examples=200, deadline=None)
def test_every_address_is_read(address: Any) -> None:
    assert decoder.decode(body({"a": str(address)}), dict[str, decoder.Ip])[0] == {"a": str(address)}


class Thing(Struct):
    id: decoder.Id
    size: int = 0
    ratio: float = 1.0
    up: bool = True
    at: datetime | None = None
    names: dict[str, str] = {}


class Things(Struct):
    things: list[Thing]


@pytest.mark.parametrize(
    ("sent", "field", "value"),
    [
        ("7", "size", 7),
        (7.0, "size", 7),
        ("", "size", 0),
        ("many", "size", 0),
        (True, "size", 0),
        ("", "ratio", 1.0),
        ("0.5", "ratio", 0.5),
        ("False", "up", False),
        (0, "up", False),
        (None, "up", True),
        ("2026-11-29 01:00:00", "at", datetime(2026, 11, 29, 1)),
        ("yesterday", "at", None),
        ({"a": None, "b": "c", "d": 5}, "names", {"b": "c", "d": "5"}),
        ("text", "names", {}),
    ],
)
def test_fields_are_read_in_the_usual_ways(sent: Any, field: str, value: Any) -> None:
    answer, _ = decoder.decode(body({"things": [{"id": 5, field: sent}]}), Things)
    assert answer.things[0].id == "5"
    assert getattr(answer.things[0], field) == value


def test_a_record_without_an_id_is_left_out_and_named() -> None:
    answer, misfits = decoder.decode(
        body({"things": [{"id": None, "name": "web"}, {"id": "2", "size": "big"}, 5]}), Things
    )
    assert [thing.id for thing in answer.things] == ["2"]
    assert [(misfit.field, misfit.record, misfit.left_out) for misfit in misfits] == [
        ("things[]", "web", True),
        ("things[].size", "2", False),
        ("things[]", "", True),
    ]
    assert "big" not in str(misfits)


def test_a_list_of_null_is_empty_and_a_missing_one_is_refused() -> None:
    assert decoder.decode(b'{"things": null}', Things)[0].things == []
    with pytest.raises(decoder.Unusable, match="things is missing"):
        decoder.decode(b"{}", Things)


@pytest.mark.parametrize(
    "text",
    [b'{"things": [{"id": "a", "name": "\xff"}]}', b'{"things": [{"id": "a", "x": "\\ud800"}]}',
     b'{"things": [{"id": "a", "ratio": NaN}, {"id": "a", "ratio": 1e999}]}', b'\xef\xbb\xbf{"things": [{"id": "a"}]}'],
)  # fmt: skip
def test_text_that_is_none_and_numbers_that_are_none_are_replaced(text: bytes) -> None:
    answer, _ = decoder.decode(text, Things)
    assert {(thing.id, thing.ratio) for thing in answer.things} == {("a", 1.0)}


@pytest.mark.parametrize(
    "text", [b"<html></html>", b"", b"[" * 100_000, b'{"things": [', b'{"a":' * 5000 + b"1" + b"}" * 5000]
)
def test_what_is_no_answer_is_refused(text: bytes) -> None:
    with pytest.raises(decoder.Unusable):
        decoder.decode(text, Things)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["v2.1", "CURRENT", "http://a/"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "errors",
                    "error",
                    "message",
                    "detail",
                    "title",
                    "code",
                    "type",
                    "faultstring",
                    "NeutronError",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(document=JSON)
@settings(max_examples=150, deadline=None)
def test_an_error_of_any_shape_can_be_read(document: Any) -> None:
    said = error_body.read(json.dumps(document).encode())
    assert isinstance(said.kind, str)
    assert isinstance(said.text, str)
    assert "None" not in said.text or "None" in str(document)


def test_an_error_without_words_says_nothing() -> None:
    assert error_body.read(b'{"errors": [{"code": null, "detail": null}]}') == error_body.Said()
    assert error_body.read(b'{"computeFault": {"message": null}}').text == ""
    assert error_body.read(b'{"message": null}').text == ""


TOKEN = {
    "token": {
        "user": {"id": "u", "name": "demo", "domain": {"id": "default"}},
        "project": {"id": "p", "name": "demo"},
        "roles": [{"id": "r", "name": "member"}],
        "expires_at": "2999-11-29T01:00:00.000000Z",
        "catalog": [
            {
                "type": kind,
                "name": kind,
                "id": kind,
                "endpoints": [
                    {
                        "id": kind,
                        "interface": "public",
                        "region": "R",
                        "region_id": "R",
                        "url": f"http://{kind}/v2.1",
                    }
                ],
            }
            for kind in ("compute", "network")
        ],
    }
}
VERSIONS = {
    "versions": [
        {
            "id": f"v2.{minor}",
            "status": "CURRENT",
            "links": [{"rel": "self", "href": "http://compute/v2/"}],
            "min_version": "2.1",
            "version": "2.104",
        }
        for minor in range(2)
    ]
}


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_keystoneauth_can_read_whatever_is_left_of_a_token(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([path for path in places(TOKEN) if len(path) > 1]))
    missing = data.draw(st.booleans()) and not isinstance(path[-1], int)
    spoilt = spoil(TOKEN, path, data.draw(st.sampled_from(FLAWS)), missing=missing)
    token = access.create(body=identity_json.fitted(spoilt)[0], auth_token="t")
    assert token.expires is not None
    assert isinstance(token.user_id, str)
    assert isinstance(token.username, str)
    assert all(isinstance(role, str) for role in token.role_names)
    assert token.project_id is None or isinstance(token.project_id, str)
    if path[1] != "catalog" or len(path) > 2:
        other = "network" if path[2:3] == (0,) else "compute"
        url = token.service_catalog.endpoint_data_for(service_type=other, region_name="R").url
        assert url == f"http://{other}/v2.1"


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_keystoneauth_can_read_whatever_is_left_of_versions(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([path for path in places(VERSIONS) if len(path) > 1]))
    missing = data.draw(st.booleans()) and not isinstance(path[-1], int)
    spoilt = spoil(VERSIONS, path, data.draw(st.sampled_from(FLAWS)), missing=missing)
    document = identity_json.fitted(spoilt)[0]

    class Answer:
        headers: Mapping[str, str] = MappingProxyType({})
        text = ""

        @staticmethod
        def json() -> Any:
            return document

    class Session:
        @staticmethod
        def get(*_: Any, **__: Any) -> Answer:
            return Answer()

    versions = discover.Discover(Session(), "http://compute/").version_data()
    assert (2, 1 - path[1]) in [version["version"] for version in versions]
