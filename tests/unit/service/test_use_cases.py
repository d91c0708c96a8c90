"""Every use case is told on whose behalf, and asks the policy first."""

import dataclasses
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from enamel.model.call_context import CallContext
from enamel.model.errors import Forbidden
from enamel.service.access import policy
from enamel.service.services import Services
from tests.unit.service import use_cases

ABOUT_THE_PROCESS = {"callers", "health", "metrics"}
"""These reach no cloud on behalf of a caller."""
PARTS = {"orphans.look", "servers.record", "tasks.id_of"}
"""What other use cases are made of, which have asked for a rule of their own."""
NOT_ON_ONE_CLOUD = {"cloud_states.list", "cloud_states.get", *PARTS}
ARGUMENTS: dict[str, Any] = {
    "after": 0,
    "data": {},
    "limit": 1,
    "timeout": timedelta(0),
    "name": "server.create",
}

BODIES = {"server_actions.act": {"action": "REBOOT"}, "server_changes.change": {"hostname": "web"}}
"""Where the body decides which rule is asked for."""


def methods() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every public coroutine of every service, by its name."""
    for field in dataclasses.fields(Services):
        if field.name in ABOUT_THE_PROCESS:
            continue
        for name, function in inspect.getmembers(field.type, inspect.isfunction):
            is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
            if is_async and not name.startswith("_"):
                yield f"{field.name}.{name}", function


METHODS = dict(methods())


def test_every_noun_has_its_use_cases() -> None:
    assert len(METHODS) > 50
    assert {name.partition(".")[0] for name in METHODS} == {
        field.name for field in dataclasses.fields(Services)
    } - ABOUT_THE_PROCESS


@pytest.mark.parametrize("name", METHODS)
def test_a_use_case_takes_the_context_first(name: str) -> None:
    parameters = list(inspect.signature(METHODS[name]).parameters.values())
    assert (parameters[1].name, parameters[1].annotation) == ("ctx", CallContext)


@pytest.mark.parametrize("name", sorted(METHODS.keys() - NOT_ON_ONE_CLOUD))
def test_a_use_case_can_be_told_which_cloud(name: str) -> None:
    cloud = inspect.signature(METHODS[name]).parameters["cloud"]
    assert (cloud.default, cloud.annotation) == (None, str | None)


@pytest.mark.parametrize("name", sorted(METHODS.keys() - PARTS))
async def test_a_use_case_asks_the_policy_before_anything_else(name: str) -> None:
    noun, _, verb = name.partition(".")
    method = getattr(getattr(use_cases.built(), noun), verb)
    required = [
        parameter.name
        for parameter in inspect.signature(method).parameters.values()
        if parameter.default is parameter.empty and parameter.name != "ctx"
    ]
    given = {one: ARGUMENTS.get(one, "x") for one in required}
    if name in BODIES:
        given["data"] = BODIES[name]
    with pytest.raises(Forbidden, match="requires") as refused:
        await _first(method(use_cases.STRANGER, **given))
    assert refused.value.data["rule"] in {rule.name for rule in policy.RULES}


async def _first(call: Awaitable[Any] | AsyncIterator[Any]) -> None:
    if isinstance(call, AsyncIterator):
        await anext(call)
    else:
        await call
