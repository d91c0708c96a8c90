"""The needs of a plan's steps, found without what they refer to, are those of the plan."""

from typing import Any

import pytest

from enamel.commands import needs
from enamel.flow import plan as plans
from tests.unit.commands import north

BODIES: list[dict[str, Any]] = [
    {},
    {"count": 3, "public_address": True},
    {"count": 2, "allow": ["tcp/22"], "volumes": [{"size_gb": 7}, {"size_gb": 1, "name": "data"}]},
    {"boot_volume": {"size_gb": 9}, "keypair": {"name": "new", "public_key": north.OTHER_KEY}},
    {"user_data": "aGVsbG8=", "properties": {"a": "b"}},
]


@pytest.mark.parametrize("body", BODIES)
def test_the_needs_of_all_steps_are_those_of_the_plan(body: dict[str, Any]) -> None:
    plan = north.planned(north.launch(**body)).plan
    assert needs.of(plan.nodes) == plan.needs
    assert needs.of(plans.read(plans.data(plan)).nodes) == plan.needs


def test_the_needs_of_some_steps_are_theirs() -> None:
    plan = north.planned(north.launch(**BODIES[2])).plan
    volumes = [node for node in plan.nodes if node.kind == "volume.create"]
    assert needs.of(volumes) == {"volumes": 4, "gigabytes": 16}
    assert needs.of(node for node in plan.nodes if node.kind == "server.await_active") == needs.of(()) == {}
