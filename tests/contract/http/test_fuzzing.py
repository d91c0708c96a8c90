"""The service keeps to its own OpenAPI document, whatever it is sent: schemathesis makes the requests out of that.

Every operation gets the requests that cover each rule of its parameters and its body, kept and broken, and then some
random ones: `ENAMEL_TEST_REQUESTS` says how many. An answer must have a status that is documented for its route, headers
and a body that obey the schema of that status, and what breaks a rule must not be accepted. Nothing is left to chance:
the same document gives the same requests.

It runs with the integration tests: to make the requests alone takes as long as hundreds of other tests.
"""

import os
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection

from enamel.api import home, openapi
from enamel.api.routes import ROUTES
from tests.contract.http import known, service

pytestmark = [pytest.mark.integration]

DOCUMENT = msgspec.json.decode(msgspec.json.encode(openapi.document(ROUTES)))
CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {
            "deterministic": True,
            "max-examples": int(os.environ.get("ENAMEL_TEST_REQUESTS", "6")),
            "database": "none",
            "no-shrink": True,
        },
        # No schema can say which names a cloud knows: a request that obeys its schema may well be refused.
        "checks": {"positive_data_acceptance": {"enabled": False}},
        "phases": {"stateful": {"enabled": False}},
    }
)
schema = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)


@schemathesis.deserializer(home.MEDIA_TYPE, "application/schema+json")
def read(context: Any, response: Any) -> Any:
    return msgspec.json.decode(response.content)


@pytest.fixture(scope="module")
def web() -> Iterator[requests.Session]:
    with requests.Session() as made:
        yield made


@pytest.fixture(scope="module")
def lasting(whole: service.Whole) -> Iterator[known.Things]:
    made = known.Things(whole.url)
    yield made
    made.remove()


@pytest.fixture
def things(lasting: known.Things) -> known.Things:
    lasting.look_again()
    return lasting


# All requests of an operation speak of the same things: that is what they are made for.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@schema.parametrize()
def test_every_answer_is_documented(
    case: schemathesis.Case, whole: service.Whole, web: requests.Session, things: known.Things
) -> None:
    things.put_into(case.path_parameters, path=case.path)
    answer = case.call(base_url=whole.url, session=web, timeout=90)
    # A preview answers with the faults that it found, and its own status tells that it could look.
    query = case.query if isinstance(case.query, dict) else {}
    preview = query.get("dry_run") in (True, "true", "1")
    case.validate_response(answer, excluded_checks=[negative_data_rejection] if preview else [])
