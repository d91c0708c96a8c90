"""One shape for one thing: what the OpenAPI document says of all bodies and queries."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from enamel.api import openapi
from enamel.api.routes import ROUTES

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
