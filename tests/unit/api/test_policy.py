"""The rules that routes name are the ones that their use cases check."""

import asyncio

import pytest

from enamel.api import openapi, routes
from enamel.api.request import Request
from enamel.api.route import Route
from enamel.model.action import Action
from enamel.model.errors import Forbidden
from enamel.service.access import policy
from tests.unit.service import use_cases

RULES = {rule.name for rule in policy.RULES}
CLOSED = [route for route in routes.ROUTES if not route.is_open]
BODIES: dict[str, list[object]] = {
    "change_server": [{"hostname": "web"}, {"project_id": "other"}],
    "act_on_server": [{"action": what.value} for what in Action],
}
"""Of the routes whose rule the body decides: one for each rule."""


async def refused(route: Route, body: object) -> str:
    """Return the rule by which a route refuses somebody without roles."""
    request = Request(
        services=use_cases.built(),
        ctx=use_cases.STRANGER,
        path=route.path,
        params=dict.fromkeys(route.variables, "00000000-0000-4000-8000-000000000000"),
        query=route.query(),
        body=body,
        headers={},
        while_here=lambda waiting: waiting,
        documents=None,  # type: ignore[arg-type]
    )
    with pytest.raises(Forbidden) as error:
        await route.handler(request)
    return str(error.value.data["rule"])


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: route.name)
def test_a_route_names_the_rules_that_its_use_case_checks(route: Route) -> None:
    async def every() -> set[str]:
        return {await refused(route, body) for body in BODIES.get(route.name, [{}])}

    checked = asyncio.run(every())
    assert checked <= set(route.rules) <= RULES
    # Only the launch in a project asks two questions: the first one has its answer here.
    assert route.name == "create_project_servers" or checked == set(route.rules)


def test_every_rule_protects_a_route() -> None:
    assert {rule for route in CLOSED for rule in route.rules} == RULES


@pytest.mark.parametrize("route", routes.ROUTES, ids=lambda route: route.name)
def test_openapi_tells_the_rules(route: Route) -> None:
    operation = openapi.document(routes.ROUTES)["paths"][route.path][route.method.lower()]
    assert operation.get("x-enamel-policy", []) == list(route.rules)


@pytest.mark.parametrize("route", CLOSED, ids=lambda route: route.name)
def test_every_route_can_be_told_which_cloud(route: Route) -> None:
    assert ("cloud" in route.query.__struct_fields__) is not route.path.startswith("/clouds")
