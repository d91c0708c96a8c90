"""The service's OpenAPI document keeps to its own standard; `test_fuzzing.py` holds the service to the document."""

import jsonschema
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from enamel.api import openapi
from enamel.api.routes import ROUTES

DOCUMENT = msgspec.json.decode(msgspec.json.encode(openapi.document(ROUTES)))


def test_the_document_is_valid() -> None:
    assert not list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors())


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_every_schema_is_valid(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])
