"""A route belongs to the version that it came with: who asks for an earlier one does not find it, anywhere."""

from typing import Annotated, Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from enamel.api import app, version, versioned_fields
from enamel.api.request import Request, Response
from enamel.api.route import Route, offered
from enamel.api.routes import ROUTES
from tests.unit.api import fakes
from tests.unit.api.conftest import Switch, Web

NEXT = (1, 1)
LATEST = {version.HEADER: "enamel latest"}


class Weather(msgspec.Struct, frozen=True):
    """What the first version knows nothing of."""

    sunny: bool


class Wind(msgspec.Struct, frozen=True):
    """Something with a field that the first version did not have."""

    speed: int = 3
    gusts: Annotated[tuple[int, ...], versioned_fields.since(1, 1)] = (5,)


class Report(msgspec.Struct, frozen=True):
    """Something that contains it."""

    winds: list[Wind] = []


async def get_weather(ask: Request) -> Response:
    return Response(body=Weather(sunny=True))


async def put_report(ask: Request) -> Response:
    return Response(body=msgspec.convert(ask.body, Report))


TABLE = (
    *ROUTES,
    Route(
        method="GET",
        path="/weather",
        name="get_weather",
        relation="weather",
        handler=get_weather,
        summary="Tell the weather.",
        responses={200: (Weather,)},
        since=NEXT,
    ),
    Route(
        method="PUT",
        path="/report",
        name="put_report",
        relation="report",
        handler=put_report,
        summary="Tell the winds.",
        request=Report,
        responses={200: (Report,)},
    ),
)


@pytest_asyncio.fixture(loop_scope="session")
async def web(
    services: fakes.Services,
    served: tuple[str, Switch, aiohttp.ClientSession],
    monkeypatch: pytest.MonkeyPatch,
) -> Web:
    monkeypatch.setattr(version, "NEWEST", NEXT)
    url, switch, session = served
    switch.inside = app.application(services, table=TABLE)
    return Web(url, services, session)


async def test_who_asks_for_the_first_version_does_not_find_it(web: Web) -> None:
    for headers in ({}, {version.HEADER: "enamel 1.0"}):
        reply = await web.get("/weather", headers=headers)
        assert (reply.status, reply.errors[0]["code"]) == (404, "enamel.request.not_found")
        assert "requires version 1.1" in reply.errors[0]["detail"]
        assert "enamel 1.1" in reply.errors[0]["remedy"]
        assert reply.headers[version.HEADER] == "enamel 1.0"
        assert reply.headers["OpenStack-API-Maximum-Version"] == "enamel 1.1"


async def test_who_asks_for_its_version_does(web: Web) -> None:
    for headers in (LATEST, {version.HEADER: "enamel 1.1"}):
        reply = await web.get("/weather", headers=headers)
        assert (reply.status, reply.body) == (200, {"sunny": True})
        assert reply.headers[version.HEADER] == "enamel 1.1"
        assert version.HEADER in reply.headers["Vary"]


async def test_every_directory_is_one_of_the_version_that_is_asked_for(web: Web) -> None:
    def told(home: Any, schemas: Any, document: Any) -> tuple[bool, bool, bool]:
        relations, paths = home["resources"], document["paths"]
        return "urn:enamel:rel:weather" in relations, "weather" in schemas["schemas"], "/weather" in paths

    first = [(await web.get(path)).body for path in ("/", "/schemas", "/openapi.json")]
    assert told(*first) == (False, False, False)
    latest = [(await web.get(path, headers=LATEST)).body for path in ("/", "/schemas", "/openapi.json")]
    assert told(*latest) == (True, True, True)
    assert latest[2]["paths"]["/weather"]["get"]["x-enamel-since"] == "1.1"
    assert (await web.get("/schemas/weather")).status == 404
    assert (await web.get("/schemas/weather", headers=LATEST)).status == 200


async def test_errors_tell_the_version_that_was_agreed_on(web: Web) -> None:
    reply = await web.get("/tasks?limit=x", headers=LATEST)
    assert (reply.status, reply.headers[version.HEADER]) == (400, "enamel 1.1")


async def test_a_field_belongs_to_the_version_that_it_came_with(web: Web) -> None:
    full = {"winds": [{"speed": 4, "gusts": [7]}]}
    reply = await web.call("PUT", "/report", json=full, headers=LATEST)
    assert (reply.status, reply.body) == (200, full)
    refused = await web.call("PUT", "/report", json=full)
    assert (refused.status, refused.errors[0]["pointer"]) == (400, "/winds/0/gusts")
    assert "came with version 1.1" in refused.errors[0]["detail"]
    reply = await web.call("PUT", "/report", json={"winds": [{"speed": 4}]})
    assert (reply.status, reply.body) == (200, {"winds": [{"speed": 4}]})
    schema = (await web.get("/schemas/wind")).body
    assert schema["properties"]["gusts"]["x-enamel-since"] == "1.1"


def test_no_route_is_of_a_version_that_is_not_on_offer() -> None:
    assert offered(ROUTES, version.NEWEST) == ROUTES
