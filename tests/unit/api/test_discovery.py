"""Clients that know nothing find everything."""

import re
from typing import Any

import jsonschema
import pytest
import pytest_asyncio

from enamel.api import openapi, route
from enamel.api.resources import task_body
from enamel.api.routes import ROUTES
from tests.unit.api import fakes
from tests.unit.api.conftest import Web

JSON = {"Content-Type": "application/json"}


class Generic:
    """A client that knows the relations by name, and no path."""

    def __init__(self, web: Web, home: dict[str, Any]) -> None:
        self.web = web
        self.home = home

    def url(self, relation: str, **variables: str) -> str:
        resource = self.home["resources"][f"urn:enamel:rel:{relation}"]
        if "href" in resource:
            return resource["href"]
        template = resource["hrefTemplate"]
        for name in re.findall(r"{(\w+)}", template):
            template = template.replace(f"{{{name}}}", variables.pop(name))
        path, _, optional = template.partition("{?")
        assert set(variables) <= set(optional.rstrip("}").split(","))
        return path + "".join(
            f"{'&' if at else '?'}{key}={value}" for at, (key, value) in enumerate(variables.items())
        )


@pytest_asyncio.fixture(loop_scope="session")
async def generic(web: Web) -> Generic:
    reply = await web.get("/", headers={"Accept": "application/json-home"})
    assert reply.headers["Content-Type"] == "application/json-home"
    return Generic(web, reply.body)


async def test_json_home_leads_a_client_that_knows_no_route(generic: Generic) -> None:
    launched = await generic.web.post(generic.url("servers"), data='{"name": "web"}', headers=JSON)
    id = launched.body["id"]
    assert (await generic.web.get(generic.url("task", id=id, wait="0"))).body["id"] == id
    for relation in ("items", "events", "plan"):
        assert (await generic.web.get(generic.url(relation, id=id))).status == 200
    assert (await generic.web.post(generic.url("cancel", id=id))).status == 202
    assert (await generic.web.get(generic.url("tasks", all="true"))).body["tasks"][0]["state"] == "ABORTED"
    assert (await generic.web.call("DELETE", generic.url("task", id=id))).status == 204


async def test_json_home_knows_every_route_and_method(generic: Generic) -> None:
    told = {
        (method, (resource.get("href") or resource["hrefTemplate"]).partition("{?")[0])
        for resource in generic.home["resources"].values()
        for method in resource["hints"]["allow"]
    }
    assert told == {(route.method, route.path) for route in ROUTES}


async def test_json_home_comes_as_plain_json_too(web: Web) -> None:
    plain = await web.get("/")
    assert plain.headers["Content-Type"] == "application/json"
    assert plain.body == (await web.get("/", headers={"Accept": "application/json-home"})).body


async def test_every_body_obeys_the_schema_that_it_names(web: Web) -> None:
    made = await fakes.add(web.services.store)
    server = web.services.clouds.north.add("web")
    paths = [
        "/schemas",
        "/healthcheck",
        "/tasks",
        f"/tasks/{made.id}",
        f"/tasks/{made.id}/items",
        f"/tasks/{made.id}/events",
        f"/tasks/{made.id}/plan",
        "/servers",
        f"/servers/{server.id}",
    ]
    for path in paths:
        body = (await web.get(path)).body
        assert body["_links"]["self"]["href"] == path
        schema = (await web.get(body["_links"]["describedby"]["href"])).body
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(body, schema, cls=jsonschema.Draft202012Validator)


async def test_error_bodies_obey_their_schema(web: Web) -> None:
    reply = await web.get("/tasks?limit=x")
    schema = (await web.get("/schemas/errors")).body
    jsonschema.validate(reply.body, schema, cls=jsonschema.Draft202012Validator)


async def test_every_schema_that_is_listed_is_there_and_valid(web: Web) -> None:
    names = (await web.get("/schemas")).body["schemas"]
    assert {
        "placement",
        "project",
        "property",
        "server_type",
        "tag",
        "task",
        "task_item",
        "event",
        "server",
        "task_plan",
        "launch",
        "preview",
        "errors",
        "task_state",
        "item_state",
    } <= set(names)
    for name in names:
        assert re.fullmatch("[a-z_]+", name)
        reply = await web.get(f"/schemas/{name}")
        assert reply.headers["Content-Type"] == "application/schema+json"
        jsonschema.Draft202012Validator.check_schema(reply.body)
    assert (await web.get("/schemas/nothing")).status == 404


async def test_openapi_is_served(web: Web) -> None:
    assert (await web.get("/openapi.json")).body["openapi"] == "3.1.0"


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def titles(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["title"]] if isinstance(node.get("title"), str) else []
        return own + [title for child in node.values() for title in titles(child)]
    return [title for child in node for title in titles(child)] if isinstance(node, list) else []


def test_each_schema_has_a_title_of_its_own() -> None:
    # Generators of clients name their classes after titles, whatever the case: equal ones lose schemas.
    document = openapi.document(ROUTES)
    named = document["components"]["schemas"]
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in named)
    assert {name.replace("_", "") for name in named} == {schema["title"].lower() for schema in named.values()}
    everywhere = [title.lower() for title in titles({**document, "info": {}})]
    assert sorted(everywhere) == sorted(set(everywhere))


def test_a_state_is_the_same_schema_in_a_query_and_in_a_body() -> None:
    operation = openapi.document(ROUTES)["paths"]["/tasks"]["get"]
    state = next(parameter for parameter in operation["parameters"] if parameter["name"] == "state")
    assert state["schema"]["items"] == {"$ref": "#/components/schemas/task_state"}


@pytest.mark.parametrize(
    "row", [row for row in ROUTES if task_body.Task in row.responses.get(202, ())], ids=lambda row: row.name
)
def test_what_is_accepted_is_a_task(row: route.Route) -> None:
    accepted = openapi.document(ROUTES)["paths"][row.path][row.method.lower()]["responses"]["202"]
    schema = accepted["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/task"}


def test_openapi_holds_together() -> None:
    document = openapi.document(ROUTES)
    for reference in references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    ids = [operation["operationId"] for lines in document["paths"].values() for operation in lines.values()]
    assert len(ids) == len(set(ids)) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_openapi_describes(route: Any) -> None:
    operation = openapi.document(ROUTES)["paths"][route.path][route.method.lower()]
    named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
    assert named == set(route.variables)
    for parameter in operation["parameters"]:
        jsonschema.Draft202012Validator.check_schema(parameter["schema"])
        assert parameter["in"] == "path" or parameter["description"]
    statuses = set(operation["responses"])
    assert {"400", "406", "500"} < statuses
    assert ("403" in statuses) == (not route.is_open)
    assert ("404" in statuses) == ("{" in route.path)
    assert ("413" in statuses) == ("requestBody" in operation)


def test_one_path_has_one_relation() -> None:
    assert len({(route.path, route.relation) for route in ROUTES}) == len({route.path for route in ROUTES})
