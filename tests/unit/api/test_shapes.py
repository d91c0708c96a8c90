"""One shape for one thing: what the OpenAPI document says of all bodies and queries."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from enamel.api import openapi, problems, schemas
from enamel.api.routes import ROUTES
from enamel.model import moment
from enamel.model.event import CloudEvent

DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(openapi.document(ROUTES)))


def parts(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object of the document with its place."""
    if isinstance(value, dict):
        yield place, value
        value = value.items()
    elif isinstance(value, list):
        value = enumerate(value)
    else:
        return
    for name, below in value:
        yield from parts(below, f"{place}/{name}")


def test_every_enum_has_values_in_upper_case() -> None:
    enums = {place: part["enum"] for place, part in parts(DOCUMENT) if isinstance(part.get("enum"), list)}
    assert len(enums) > 10
    odd = {
        place: values
        for place, values in enums.items()
        if not all(re.fullmatch(r"[A-Z]+(_[A-Z]+)*", value) for value in values)
    }
    assert odd == {}


def test_every_default_of_an_enum_is_one_of_its_values() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for place, part in parts(DOCUMENT):
        if "default" in part and "$ref" in part:
            values = schemas[part["$ref"].rpartition("/")[2]].get("enum")
            assert values is None or part["default"] in values, place


def test_the_state_of_a_volume_is_one_of_those_that_the_document_names() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for name in ("volume", "volume_snapshot"):
        assert schemas[name]["properties"]["state"]["$ref"].endswith("/volume_state")
    assert "IN_USE" in schemas["volume_state"]["enum"]


# -- times


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
"""A whole second: the encoder would leave out its fraction."""
SHOWN = dict.fromkeys(
    kind for route in ROUTES for kinds in route.responses.values() for kind in kinds if isinstance(kind, type)
)
BODIES = [kind for kind in (*SHOWN, problems.Errors, problems.Details) if issubclass(kind, msgspec.Struct)]


def example(kind: inspect.Type, within: frozenset[type] = frozenset()) -> Any:
    """Return a value of a type, with one entry in each list and a time wherever one may be."""
    match kind:
        case inspect.DateTimeType():
            return NOON
        case inspect.Metadata():
            return example(kind.type, within)
        case inspect.UnionType():
            times = [option for option in kind.types if not isinstance(option, inspect.NoneType)]
            return example(times[0], within)
        case inspect.StructType():
            if kind.cls in within:
                return None
            values = {field.name: example(field.type, within | {kind.cls}) for field in kind.fields}
            return kind.cls(**values)
        case inspect.DictType():
            return {"key": example(kind.value_type, within)}
        case inspect.CollectionType():
            return (example(kind.item_type, within),)
        case inspect.EnumType():
            return next(iter(kind.cls))
    return None


@pytest.mark.parametrize("kind", BODIES, ids=lambda kind: kind.__name__)
def test_every_time_of_a_body_is_in_utc_and_to_the_microsecond(kind: type[msgspec.Struct]) -> None:
    sent = msgspec.json.encode(moment.spelled(example(inspect.type_info(kind)))).decode()
    times = re.findall(r"2026-01-31T[^\"]*", sent)
    assert set(times) <= {"2026-01-31T12:00:00.000000Z"}
    named = schemas.document(ROUTES, schemas.name_of(kind))
    dated = [place for place, part in parts(named) if part.get("format") == "date-time"]
    assert bool(times) == bool(dated), dated


def test_an_event_is_the_same_wherever_it_is_shown() -> None:
    [events] = [kind for kind in BODIES if schemas.name_of(kind) == "events"]
    assert events.__annotations__["events"] == tuple[CloudEvent, ...]
    assert "cloud_event" not in schemas.names(ROUTES)
    assert DOCUMENT["components"]["schemas"]["event"]["title"] == "Event"


def test_a_time_of_another_zone_is_written_in_utc() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=9)))
    assert moment.text(there) == "2026-01-31T12:00:00.000000Z"


def test_the_first_day_of_all_can_be_written() -> None:
    first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9)))
    assert moment.text(first) == "0001-01-01T00:00:00.000000Z"


# -- quotas


def test_a_quota_has_one_shape() -> None:
    named = DOCUMENT["components"]["schemas"]
    shapes = {
        name for name, schema in named.items() if {"limit", "used"} <= set(schema.get("properties", {}))
    }
    assert shapes == {"quota"}
    assert set(named["quota"]["properties"]) == {"limit", "used", "reserved", "free", "wanted"}
    for name in ("quotas", "preview"):
        place = named[name]["properties"]["quota"]["additionalProperties"]
        assert place == {"$ref": "#/components/schemas/quota"}


# -- plans


def test_a_plan_has_one_shape_with_steps() -> None:
    named = DOCUMENT["components"]["schemas"]
    assert named["preview"]["properties"]["plan"]["$ref"].endswith("/plan")
    of_task = {name: part for name, part in named["task_plan"]["properties"].items() if name != "_links"}
    assert of_task == named["plan"]["properties"]
    assert named["plan"]["properties"]["steps"]["items"]["$ref"].endswith("/plan_step")
    assert {"calls", "needs", "on_failure"} <= set(named["plan"]["required"])
    assert "calls" not in named["preview"]["properties"]


def test_no_part_of_a_plan_is_called_a_node() -> None:
    assert not re.search(r"\bnodes?\b", msgspec.json.encode(DOCUMENT).decode(), re.IGNORECASE)
