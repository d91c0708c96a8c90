"""Servers that are to be near others, or apart from them, on a cloud that heeds no hints: most have no filter for them."""

import msgspec
import pytest

from enamel.model.task import State
from enamel.sandbox import kernel
from tests.flows import world as worlds
from tests.flows.world import World

WISH = {"template": "cirros", "type": "m1.tiny"}


@pytest.fixture
def settings() -> kernel.Settings:
    """A cloud with one host in each zone."""
    return msgspec.structs.replace(worlds.QUICK, hosts_per_zone=1, hints=False)


async def test_a_cloud_that_does_not_heed_a_hint_is_told_of(world: World) -> None:
    first = await world.run({"name": "a", **WISH, "placement": "az1", "tags": ["db"]})
    [peer] = [entry.id for entry in first.task.servers]
    apart = await world.run(
        {"name": "b", **WISH, "placement": "az1", "affinity": {"not_near": {"server_tags": ["db"]}}}
    )
    near = await world.run(
        {"name": "c", **WISH, "placement": "az2", "affinity": {"near": {"server_ids": [peer]}}}
    )
    for after, word in ((apart, f"on the host of {peer}"), (near, "has not put server 'c' near")):
        assert after.state is State.COMPLETED
        assert word in after.item(f"server-await_active-{after.task.servers[0].hostname}").note
    await world.check()


async def test_what_came_as_it_was_asked_for_needs_no_word(world: World) -> None:
    first = await world.run({"name": "a", **WISH, "placement": "az1"})
    [peer] = [entry.id for entry in first.task.servers]
    for name, zone, affinity in (
        ("b", "az2", {"not_near": {"server_ids": [peer]}}),
        ("c", "az1", {"near": {"server_ids": [peer]}}),
    ):
        after = await world.run({"name": name, **WISH, "placement": zone, "affinity": affinity})
        assert (after.state, after.item(f"server-await_active-{name}").note) == (State.COMPLETED, "")
    await world.check()
