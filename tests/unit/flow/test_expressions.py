"""Expressions: what commands write is what steps get, and no secret shows."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from enamel.flow import evaluation, expressions
from enamel.flow.evaluation import Sources
from enamel.model.errors import PlanUnreadable

TEXT = "s3cr3t-4711"
SOURCES = Sources(
    outputs={
        "port": {"ports": [{"id": "p-1", "addresses": ["10.0.0.7", "10.0.0.8"]}]},
        "boot": {"id": "s-1"},
    },
    placement={"zone": "east"},
    secrets={"key": TEXT},
)

names = st.text(st.characters(codec="ascii", exclude_characters="${}"), max_size=8)
keys = st.one_of(names, st.sampled_from(sorted(expressions.OPERATORS)))
literals = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**31), 2**31), names),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=12,
)
"""Any data, also such as look like expressions."""


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return expressions that make texts of others."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda parts: expressions.join("-", *parts), st.lists(inner, max_size=3)),
            st.builds(lambda value: expressions.substitute("a ${x} b", {"x": value}), inner),
            st.builds(expressions.base64, inner),
            st.builds(lambda value: expressions.select(0, [value]), inner),
        ),
        max_leaves=6,
    )


def value(expression: Any, sources: Sources = SOURCES) -> Any:
    data = expressions.encode(expression)
    expressions.check(data)
    return evaluation.resolve(json.loads(json.dumps(data)), sources)


@given(literals)
def test_literals_stay_what_they_are(data: Any) -> None:
    assert value(data) == data
    assert list(expressions.paths(expressions.encode(data), "secret")) == []


@given(trees(st.one_of(names, st.just(expressions.secret("key")))))
def test_no_preview_shows_a_secret(expression: Any) -> None:
    data = expressions.encode(expression)
    shown = json.dumps(expressions.shown(data))
    assert TEXT not in shown and '{"secret"' not in shown
    blank = value(expression, Sources(outputs={}, placement={}, secrets=None))
    if any(True for _ in expressions.paths(data, "secret")):
        assert blank == ""
        assert expressions.SECRET in shown
    else:
        assert blank == value(expression)


@given(trees(st.just(expressions.ref("boot.id"))))
def test_references_are_found_however_deep(expression: Any) -> None:
    data = expressions.encode(expression)
    renamed = expressions.rewrite(data, lambda operator, path: {operator: path.replace("boot", "again")})
    assert len(list(expressions.paths(renamed, "ref"))) == len(list(expressions.paths(data, "ref")))
    assert set(expressions.paths(renamed, "ref")) <= {"again.id"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (expressions.ref("port.ports.0.addresses.1"), "10.0.0.8"),
        (expressions.alternative("zone"), "east"),
        (expressions.alternative("rack"), None),
        (expressions.secret("key"), TEXT),
        (expressions.join("-", "web", 1, True, expressions.ref("boot.id")), "web-1-true-s-1"),
        (expressions.join(":", expressions.secret("key"), "x"), f"{TEXT}:x"),
        (expressions.base64(expressions.join("", "ä", "b")), base64.b64encode("äb".encode()).decode()),
        (expressions.select(1, expressions.ref("port.ports.0.addresses")), "10.0.0.8"),
        (expressions.select("b", {"a": 1, "b": [2]}), [2]),
        (
            expressions.substitute(
                "${ip} $${ip} ${HOME} $ip", {"ip": expressions.ref("port.ports.0.addresses.0")}
            ),
            "10.0.0.7 ${ip} ${HOME} $ip",
        ),
        # What is put in is not read again.
        (expressions.substitute("${a}${b}", {"a": "${b}", "b": "1"}), "${b}1"),
        # Names of values may look like operators.
        (expressions.substitute("${ref}", {"ref": expressions.ref("boot.id")}), "s-1"),
        ({"inner": ({"ref": "boot.id"},)}, {"inner": [{"ref": "boot.id"}]}),
    ],
)
def test_what_expressions_come_to(expression: Any, expected: Any) -> None:
    assert value(expression) == expected


def test_all_parts_of_a_join_can_come_from_one_list() -> None:
    data = {"join": {"separator": ",", "parts": {"ref": "port.ports.0.addresses"}}}
    assert evaluation.resolve(data, SOURCES) == "10.0.0.7,10.0.0.8"


class Inner(Struct, frozen=True):
    """A part of a step's inputs."""

    secret: str


def test_a_struct_with_one_field_is_a_literal() -> None:
    assert expressions.encode({"inner": Inner("a")}) == {"inner": {"literal": {"secret": "a"}}}


def test_what_looks_like_an_expression_cannot_contain_one() -> None:
    with pytest.raises(ValueError, match="join"):
        expressions.encode({"join": [expressions.ref("boot.id")]})


@pytest.mark.parametrize(
    "data",
    [
        {"ref": 1},
        {"secret": {"ref": "boot.id"}},
        {"join": ["a"]},
        {"join": {"parts": []}},
        {"join": {"separator": "", "parts": [], "more": 1}},
        {"select": {"key": 0}},
        {"substitute": {"text": "a", "values": ["b"]}},
        {"a": [{"base64": {"join": None}}]},
    ],
)
def test_malformed_expressions_are_refused(data: Any) -> None:
    with pytest.raises(PlanUnreadable):
        expressions.check(data)


def test_depth_is_limited() -> None:
    data: Any = "a"
    for _ in range(expressions.MAX_DEPTH):
        data = {"base64": [data]}
    expressions.check(data)
    with pytest.raises(PlanUnreadable, match="nested"):
        expressions.check({"base64": data})


@pytest.mark.parametrize(
    "expression",
    [
        expressions.join("", {"a": 1}),
        expressions.join(",", None),
        expressions.base64([TEXT]),
        expressions.select(2, [1, 2]),
        expressions.select(-1, [1, 2]),
        expressions.select("a", "text"),
        expressions.select("a", {"b": 1}),
        expressions.substitute("${a}", {"a": [TEXT]}),
        expressions.join("", *["x" * 1024] * 1025),
        expressions.substitute("${a}" * 1025, {"a": "x" * 1024}),
    ],
)
def test_values_that_do_not_fit_are_refused_and_not_shown(expression: Any) -> None:
    with pytest.raises(PlanUnreadable) as caught:
        value(expression)
    assert TEXT not in caught.value.detail


@pytest.mark.parametrize("path", ["gone.id", "boot.name", "port.ports.7.id"])
def test_references_that_lead_nowhere(path: str) -> None:
    with pytest.raises((KeyError, IndexError)):
        value(expressions.join("", expressions.ref(path)))
