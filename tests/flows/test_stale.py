"""A catalogue that was kept and is not right any more: it is asked again, once, before anybody is refused."""

from typing import Any

import msgspec
import pytest

from enamel.clouds.calls import cache
from enamel.model import task
from enamel.model.errors import Invalid
from tests.flows.world import World

WEB: dict[str, Any] = {"name": "web", "template": "cirros", "type": "m1.small"}
LISTS = ("GET compute /v2.1/flavors/detail", "GET image /v2/images", "GET network /v2.0/networks")


@pytest.fixture
def long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is kept was kept for a while."""
    monkeypatch.setattr(cache, "A_WHILE", 0.0)


def asked(world: World) -> list[int]:
    return [world.sandbox.cloud.calls.counts[path] for path in LISTS]


def replaced(world: World, name: str) -> None:
    """Give a flavor another id, as an operator does who makes it anew."""
    flavors = world.sandbox.cloud.compute.flavors
    old = next(one for one in flavors.values() if one.name == name)
    del flavors[old.id]
    flavors["4711"] = msgspec.structs.replace(old, id="4711")


async def test_what_is_new_is_found(world: World, long_ago: None) -> None:
    await world.run(WEB)
    flavors = world.sandbox.cloud.compute.flavors
    new = msgspec.structs.replace(next(iter(flavors.values())), id="4711", name="m1.new", ram=512, disk=1)
    flavors[new.id] = new
    after = await world.run({**WEB, "name": "new", "type": "m1.new"})
    assert after.state is task.State.COMPLETED, after.task.error
    await world.check()


async def test_what_is_not_there_is_looked_for_once(world: World, long_ago: None) -> None:
    await world.run(WEB)
    before = asked(world)
    with pytest.raises(Invalid):
        await world.accept({**WEB, "type": "m1.none"})
    assert asked(world) == [number + 1 for number in before]


async def test_who_mistypes_again_and_again_costs_the_cloud_nothing(world: World) -> None:
    await world.run(WEB)
    before = asked(world)
    for _ in range(5):
        with pytest.raises(Invalid):
            await world.accept({**WEB, "type": "m1.none"})
    assert asked(world) == before


async def test_what_was_chosen_by_name_and_has_another_id_is_chosen_again(
    world: World, long_ago: None
) -> None:
    await world.run(WEB)
    replaced(world, "m1.small")
    after = await world.run({**WEB, "name": "again"})
    assert after.state is task.State.COMPLETED, after.task.error
    assert {row["name"] for row in after.cloud["server"]} == {"web", "again"}
    assert any("catalogue had changed" in (one.note or "") for one in after.items)
    await world.check()


async def test_what_is_gone_for_good_is_refused_in_the_clouds_words(world: World, long_ago: None) -> None:
    await world.run(WEB)
    flavors = world.sandbox.cloud.compute.flavors
    old = next(one for one in flavors.values() if one.name == "m1.small")
    del flavors[old.id]
    after = await world.run({**WEB, "name": "again"})
    assert after.state is task.State.ABORTED and after.task.error is not None
    assert "could not be found" in after.task.error.detail
    with pytest.raises(Invalid):
        await world.accept({**WEB, "name": "once more"})
    await world.check()
